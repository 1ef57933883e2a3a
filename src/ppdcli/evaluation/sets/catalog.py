"""The data sets by name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ppdcli.errors import UsageError
from ppdcli.evaluation.frames import BenchmarkImage
from ppdcli.evaluation.sets import diode, eth3d, hypersim, kitti, nyuv2, scannet
from ppdcli.evaluation.sets.listing import read_list
from ppdcli.evaluation.sets.rules import SetRules
from ppdcli.files.source import is_dir, is_file, no_folder

RULES: dict[str, SetRules] = {
    "nyuv2": nyuv2.RULES,
    "kitti": kitti.RULES,
    "eth3d": eth3d.RULES,
    "scannet": scannet.RULES,
    "diode": diode.RULES,
    "hypersim": hypersim.RULES,
}


@dataclass(frozen=True, eq=False)
class DepthSet:
    """A set with true depth; its images are not read yet.

    Attributes:
        name: The name on the command line.
        entries: The images, in the order of the list.
        passed_over: Number of lines of the list without a depth file.
        expected: Number of entries of the whole test set; None if there is no agreed number.
        depth_range: (lo, hi) metres that the protocol calls valid; hi may be infinite.
        facts: Lines that state the protocol, to be printed with a result.
    """

    name: str
    entries: tuple[BenchmarkImage, ...]
    passed_over: int
    expected: int | None
    depth_range: tuple[float, float]
    facts: tuple[str, ...]


def open_set(name: str, root: Path, list_file: Path | None) -> DepthSet:
    """Finds a set's images. Reads only the list.

    Args:
        name: One of ``SETS``.
        root: The folder that the list's paths start from.
        list_file: The list. The default is the published one, by its name, in ``root``.

    Raises:
        UsageError: The name is unknown, the folder or the list is missing, or a line is wrong.
    """
    if name not in RULES:
        raise UsageError(f"unknown set {name!r}; choose {', '.join(RULES)}")
    rules = RULES[name]
    if not is_dir(root):
        raise UsageError(
            f"{root}: {no_folder(root)}; name the folder that holds the unpacked files of {name}"
        )
    listing = read_list(list_file or _published_list(name, rules, root), rules)
    return DepthSet(
        name,
        tuple(
            BenchmarkImage(
                files[0].as_posix(), partial(rules.read, *(root / file for file in files))
            )
            for files in listing.rows
        ),
        listing.passed_over,
        rules.expected,
        rules.depth_range,
        rules.facts,
    )


def _published_list(name: str, rules: SetRules, root: Path) -> Path:
    way_on = f"name a list with --list; its lines are {rules.line}"
    if rules.list_name is None:
        raise UsageError(f"{name}: has no list of its own; {way_on}")
    path = root / rules.list_name
    if not is_file(path):
        raise UsageError(f"{root}: {rules.list_name} is not in it; {way_on}")
    return path
