"""One file from the Hub, whole: over plain HTTP, picked up where it broke off.

huggingface_hub's own download starts anew after a broken one (since 1.18, as its temporary files
have random names); at gigabytes that will not do.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

PAUSES = (1, 2, 4, 8)  # seconds before another try, when the last one brought nothing


class BrokenOffError(Exception):
    """The connection broke, again and again; what has come is kept. The text is the cause."""


class WrongFileError(Exception):
    """The server sends a file of another size, which is not taken. The text says so."""


def download(url: str, target: Path, size: int, report: Callable[[int], None]) -> None:
    """Fetches what is missing of a file.

    Args:
        url: of the Hub, which may lead elsewhere; the user's token goes to the Hub only.
        target: the file, of which a part may be there; its folder exists.
        size: of the whole file in bytes.
        report: called with the bytes that are there, after each piece.

    Raises:
        BrokenOffError: interrupted, and further tries brought nothing.
        WrongFileError: the server has a file of another size.
        HfHubHTTPError: the server refuses.
        OSError: the file cannot be written.
    """
    tries = 0
    while (before := _size(target)) != size:
        try:
            _append(url, target, before if before < size else 0, size, report)
        except BrokenOffError:
            tries = 1 if _size(target) > before else tries + 1
            if tries > len(PAUSES):
                raise
            time.sleep(PAUSES[tries - 1])


def _append(url: str, target: Path, start: int, size: int, report: Callable[[int], None]) -> None:
    """One request for the bytes from ``start`` on."""
    from huggingface_hub import constants, get_session, hf_raise_for_status
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.utils import build_hf_headers

    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        with get_session().stream(
            "GET",
            url,
            headers=headers,
            follow_redirects=True,
            timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT,
        ) as response:
            hf_raise_for_status(response)
            if response.status_code == 206:
                sent, due = response.headers.get("Content-Range"), f"{start}-{size - 1}/{size}"
            else:  # the whole file, asked for or not
                start = 0
                sent, due = response.headers.get("Content-Length"), str(size)
            sent = due if sent is None else sent.removeprefix("bytes ")
            if sent != due:
                raise WrongFileError(f"the server sends {sent} instead of {due} bytes")
            with target.open("ab" if start else "wb") as file:
                for chunk in response.iter_bytes():
                    file.write(chunk)
                    file.flush()  # a kill loses nothing that has come
                    start += len(chunk)
                    report(start)
                    if start > size:
                        raise WrongFileError(f"the server sends more than {size} bytes")
    except HfHubHTTPError as error:  # an OSError too
        if error.response.status_code < 500:
            raise
        raise BrokenOffError(f"the server answers {error.response.status_code}") from error
    except (WrongFileError, OSError):
        raise
    except Exception as error:  # of huggingface_hub's HTTP library, which depends on its version
        raise BrokenOffError(one_line(error)) from error
    if start < size:
        raise BrokenOffError(f"the server stopped after {start} of {size} bytes")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def one_line(error: BaseException) -> str:
    """The first line of what an error says, or else its name."""
    lines = str(error).strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__
