"""Finds the depth channel of an EXR file."""

from __future__ import annotations

from collections.abc import Collection, Sequence

DEPTH = "Z"


def depth_channel(parts: Sequence[Collection[str]]) -> tuple[int, str] | None:
    """Finds the depth channel among the channels of a file's parts.

    It is the channel ``Z``, also with the name of a layer before it, as in ``ViewLayer.Depth.Z``.
    A ``Z`` beside an ``X`` does not count: it is a coordinate of positions or normals. If there is
    no ``Z``, the only channel of a file is its depth, whatever its name.

    Args:
        parts: the names of each part's channels.

    Returns:
        The part's number and the channel's name; None if there is no such channel, or several.
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
