"""Catches the lines that OpenEXR prints about a damaged file before it reads the rest."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any

_STDERR = 2
_SIGNS = ("Warning: Exception raised", "(EXR_ERR_")
_ONE_AT_A_TIME = threading.Lock()  # because the whole process shares stderr


@contextmanager
def quiet() -> Iterator[list[str]]:
    """Keeps OpenEXR's own lines off stdout and stderr.

    Yields:
        A list that holds the lines at the end. A file with such a line is damaged. Lines that
        other code prints meanwhile are passed on.
    """
    lines: list[str] = []
    with _ONE_AT_A_TIME, _stderr_kept(lines), redirect_stdout(_Sieve(sys.stdout, lines)):
        yield lines


class _Sieve:
    """Replaces ``sys.stdout``, to which the library's Python code writes parts of lines."""

    def __init__(self, stream: Any, lines: list[str]) -> None:
        self._stream, self._lines, self._begun = stream, lines, ""
        self._thread = threading.get_ident()

    def write(self, text: str) -> int:
        its_own = threading.get_ident() == self._thread
        if its_own and (self._begun or _is_complaint(text)):
            self._begun += text
            if text.endswith("\n"):
                self._lines.append(self._begun.strip())
                self._begun = ""
        elif self._stream is not None:
            self._stream.write(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def _stderr_kept(lines: list[str]) -> Iterator[None]:
    """Replaces the descriptor of stderr, to which the library's C code writes."""
    try:
        real = os.dup(_STDERR)
    except OSError:  # it is closed
        yield
        return
    with os.fdopen(real, "wb", buffering=0) as before, tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), _STDERR)
        try:
            yield
        finally:
            if sys.stderr is not None:
                with suppress(OSError, ValueError):
                    sys.stderr.flush()
            os.dup2(real, _STDERR)
            file.seek(0)
            for line in file:
                text = line.decode(errors="backslashreplace")
                if _is_complaint(text):
                    lines.append(text.strip())
                else:
                    before.write(line)


def _is_complaint(text: str) -> bool:
    return any(sign in text for sign in _SIGNS)
