"""Which channel of an EXR file is its depth."""

from __future__ import annotations

from collections.abc import Collection, Sequence

DEPTH = "Z"


def depth_channel(parts: Sequence[Collection[str]]) -> tuple[int, str] | None:
    """Find depth among the channels of a file's parts.

    It is the channel ``Z``, or one whose layer is named before it, as in ``ViewLayer.Depth.Z``; but
    not the third coordinate of positions or normals, beside whose ``Z`` is an ``X``. Failing these,
    it is the only channel of a file, whatever its name.

    Args:
        parts: names of the channels of each part.

    Returns:
        Number of the part and name of the channel; None if there is none, or more than one.
    """
    every = [(index, name) for index, names in enumerate(parts) for name in names]
    named = [
        (index, name) for index, name in every if _is_depth(name) and not _has_x(name, parts[index])
    ]
    for found in (
        [entry for entry in named if entry[1] == DEPTH],
        [entry for entry in named if "depth" in entry[1].lower()],
        named,
        every,
    ):
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _is_depth(name: str) -> bool:
    return name.rpartition(".")[2] == DEPTH


def _has_x(name: str, others: Collection[str]) -> bool:
    return name.removesuffix(DEPTH) + "X" in others
