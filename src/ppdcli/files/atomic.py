"""Outputs appear under their name whole or not at all."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ppdcli.errors import OutputError


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """A hidden path beside ``target``, with its suffix, that takes its place on success.

    Missing parent folders are made. Whatever goes wrong, the temporary file is removed and an
    older ``target`` stays as it was.

    Raises:
        OutputError: the system refuses (disk full, read-only, name too long, a folder).
    """
    if not target.name:
        raise OutputError(f"{target}: is a folder, not a file name; name a file in it")
    # Short, whatever the target's length: a long stem must not make it too long.
    temporary = target.with_name(f".ppd-{secrets.token_hex(6)}{target.suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(target)
    except OSError as error:
        raise OutputError(
            f"{target}: cannot be written ({error.strerror or error}); "
            "make room or choose another output"
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
