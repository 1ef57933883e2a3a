"""The header of a PLY file: which elements it holds, and how they are laid out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from ppdcli.errors import shown

MOST_LINES = 10_000
LONGEST_LINE = 1 << 16  # bytes
FORMATS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
# fmt: off
TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2",
    "ushort": "u2", "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4",
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}
# fmt: on


@dataclass(frozen=True)
class Element:
    """An element such as ``vertex``.

    Attributes:
        name: of it.
        count: of its records.
        properties: names with their NumPy types, in order; None for a list.
    """

    name: str
    count: int
    properties: dict[str, str | None]

    def record(self, order: str) -> np.dtype:
        """What a file holds of one record.

        Args:
            order: ``<`` or ``>``.

        Raises:
            ValueError: a property is a list, so that records differ in size.
        """
        lists = [name for name, kind in self.properties.items() if kind is None]
        if lists:
            raise ValueError(f"its {self.name} elements have lists ({shown(lists[0], 40)})")
        return np.dtype([(name, order + str(kind)) for name, kind in self.properties.items()])


@dataclass(frozen=True)
class Header:
    """What a header states.

    Attributes:
        order: of the bytes of numbers, ``<`` or ``>``; empty for text.
        elements: in the order of the file.
        comments: without the word ``comment``.
    """

    order: str
    elements: tuple[Element, ...]
    comments: tuple[str, ...]


def read_header(stream: BinaryIO) -> Header:
    """Reads a header, up to and with its last line.

    Raises:
        ValueError: it is none.
    """
    if stream.readline(LONGEST_LINE).strip() != b"ply":
        raise ValueError("it does not begin with the line 'ply'")
    order: str | None = None
    elements: list[Element] = []
    comments: list[str] = []
    for _ in range(MOST_LINES):
        line = stream.readline(LONGEST_LINE)
        word, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
        if word == "end_header":
            if order is None:
                raise ValueError("its header states no format")
            return Header(order, tuple(elements), tuple(comments))
        if word == "format":
            order = FORMATS.get(rest.partition(" ")[0])
            if order is None:
                raise ValueError(f"its format is {shown(rest, 40)!r}")
        elif word in ("comment", "obj_info"):
            comments.append(rest)
        elif word == "element":
            elements.append(_element(rest))
        elif word == "property" and elements:
            _add_property(elements[-1], rest)
        elif not line.endswith(b"\n") or word:
            raise ValueError(f"its header has the line {shown(line.strip(), 60)!r}")
    raise ValueError(f"its header has more than {MOST_LINES} lines")


def _element(text: str) -> Element:
    name, _, count = text.partition(" ")
    if not count.strip().isdecimal():
        raise ValueError(f"its header has the element {shown(text, 60)!r}")
    return Element(name, int(count), {})


def _add_property(element: Element, text: str) -> None:
    kind, *words = text.split()
    known = kind in TYPES and len(words) == 1
    if not known and not (kind == "list" and len(words) == 3):
        raise ValueError(f"its header has the property {shown(text, 60)!r}")
    if words[-1] in element.properties:
        raise ValueError(f"its header has the property {shown(words[-1], 40)!r} twice")
    element.properties[words[-1]] = TYPES[kind] if known else None
