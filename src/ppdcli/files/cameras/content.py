"""The content of a camera file, as bytes, text, JSON, YAML or XML."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ppdcli.errors import InputError
from ppdcli.files.cameras.yaml_text import parse_yaml
from ppdcli.files.text import decode_text

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MAX_LINES = 2_000_000
MAX_ENTRIES = 4_000_000
"""Largest number of values in a JSON file. Each takes up to a hundred bytes in memory."""


@dataclass(frozen=True)
class Content:
    """The content by which a format is recognised. Each view is made when it is first needed.

    Attributes:
        path: the file, for messages and to find files beside it.
        data: its bytes.
    """

    path: Path
    data: bytes

    @property
    def where(self) -> str:
        """The file's name for messages."""
        return str(self.path)

    @cached_property
    def text(self) -> str | None:
        r"""The text with the line ends ``\n``; None for a binary file."""
        try:
            return decode_text(self.data)
        except ValueError:
            return None

    @property
    def _is_json(self) -> bool:
        start = "" if self.text is None else self.text.lstrip()[:1]
        return start == "{" or (start == "[" and self._begins_with_mapping)

    @property
    def _begins_with_mapping(self) -> bool:
        assert self.text is not None
        return self.text.lstrip()[1:].lstrip()[:1] == "{"

    @property
    def _is_xml(self) -> bool:
        return self.text is not None and self.text.lstrip()[:1] == "<"

    @cached_property
    def lines(self) -> list[str]:
        """The lines of plain text without comments and blank lines; none for JSON and XML.

        Raises:
            InputError: there are too many.
        """
        if self.text is None or self._is_json or self._is_xml:
            return []
        if self.text.count("\n") > MAX_LINES:
            raise InputError(
                f"{self.path}: has more lines than any camera file; give one that has the cameras "
                "alone"
            )
        stripped = (line.strip() for line in self.text.split("\n"))
        return [line for line in stripped if line and not line.startswith("#")]

    @property
    def is_blank(self) -> bool:
        """Whether it is a text that holds only comments."""
        return bool(self.text) and not (self._is_json or self._is_xml or self.lines)

    @cached_property
    def documents(self) -> list[Any]:
        """The value of a JSON file, or the documents of a YAML file; none for any other file.

        Raises:
            InputError: it is damaged or too large.
        """
        if self.text is None or self._is_xml:
            return []
        return [self._json()] if self._is_json else parse_yaml(self.text, self.path)

    @cached_property
    def mapping(self) -> dict[str, Any]:
        """The entries of the only document; empty if it has none or there are more documents."""
        found = self.documents
        if len(found) != 1 or not isinstance(found[0], dict):
            return {}
        return {key: value for key, value in found[0].items() if isinstance(key, str)}

    @cached_property
    def xml(self) -> Element | None:
        """The root of an XML file; None for anything else.

        Raises:
            InputError: it is damaged or too large.
        """
        if self.text is None or not self._is_xml or self._is_web_page:
            return None
        from ppdcli.files.cameras.xml_text import parse_xml

        return parse_xml(self.text, self.path)

    @property
    def _is_web_page(self) -> bool:
        start = "" if self.text is None else self.text.lstrip()[:20].lower()
        return start.startswith(("<!doctype html", "<html"))

    def _json(self) -> Any:
        assert self.text is not None
        if sum(map(self.text.count, ",[{")) > MAX_ENTRIES:
            raise InputError(
                f"{self.path}: holds more values than any camera file; give one that has the "
                "cameras alone"
            )
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError) as error:
            at = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
            raise InputError(
                f"{self.path}: is damaged JSON{at}; correct it or export it again"
            ) from error
