"""The rules of a rerun: which outputs are finished, made again, or left untouched."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ppdcli.errors import shown
from ppdcli.jobs.journal_entries import Entry, Settings, Source, source_of

OFF = "off"  # a setting that is not given, or that a record does not have
UNKNOWN = None  # a setting that cannot be found out, such as the hash of a missing file
UNLIKE_ANY = "unknown"  # a setting that differs from every other, such as the content of a pipe

UNKNOWN_ORIGIN = "unknown how it was made"
DAMAGED = "output damaged or edited"
PHOTO_CHANGED = "photo changed"

_FINGERPRINT = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Decision:
    """What to do about an output.

    Attributes:
        action: ``make`` it, ``keep`` the finished file, or ``refuse`` to touch the file there.
        reasons: Why a file that exists is made again, as short phrases.
        refusal: Why a file that exists is not touched, in a line that names it.
    """

    action: Literal["make", "keep", "refuse"]
    reasons: tuple[str, ...] = ()
    refusal: str | None = None


MAKE, KEEP = Decision("make"), Decision("keep")


def decide(
    file: Path,
    entry: Entry | None,
    settings: Settings,
    source: Source | None,
    folder: Path,
    overwrite: bool = False,
) -> Decision:
    """Decides about an output in a folder of this machine.

    Args:
        file: The output.
        entry: The last entry of the journal about it; None if there is none.
        settings: The settings of this run. ``UNKNOWN`` values are not compared.
        source: The present state of the photo; None if it is unknown.
        folder: The output folder. The paths of sources are relative to it.
        overwrite: Any file that exists may be replaced.
    """
    try:
        file.lstat()
    except OSError:
        return MAKE
    try:
        if file.is_dir():
            return Decision("refuse", refusal=f"{file}: is a folder; choose another --output")
        if overwrite:
            return MAKE
        if entry is None:
            return _not_ours(str(file))
        size = file.stat().st_size
    except OSError:  # a link that leads nowhere
        return Decision("make", (DAMAGED,))
    before = entry.source
    if before is not None and source is not None and before.path != source.path:
        if not _is_same_photo(before, source, folder):
            return _of_another_photo(str(file), before)
        source = replace(source, path=before.path)
    return decide_by_size(str(file), size, entry, settings, source)


def decide_by_size(
    file: str, size: int, entry: Entry | None, settings: Settings, source: Source | None
) -> Decision:
    """``decide`` for an output of which only the size in bytes is known."""
    if entry is None:
        return _not_ours(file)
    before = entry.source
    if before is not None and source is not None and _stamp(before) != _stamp(source):
        if before.path != source.path:
            return _of_another_photo(file, before)
        return Decision("make", (PHOTO_CHANGED,))
    if entry.bytes is None:
        return Decision("make", (UNKNOWN_ORIGIN,))
    if different := differences(entry.settings, settings):
        return Decision("make", tuple(different))
    return KEEP if size == entry.bytes else Decision("make", (DAMAGED,))


def _not_ours(file: str) -> Decision:
    line = f"{file}: exists, and ppd has no record of making it; {_way_on()}"
    return Decision("refuse", refusal=line)


def _of_another_photo(file: str, before: Source) -> Decision:
    line = f"{file}: was made from another photo, {shown(before.path, 1000)}; {_way_on()}"
    return Decision("refuse", refusal=line)


def _way_on() -> str:
    return "give --overwrite to replace it, or another --output"


def _is_same_photo(before: Source, now: Source, folder: Path) -> bool:
    """Whether two paths lead to the same photo, or the photo was moved from one to the other."""
    try:
        if (folder / before.path).samefile(folder / now.path):
            return True
    except (OSError, ValueError):
        pass
    # The files of an unpacked archive may all have the same time. If the recorded photo is still in
    # its place, a photo of equal size and time elsewhere is a different one.
    return _stamp(before) == _stamp(now) and source_of(folder / before.path, folder) != before


def _stamp(source: Source) -> tuple[int, int]:
    return source.bytes, source.mtime_ns


def differences(before: Settings, now: Settings) -> list[str]:
    """The settings that differ, in words: ``steps 4 -> 10``.

    A setting that ``before`` lacks counts as off, and is named only if nothing else differs.
    """
    changed = {
        key: (before.get(key, OFF), value)
        for key, value in now.items()
        if _differ(before.get(key, OFF), value)
    }
    shared = {key: pair for key, pair in changed.items() if key in before}
    return [_change(key, *pair) for key, pair in (shared or changed).items()]


def _differ(before: object, now: object) -> bool:
    if UNKNOWN in (before, now):
        return False
    if UNLIKE_ANY in (before, now):
        return True
    off = [value is False or value == OFF for value in (before, now)]
    return before != now and not all(off)


def _change(key: str, before: object, now: object) -> str:
    if _is_file(before) and _is_file(now):
        return f"{shown(key)} file changed"
    return f"{shown(key)} {_word(before)} -> {_word(now)}"


def _is_file(value: object) -> bool:
    return isinstance(value, str) and _FINGERPRINT.fullmatch(value) is not None


def _word(value: object) -> str:
    match value:
        case bool():
            return "on" if value else OFF
        case float():
            return repr(value).removesuffix(".0")
        case list():
            return ",".join(map(_word, value))
    return "a file" if _is_file(value) else shown(value)
