"""Parses XML of other programs within limits: nesting is limited, and entities are refused."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from ppdcli.errors import InputError

MAX_XML = 2**23  # characters; Metashape lists thousands of photos with their poses
MAX_DEPTH = 32


class _TooDeepError(Exception):
    pass


class _Shallow(TreeBuilder):
    """Builds a tree, and stops if it is nested too deep."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def start(self, tag: str, attrs: dict[str, str]) -> Element:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise _TooDeepError
        return super().start(tag, attrs)

    def end(self, tag: str) -> Element:
        self._depth -= 1
        return super().end(tag)


def parse_xml(text: str, path: Path) -> Element:
    """Returns the root of an XML document.

    Raises:
        InputError: the text is not XML, is too long, is nested too deep, or defines entities.
    """
    if len(text) > MAX_XML:
        raise InputError(f"{path}: is larger than any camera's XML; give a file of one camera")
    if "<!" in text.replace(
        "<!--", ""
    ):  # <!DOCTYPE and <!ENTITY: entities can expand without limit
        raise InputError(f"{path}: is XML that defines entities; export the camera again")
    parser = XMLParser(target=_Shallow())
    try:
        parser.feed(_without_declaration(text))
        return parser.close()
    except ParseError as error:
        line = error.position[0]
        raise InputError(f"{path}: is damaged XML at line {line}; export it again") from error
    except (_TooDeepError, UnicodeError) as error:
        raise InputError(f"{path}: is no XML that a camera has; export it again") from error


def _without_declaration(text: str) -> str:
    """Removes the declaration. It names an encoding, but the bytes are already decoded."""
    text = text.lstrip()
    return text.partition("?>")[2] if text.startswith("<?xml") else text
