"""Downloads a file from the Hub over plain HTTP. A download that broke off is resumed.

huggingface_hub's own download starts again from the beginning (since 1.18, because its temporary
files have random names). That takes too long for gigabytes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

PAUSES = (1, 2, 4, 8)  # seconds before another try, if the last one brought no data


class BrokenOffError(Exception):
    """The connection broke repeatedly. The received data is kept. The text is the cause."""


class WrongFileError(Exception):
    """The server sends a file of another size, which is refused. The text is the cause."""


def download(url: str, target: Path, size: int, report: Callable[[int], None]) -> None:
    """Downloads the missing part of a file.

    Args:
        url: the address at the Hub, which may redirect. The user's token is sent only to the Hub.
        target: the file. A part of it may exist. Its folder exists.
        size: the size of the whole file in bytes.
        report: called after each piece with the number of bytes so far.

    Raises:
        BrokenOffError: the connection broke, and further tries brought no data.
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
    """Makes one request, for the bytes from ``start`` on."""
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
            else:  # the server sends the whole file, even if only a part was requested
                start = 0
                sent, due = response.headers.get("Content-Length"), str(size)
            sent = due if sent is None else sent.removeprefix("bytes ")
            if sent != due:
                raise WrongFileError(f"the server sends {sent} instead of {due} bytes")
            with target.open("ab" if start else "wb") as file:
                for chunk in response.iter_bytes():
                    file.write(chunk)
                    file.flush()  # a kill then loses no received data
                    start += len(chunk)
                    report(start)
                    if start > size:
                        raise WrongFileError(f"the server sends more than {size} bytes")
    except HfHubHTTPError as error:  # it is an OSError too
        if error.response.status_code < 500:
            raise
        raise BrokenOffError(f"the server answers {error.response.status_code}") from error
    except (WrongFileError, OSError):
        raise
    except Exception as error:  # the HTTP library depends on the version of huggingface_hub
        raise BrokenOffError(one_line(error)) from error
    if start < size:
        raise BrokenOffError(f"the server stopped after {start} of {size} bytes")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def one_line(error: BaseException) -> str:
    """Returns the first line of an error's text, or else its name."""
    lines = str(error).strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__
