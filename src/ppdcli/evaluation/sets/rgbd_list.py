"""Lists of photos with measured depth: `photo depth [scale]`, one pair per line."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from ppdcli.errors import InputError, UsageError, shown
from ppdcli.evaluation.sets.listing import below, counted_fields, read_text
from ppdcli.evaluation.sets.pairs import Pair
from ppdcli.files.depth_scale import parse_depth_scale

LINE = "`photo depth [metres per step]`, with paths below --root"


def read_pairs(path: Path) -> tuple[Pair, ...]:
    """Returns the pairs of a list, in its order.

    Fields are separated by tabs in a line that has one, else by spaces. Blank lines and lines that
    start with # are comments. The third field is a scale for ``parse_depth_scale``.

    Raises:
        InputError: The list is missing, not a text or has no pair, or a line is wrong; names it.
    """
    try:
        return _pairs(path)
    except UsageError as error:
        raise InputError(str(error)) from None


def _pairs(path: Path) -> tuple[Pair, ...]:
    pairs: dict[PurePosixPath, Pair] = {}
    for number, line in enumerate(read_text(path, LINE).splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        fields = [field.strip() for field in text.split("\t" if "\t" in text else None)]
        where = f"{path}: line {number}"
        if len(fields) not in (2, 3):
            raise UsageError(
                f"{where} has {counted_fields(len(fields))} instead of 2 or 3; give {LINE}, "
                "and tabs between where names hold spaces"
            )
        photo, depth = (below(field, where) for field in fields[:2])
        scale = parse_depth_scale(fields[2], f"{where}:") if len(fields) == 3 else None
        if photo in pairs:
            raise UsageError(f"{where} repeats the photo {shown(photo)}; list each photo once")
        pairs[photo] = Pair(photo, depth, scale)
    if not pairs:
        raise UsageError(f"{path}: lists no pair; give lines {LINE}")
    return tuple(pairs.values())
