"""Opens the sets of ``ppd evaluate``."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ppdcli.announce import Announce
from ppdcli.errors import UsageError
from ppdcli.evaluation.sets.names import SETS
from ppdcli.wording import counted

if TYPE_CHECKING:
    from ppdcli.commands.benchmark import Benchmark
    from ppdcli.evaluation.frames import BenchmarkImage
    from ppdcli.evaluation.protocols import Protocol
    from ppdcli.evaluation.true_edges import EdgeSettings

SYNTHETIC, FURNISHED, RGBD = "synthetic", "furnished", "rgbd"
RENDERED = (SYNTHETIC, FURNISHED)
WITH_EDGES = (*RENDERED, "hypersim")  # whose truth is exact, and has a camera
ALL_SETS = {
    SYNTHETIC: "rendered scenes, no download",
    **SETS,
    FURNISHED: "rendered places with furniture that training has not seen",
    RGBD: "your own photos with measured depth",
}
FITS: dict[str, str] = {
    "authors": "RANSAC line to the truth in log(depth + 1), clipped to [1e-3, largest true depth]",
    "least-squares": "a line on all valid pixels, in the space of the prediction, clipped to the "
    "set's valid range",
    "trimmed": "a line by least squares in the space of the prediction (ppd: log(depth + 1)), then "
    "three times without the tenth of largest residuals; predictions enlarged bilinearly; clipped "
    "to [1e-3, 200] m",
}
"""Protocol: what it fits, in a line."""


@dataclass(frozen=True)
class SetRequest:
    """What the user asks for.

    Attributes:
        name: of ``ALL_SETS``.
        root, list_file: its folder and its list, where they are given.
        limit: how many images; None for all.
        protocol: of the fit.
        edges: what is near an edge; None for no scores of edges.
        depth_scale: as given.
        furniture: the furniture models' file or folder.
        results: folder of the results.
        verbose: name what is passed over.
    """

    name: str
    root: Path | None
    list_file: Path | None
    limit: int | None
    protocol: Protocol
    edges: EdgeSettings | None
    depth_scale: str | None
    furniture: Path | None
    results: Path
    verbose: bool

    def check(self) -> None:
        """Refuses options that do not apply to the set. It imports nothing heavy.

        Raises:
            UsageError: there is one.
        """
        if self.name in RENDERED and not (self.root is None and self.list_file is None):
            raise UsageError(f"{self.name} is rendered, not read; leave out --root and --list")
        if self.depth_scale is not None and self.name != RGBD:
            raise UsageError(f"--depth-scale is for {RGBD}; {self.name} has a scale of its own")
        if self.furniture is not None and self.name != FURNISHED:
            raise UsageError(f"--furniture is for {FURNISHED}; leave it out")


@dataclass(frozen=True)
class _Opened:
    """An opened set.

    Attributes:
        entries: its images.
        facts: lines that state it.
        state: what its rows depend on.
        depth_range: metres that it calls valid; None for all.
        authors_nearest, least_pixels: see ``Rules``.
        means: what the scores are means over.
    """

    entries: Sequence[BenchmarkImage]
    facts: tuple[str, ...]
    state: dict[str, str]
    depth_range: tuple[float, float] | None = None
    authors_nearest: bool = False
    least_pixels: int = 2
    means: str = "means over images"


def open_benchmark(request: SetRequest, announce: Announce) -> Benchmark:
    """Opens the set, with its rules and the lines that state them.

    Raises:
        UsageError: no such folder, an option that is missing or wrong, or a list that is.
        PpdError: the set is not there, or holds nothing to score.
    """
    from ppdcli.commands.benchmark import Benchmark
    from ppdcli.evaluation.protocols import EVERYTHING
    from ppdcli.evaluation.scoring import Rules

    openers = {SYNTHETIC: _synthetic, FURNISHED: _furnished, RGBD: _rgbd}
    opened = openers.get(request.name, _published)(request, announce)
    edges = request.edges
    edge_line = edges.describe() if edges is not None else "no scores near edges"
    state = {"set": request.name, "protocol": request.protocol, **opened.state, "edges": edge_line}
    facts = (
        f"{request.name}: {counted(len(opened.entries), 'image')}; {opened.means}",
        *opened.facts,
        f"fit, {request.protocol}: {FITS[request.protocol]}",
        edge_line,
    )
    depth_range = EVERYTHING if opened.depth_range is None else opened.depth_range
    rules = Rules(
        request.protocol,
        depth_range,
        edges,
        opened.authors_nearest,
        least_pixels=opened.least_pixels,
    )
    return Benchmark(request.name, opened.entries, rules, facts, state)


def _synthetic(request: SetRequest, announce: Announce) -> _Opened:
    from ppdcli.evaluation import synthetic

    count = synthetic.COUNT if request.limit is None else request.limit
    return _Opened(synthetic.entries(count), synthetic.FACTS, {"list": _digest("")})


def _furnished(request: SetRequest, announce: Announce) -> _Opened:
    from ppdcli.evaluation import furnished

    announce("opening the furniture models; packing them the first time takes minutes")
    library = furnished.open_furniture(request.furniture)
    count = furnished.COUNT if request.limit is None else request.limit
    models = furnished.models_digest(library)
    facts = (*furnished.FACTS, f"furniture: {len(library.numbers(True))} models of {models}")
    return _Opened(furnished.entries(library, count), facts, {"furniture": models})


def _rgbd(request: SetRequest, announce: Announce) -> _Opened:
    from ppdcli.evaluation.sets import rgbd
    from ppdcli.files.depth_scale import parse_depth_scale
    from ppdcli.jobs.inputs import recorded_in

    root, text = request.root, request.depth_scale
    if root is None:
        raise UsageError("rgbd: give the folder of the photos and depth files with --root")
    scale = None if text is None else parse_depth_scale(text, "--depth-scale")
    found = rgbd.open_rgbd(root, request.list_file, scale, request.results, recorded_in)
    if found.left_out:
        counts = ", ".join(counted(len(names), why) for why, names in found.left_out.items())
        announce(f"passed over: {counts}{'' if request.verbose else ' (-v names them)'}")
    if request.verbose:
        for why, names in found.left_out.items():
            for name in names:
                announce(f"passed over: {name}: {why}")
    entries = found.entries[: request.limit]
    sets = len({entry.part for entry in entries})
    stated = "as the list or the files state it" if scale is None else f"{scale:.7g} m"
    facts = (*rgbd.FACTS, f"step of whole numbers: {stated}", f"folder: {root}")
    means = f"means over the images of a data set, then over the {counted(sets, 'data set')}"
    state = {"root": str(root.resolve())}
    least = rgbd.LEAST_PIXELS
    return _Opened(entries, facts, state, rgbd.DEPTH_RANGE, least_pixels=least, means=means)


def _published(request: SetRequest, announce: Announce) -> _Opened:
    from ppdcli.evaluation.sets.catalog import open_set

    name = request.name
    if request.root is None:
        raise UsageError(f"{name}: give its folder with --root, and its list with --list")
    found = open_set(name, request.root, request.list_file)
    facts = list(found.facts)
    if found.passed_over:
        facts.append(f"{counted(found.passed_over, 'line')} of the list without depth, passed over")
    count = len(found.entries)
    if found.expected is not None and count != found.expected:
        announce(
            f"{name}: {counted(count, 'image')} listed, the whole test set has {found.expected}"
        )
    listed = "\n".join(entry.name for entry in found.entries)
    return _Opened(
        found.entries[: request.limit],
        tuple(facts),
        {"list": _digest(listed)},
        found.depth_range,
        authors_nearest=name != "hypersim",
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:12]
