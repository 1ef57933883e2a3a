"""YAML of other programs, among them OpenCV's and dumps of ROS messages, within limits."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ppdcli.errors import InputError

MAX_YAML = 2**20  # characters, without repeated messages; the parser is slow
MAX_SCALAR = 4096  # characters; integers of base 60 take the square of it
MAX_DEPTH = 32

_SEPARATOR = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)
# Of a message, all that changes from one to the next.
_HEADER = re.compile(r"^header:.*?\n(?=\S)", re.MULTILINE | re.DOTALL)
# OpenCV's FileStorage writes a directive that is not always valid YAML, and tags of its own.
_OPENCV = "%YAML"
_NOT_PLAIN = re.compile(r"\A%YAML.*|!!opencv-(?:nd-)?matrix")
# It also reads what people then write by hand: "Viewer.PointSize:2", "data:[1, 2]".
_NO_SPACE = re.compile(r"^([ \t]*[A-Za-z_][\w.-]*):(?=[^\s:])", re.MULTILINE | re.ASCII)


def parse_yaml(text: str, path: Path) -> list[Any]:
    """The documents of a YAML file or of a dump of messages; equal messages once.

    Raises:
        InputError: it is no YAML, or too long.
    """
    import yaml  # type: ignore[import-untyped]

    if text.startswith(_OPENCV):
        text = _NO_SPACE.sub(r"\1: ", text)
    parts = (_HEADER.sub("", part).strip() for part in _SEPARATOR.split(_NOT_PLAIN.sub("", text)))
    documents = [part for part in dict.fromkeys(parts) if part]
    if sum(map(len, documents)) > MAX_YAML:
        raise InputError(f"{path}: is larger than any camera's YAML; give a file of one camera")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        if not all(_is_plain(document, loader) for document in documents):
            return []
        return [yaml.load(document, loader) for document in documents]
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        at = f" at line {mark.line + 1}" if mark else ""
        raise InputError(
            f"{path}: cannot be read as YAML{at}; correct it, or give another file"
        ) from error


def _is_plain(document: str, loader: Any) -> bool:
    """Whether a document may be built; finds out, before anything is, what can grow without bounds.

    False for a value longer than ``MAX_SCALAR``: it is no camera file. Raises YAMLError for aliases
    and for lists in lists in lists.
    """
    import yaml

    depth = 0
    for event in yaml.parse(document, loader):
        if isinstance(event, yaml.ScalarEvent) and len(event.value) > MAX_SCALAR:
            return False
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if isinstance(event, yaml.AliasEvent) or depth > MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem_mark=event.start_mark)
    return True
