"""Parses YAML of other programs within limits. It may be OpenCV's, or a dump of ROS messages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ppdcli.errors import InputError

MAX_YAML = 2**20  # characters without repeated messages, because the parser is slow
MAX_SCALAR = 4096  # characters; the time for integers of base 60 grows with its square
MAX_DEPTH = 32

_SEPARATOR = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)
# The part of a message that differs in each message.
_HEADER = re.compile(r"^header:.*?\n(?=\S)", re.MULTILINE | re.DOTALL)
# OpenCV's FileStorage writes a directive that is not always valid YAML, and tags of its own.
_OPENCV = "%YAML"
_NOT_PLAIN = re.compile(r"\A%YAML.*|!!opencv-(?:nd-)?matrix")
# OpenCV also reads what people write by hand: "Viewer.PointSize:2", "data:[1, 2]".
_NO_SPACE = re.compile(r"^([ \t]*[A-Za-z_][\w.-]*):(?=[^\s:])", re.MULTILINE | re.ASCII)


def parse_yaml(text: str, path: Path) -> list[Any]:
    """Returns the documents of a YAML file or of a dump of messages. Equal messages appear once.

    Raises:
        InputError: the text is not YAML, or is too long.
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
    """Whether a document may be built. It looks for values that would take much time or memory.

    False if a value is longer than ``MAX_SCALAR``, because the file is then no camera file. Raises
    YAMLError for aliases and for deep nesting.
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
