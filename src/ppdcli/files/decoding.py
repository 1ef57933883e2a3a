"""Turns the errors that libraries raise on damaged files into our own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ppdcli.errors import InputError, PpdError, shown
from ppdcli.files.foreign import reason
from ppdcli.images.opening import MAX_PIXELS


@contextmanager
def decoding(path: Path, what: str, way_on: str = "check the file") -> Iterator[None]:
    """Guards a library's call: whatever it raises becomes one line about the file.

    Put only the library's call inside, so that our own mistakes stay visible. A ``ValueError`` that
    we raise inside becomes such a line too.

    Args:
        path: the file, for the message.
        what: its format, such as "EXR".
        way_on: what the user can do.

    Raises:
        InputError: anything but a PpdError was raised inside. A PpdError passes unchanged.
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
    """Requires a size that a depth map can have: at least one pixel, at most ``MAX_PIXELS``.

    Raises:
        ValueError: the size is another one. Call it inside ``decoding``.
    """
    if height < 1 or width < 1:
        raise ValueError(f"its size is {width}x{height}")
    if height * width > MAX_PIXELS:
        raise ValueError(
            f"{width}x{height} is more than the {MAX_PIXELS // 10**6} megapixels that are allowed"
        )


def _what_is_wrong(error: Exception, what: str, way_on: str) -> str:
    if isinstance(error, OSError) and error.errno is not None:
        return reason(error, way_on)
    return f"cannot be read as {what} ({shown(_message(error))}); {way_on}"


def _message(error: Exception) -> str:
    try:
        text = str(error)
    except Exception:  # the error has no valid text
        text = ""
    return " ".join(text[:2000].split()) or type(error).__name__
