"""What is to become of the inputs: names of outputs, clashes, shares of a job array."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

from ppdcli.errors import UsageError
from ppdcli.files.formats import CLOUD_FORMATS, DEPTH_FORMATS
from ppdcli.files.source import is_dir, is_file
from ppdcli.jobs.inputs import Input, place_teller
from ppdcli.photo import IMAGE_SUFFIXES

Outputs = dict[str, Path]  # format -> file

# Of pictures, clouds and meshes, videos, tables and archives that other programs write.
# fmt: off
_FOREIGN_SUFFIXES = frozenset((
    ".hdr", ".pfm", ".dpt", ".psd", ".svg", ".pdf", ".raw", ".npz", ".mat", ".h5", ".hdf5",
    ".obj", ".pcd", ".xyz", ".xyzrgb", ".pts", ".ptx", ".las", ".laz", ".e57", ".glb", ".gltf",
    ".stl", ".off", ".fbx", ".dae", ".3ds", ".usd", ".usda", ".usdc", ".usdz", ".abc", ".blend",
    ".splat", ".ksplat", ".spz", ".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm",
    ".csv", ".txt", ".json", ".xml", ".zip", ".tar", ".gz",
))
# fmt: on
FILE_SUFFIXES = (
    IMAGE_SUFFIXES
    | _FOREIGN_SUFFIXES
    | {row.suffix for row in DEPTH_FORMATS.values()}
    | {Path("x" + row.ending).suffix for row in CLOUD_FORMATS.values()}
)  # of an --output that is meant as a file


@dataclass(frozen=True)
class Format:
    """An output format: ``png`` -> ``photo`` + ``_depth.png``."""

    name: str
    ending: str

    @property
    def suffix(self) -> str:
        """The file suffix, ``.png``."""
        return Path("x" + self.ending).suffix


@dataclass(frozen=True)
class Task:
    """An input with the files that it is to become.

    Attributes:
        outputs: none when they go to stdout.
        folder: the output folder, whose journal knows them; None for a file or stdout.
    """

    input: Input
    outputs: Outputs
    folder: Path | None = None


def plan(inputs: Sequence[Input], formats: Sequence[Format], output: Path | None) -> list[Task]:
    """Gives every input its output files.

    Args:
        inputs: the images.
        formats: what to write of each.
        output: a folder; a file when there is one input and one format and it has the format's
            suffix; None for stdout. A name with the suffix of another kind of file is refused,
            unless it is a folder that is there.

    Raises:
        UsageError: two inputs would write the same file, one would overwrite an input, or stdout
            or a file would get several outputs or another format.
    """
    if output is None:
        if len(inputs) != 1 or len(formats) != 1:
            raise UsageError(
                f"stdout takes one file, not {len(inputs) * len(formats)}; give one input and one "
                "--format, or a folder with --output"
            )
        return [Task(inputs[0], {})]
    suffix = output.suffix.lower()
    if not is_dir(output) and suffix in {f.suffix for f in formats}:
        if len(inputs) != 1 or len(formats) != 1:
            raise UsageError(
                f"{output}: one file cannot take {len(inputs) * len(formats)} outputs; give one "
                "input and one --format, or a folder"
            )
        if _is_special(output):
            raise UsageError(f"{output}: is no regular file; give --output - for a pipe")
        tasks = [Task(inputs[0], {formats[0].name: output})]
    elif is_file(output):
        raise UsageError(f"{output}: is a file, not a folder; choose another --output")
    elif suffix in FILE_SUFFIXES and not is_dir(output):
        names = ", ".join(f.name for f in formats)
        rows = CLOUD_FORMATS if formats[0].name in CLOUD_FORMATS else DEPTH_FORMATS
        raise UsageError(
            f"{output}: the output is {names}, which is no {suffix}; the formats are "
            f"{', '.join(rows)}; give a name that ends as one of them, or a folder"
        )
    else:
        tasks = [
            Task(entry, {f.name: output / f"{entry.stem}{f.ending}" for f in formats}, output)
            for entry in inputs
        ]
    _refuse_clashes(tasks)
    return tasks


def _is_special(path: Path) -> bool:
    """Whether something is there, or where a link leads to, that is neither file nor folder."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def share(tasks: Sequence[Task], shard: tuple[int, int] | None) -> list[Task]:
    """Every n-th task, from the i-th on, for ``shard`` (i, n) with 1 <= i <= n; all for None.

    Plan the whole list first, so that clashes between shares are seen.
    """
    if shard is None:
        return list(tasks)
    number, count = shard
    return list(tasks[number - 1 :: count])


def _refuse_clashes(tasks: Sequence[Task]) -> None:
    owners: dict[str, Input] = {}
    tell = place_teller()
    paths = [task.input.path for task in tasks if task.input.path is not None]
    sources = {place for path in paths for place in (tell(path), Path(os.path.realpath(path)))}
    for task in tasks:
        for path in task.outputs.values():
            # A link that --output names is followed; one in a folder is replaced.
            place = tell(path) if task.folder is not None else Path(os.path.realpath(path))
            if place in sources:
                raise UsageError(
                    f"{path} is an input, and the output of {task.input.name} would overwrite it; "
                    "choose another --output, or leave that input out"
                )
            # Some file systems do not tell A from a, nor the two ways to write an accent.
            name = normalize("NFC", str(path)).casefold()
            other = owners.setdefault(name, task.input)
            if other is not task.input:
                raise UsageError(
                    f"{other.name} and {task.input.name} would both write {path}; "
                    f"{_way_apart(other, task.input)}"
                )


def _way_apart(one: Input, other: Input) -> str:
    if one.path is None or other.path is None or one.path.parent != other.path.parent:
        return "give the folder that holds both, or run them one by one with different --output"
    first, second = one.path.suffix, other.path.suffix
    if first.lower() == second.lower():
        return "rename one, or run them one by one with different --output"
    patterns = " and ".join(f"'{one.path.parent / '*'}{suffix}'" for suffix in (first, second))
    return (
        f"rename one, or run {patterns} one by one with different --output, or give the folder "
        f"{one.path.parent}, whose photos then keep their endings"
    )
