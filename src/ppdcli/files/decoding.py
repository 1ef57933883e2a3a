"""Where the errors that libraries raise on other people's files become ours."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ppdcli.errors import InputError, PpdError, shown
from ppdcli.images.opening import MAX_PIXELS

# Of ``files.foreign``: a folder, a pipe, a device, a name that cannot be; it says which.
_NO_FILE = (errno.EISDIR, errno.EINVAL)


@contextmanager
def decoding(path: Path, what: str, way_on: str = "check the file") -> Iterator[None]:
    """Guards a library that reads a file: whatever it raises becomes one line about that file.

    Only the library's call belongs inside, so that our own mistakes still show as such. A
    ``ValueError`` raised inside for a reason of ours reads like the library's.

    Args:
        path: the file, for the message.
        what: its format, such as "EXR".
        way_on: what the user can do.

    Raises:
        InputError: anything was raised inside but a PpdError, which passes.
    """
    try:
        yield
    except PpdError:
        raise
    except MemoryError as error:
        raise InputError(f"{path}: does not fit into memory; scale it down first") from error
    except Exception as error:
        raise InputError(f"{path}: {_what_is_wrong(error, what, way_on)}") from error


def require_size(height: int, width: int) -> None:
    """Refuse a depth map of no pixels, or of more than a photo may have.

    Raises:
        ValueError: it is one; for use inside ``decoding``.
    """
    if height < 1 or width < 1:
        raise ValueError(f"its size is {width}x{height}")
    if height * width > MAX_PIXELS:
        raise ValueError(
            f"{width}x{height} is more than the {MAX_PIXELS // 10**6} megapixels that are allowed"
        )


def _what_is_wrong(error: Exception, what: str, way_on: str) -> str:
    if not isinstance(error, OSError) or error.errno is None:
        return f"cannot be read as {what} ({shown(_message(error))}); {way_on}"
    if error.errno == errno.ENOENT:
        return "no such file; check the path"
    if error.errno in _NO_FILE:
        return f"{shown(error.strerror)}; name a file"
    return f"cannot be read ({shown(error.strerror)}); {way_on}"


def _message(error: Exception) -> str:
    try:
        text = str(error)
    except Exception:  # an error that cannot be shown, such as one about bytes that are no text
        text = ""
    return " ".join(text[:2000].split()) or type(error).__name__
