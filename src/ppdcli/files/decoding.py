"""Where the errors that libraries raise on other people's files become ours."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ppdcli.errors import InputError, PpdError, shown
from ppdcli.images.opening import MAX_PIXELS


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
        if isinstance(error, OSError) and error.errno == errno.ENOENT:
            raise InputError(f"{path}: no such file; check the path") from None
        if isinstance(error, OSError) and error.errno is not None:
            reason, as_what = error.strerror, ""
        else:
            reason, as_what = _message(error), f" as {what}"
        raise InputError(f"{path}: cannot be read{as_what} ({shown(reason)}); {way_on}") from error


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


def _message(error: Exception) -> str:
    try:
        text = str(error)
    except Exception:  # an error that cannot be shown, such as one about bytes that are no text
        text = ""
    return " ".join(text[:2000].split()) or type(error).__name__
