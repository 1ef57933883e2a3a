"""Reads the directories of a TIFF: which of its pictures is the photo, and its type of pixels."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace

import numpy as np

SIGNS = (
    b"II*\0",
    b"MM\0*",
    b"II\0*",
    b"MM*\0",
    b"II+\0",
    b"MM\0+",
)  # two of them are in no standard

SUBFILE, OLD_SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = (
    *(254, 255, 256, 257, 258, 259, 262),
)
STRIP_OFFSETS, ORIENTATION, SAMPLES, ROWS_PER_STRIP, STRIP_BYTES = 273, 274, 277, 278, 279
PLANAR, PREDICTOR, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES = 284, 317, 322, 323, 324, 325
FILL_ORDER, SUB_DIRECTORIES, EXTRA_SAMPLES, SAMPLE_FORMAT, DNG_VERSION = 266, 330, 338, 339, 50706
MAKE = 271

CFA, LINEAR_RAW = 32803, 34892  # photometric interpretations of a sensor's values
FLOAT = 3  # the sample format
UNSIGNED = (1, 4)  # unsigned whole numbers, or not stated

_READ = (
    *(SUBFILE, OLD_SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, FILL_ORDER, PHOTOMETRIC, MAKE),
    *(STRIP_OFFSETS, ORIENTATION, SAMPLES, ROWS_PER_STRIP, STRIP_BYTES, PLANAR, PREDICTOR),
    *(TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_BYTES, SUB_DIRECTORIES, EXTRA_SAMPLES),
    *(SAMPLE_FORMAT, DNG_VERSION),
)
_TYPES = {1: "u1", 2: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}
_MOST_DIRECTORIES = 1000


@dataclass(frozen=True)
class Layout:
    """The byte order of a file, ``<`` or ``>``, and whether it is a BigTIFF."""

    order: str
    big: bool

    @property
    def offset(self) -> str:
        """The struct format of a position in the file."""
        return self.order + ("Q" if self.big else "L")

    @property
    def count(self) -> str:
        """The struct format of the number of entries in a directory."""
        return self.order + ("Q" if self.big else "H")

    @property
    def entry(self) -> np.dtype:
        """The NumPy type of an entry in a directory."""
        number = self.order + ("u8" if self.big else "u4")
        two = self.order + "u2"
        return np.dtype([("tag", two), ("type", two), ("count", number), ("value", number)])


@dataclass(frozen=True)
class Directory:
    """One picture.

    Attributes:
        offset: position of the directory in the file.
        values: the numbers of each tag that is read here.
        is_page: whether it is a page of the file, and not part of a page.
    """

    offset: int
    values: dict[int, np.ndarray] = field(repr=False)
    is_page: bool

    def number(self, tag: int, otherwise: int = 0) -> int:
        """The first number of a tag."""
        found = self.values.get(tag)
        return otherwise if found is None or not len(found) else int(found[0])

    def text(self, tag: int) -> str:
        """The characters of a tag."""
        return bytes(self.values.get(tag, np.empty(0)).astype(np.uint8)).decode("latin1")

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.number(WIDTH), self.number(HEIGHT)

    @property
    def is_reduced(self) -> bool:
        """Whether it is a smaller copy of another picture, or a mask of one."""
        return bool(self.number(SUBFILE) & 5) or self.number(OLD_SUBFILE) == 2

    @property
    def is_raw(self) -> bool:
        """Whether its pixels are the sensor's values, before they were converted to colours."""
        return self.number(PHOTOMETRIC) in (CFA, LINEAR_RAW)

    @property
    def bits(self) -> int:
        """Bits per sample."""
        return self.number(BITS, 1)

    @property
    def samples(self) -> int:
        """Samples per pixel."""
        return self.number(SAMPLES, 1)

    @property
    def is_unusual(self) -> bool:
        """Whether no photo has pixels of this type."""
        colours = self.samples - len(self.values.get(EXTRA_SAMPLES, ()))
        numbers = self.number(SAMPLE_FORMAT, 1)
        if self.number(PHOTOMETRIC, 1) > 6 or colours not in (1, 3, 4):
            return True
        if self.samples == 2 and self.bits > 8:
            return True
        return self.bits > 16 or (numbers not in UNSIGNED and self.samples > 1) or self.samples > 4

    def describe(self) -> str:
        """Returns the type of its pixels, such as ``RGB of 32-bit floating-point numbers``."""
        numbers = {2: "signed ", FLOAT: "floating-point "}.get(self.number(SAMPLE_FORMAT), "")
        of = f"{self.bits}-bit {numbers}numbers"
        extra = len(self.values.get(EXTRA_SAMPLES, ()))
        match self.number(PHOTOMETRIC, 1), self.samples - extra:
            case 2, 3:
                name = "RGB" + {0: "", 1: " with alpha"}.get(extra, f" and {extra} more bands")
            case ((0 | 1), 1):
                name = "grey" + {0: "", 1: " with alpha"}.get(extra, f" and {extra} more bands")
            case 5, _:
                name = "CMYK"
            case _:
                name = f"{self.samples} bands"
        return f"{name} of {of}"


def layout_of(data: bytes) -> Layout | None:
    """Returns the layout of the file; None if it is not a TIFF."""
    if not data.startswith(SIGNS):
        return None
    return Layout("<" if data.startswith(b"II") else ">", b"+" in data[2:4])


def directories(data: bytes) -> list[Directory]:
    """Returns the file's pages, each followed by the pictures that belong to it.

    Damaged directories are left out, and so are those after the first thousand.
    """
    layout = layout_of(data)
    if layout is None:
        return []
    found: dict[int, Directory] = {}
    offset = _number(data, layout.offset, 8 if layout.big else 4)
    while offset is not None and offset not in found and len(found) < _MOST_DIRECTORIES:
        directory, offset = _directory(data, layout, offset)
        if directory is None:
            break
        found[directory.offset] = directory
        for below in directory.values.get(SUB_DIRECTORIES, ())[:_MOST_DIRECTORIES]:
            part, _ = _directory(data, layout, int(below))
            if part is not None and part.offset not in found:
                found[part.offset] = replace(part, is_page=False)
    return list(found.values())


def main_picture(found: list[Directory]) -> Directory:
    """Returns the photo: the first picture, or the largest one if the first is a reduced copy."""
    first = found[0]
    whole = [directory for directory in found if not directory.is_reduced]
    if not first.is_reduced or not whole:
        return first
    return max(whole, key=lambda directory: directory.size[0] * directory.size[1])


def beginning_with(data: bytes, offset: int) -> bytes:
    """Returns the file with another directory as the first one."""
    layout = layout_of(data)
    assert layout is not None
    start = 8 if layout.big else 4
    place = struct.pack(layout.offset, offset)
    return b"".join((data[:start], place, memoryview(data)[start + len(place) :]))


def first_entries(data: bytes) -> np.ndarray:
    """Returns the entries (tag, type, count, value) of the first directory; empty without one."""
    layout = layout_of(data)
    offset = None if layout is None else _number(data, layout.offset, 8 if layout.big else 4)
    found = None if layout is None or offset is None else _entries(data, layout, offset)
    return np.empty(0, Layout("<", True).entry) if found is None else found


def _entries(data: bytes, layout: Layout, offset: int) -> np.ndarray | None:
    count = _number(data, layout.count, offset)
    if not offset or count is None or count > len(data) // layout.entry.itemsize:
        return None
    try:
        return np.frombuffer(data, layout.entry, count, offset + struct.calcsize(layout.count))
    except ValueError:
        return None


def _directory(data: bytes, layout: Layout, offset: int) -> tuple[Directory | None, int | None]:
    """Returns a directory, and the position of the next one."""
    entries = _entries(data, layout, offset)
    if entries is None:
        return None, None
    start = offset + struct.calcsize(layout.count)
    values = {}
    for index in np.flatnonzero(np.isin(entries["tag"], _READ)):
        entry = entries[index]
        numbers = _values(data, layout, entry, start + int(index) * layout.entry.itemsize)
        if numbers is not None:
            values[int(entry["tag"])] = numbers
    following = _number(data, layout.offset, start + entries.nbytes)
    return Directory(offset, values, True), following or None


def _values(data: bytes, layout: Layout, entry: np.void, at: int) -> np.ndarray | None:
    kind = _TYPES.get(int(entry["type"]))
    if kind is None:
        return None
    dtype, count = np.dtype(layout.order + kind), int(entry["count"])
    inside = at + layout.entry.itemsize - struct.calcsize(layout.offset)
    fits = count * dtype.itemsize <= struct.calcsize(layout.offset)
    try:
        return np.frombuffer(data, dtype, count, inside if fits else int(entry["value"]))
    except (ValueError, OverflowError):
        return None


def _number(data: bytes, form: str, offset: int) -> int | None:
    try:
        return int(struct.unpack_from(form, data, offset)[0])
    except (struct.error, OverflowError):
        return None
