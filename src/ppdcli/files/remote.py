"""Files in object stores and on other machines, by URL, through fsspec: s3://, gs://, sftp:// ...

Which address needs which package is fsspec's affair; what it says of a missing one is passed on.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from ppdcli.errors import InputError, OutputError, PpdError, UsageError
from ppdcli.files.source import MAX_BYTES

_URL = re.compile(r"[a-z][a-z0-9+.-]+://")
_LOCAL = re.compile(r"(?:file|local)://")

# Stores in which a file appears under its name whole or not at all.
_OBJECT_STORES = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oss", "oci", "tos"}

_LOOK = "cannot be looked at", "check the address and your access"
_READ = "cannot be read", "check the address and your access"
_WRITE = "cannot be written", "check the address and your access, or choose another output"


@dataclass(frozen=True)
class RemoteFile:
    """A file that was found.

    Attributes:
        url: its address.
        below: its path below the folder that was searched, or its name.
        bytes: its size.
        version: a number made of its ETag, else its time of change in nanoseconds; 0 if there is
            neither.
    """

    url: str
    below: PurePosixPath
    bytes: int
    version: int


def is_url(text: str) -> bool:
    """Whether it names something by a URL, as no local file is named."""
    return _URL.match(text) is not None


def local_path(text: str) -> str:
    """A file:// URL as the path that it is; anything else as it stands."""
    return unquote(urlsplit(text).path) if _LOCAL.match(text) else text


def find(url: str) -> list[RemoteFile]:
    """A file, all files of a folder and its folders, or what a pattern matches, sorted.

    Empty where there is nothing.

    Raises:
        InputError: the place cannot be reached.
        UsageError: its kind is unknown, or its package missing.
    """
    with _told(url, InputError, *_LOOK):
        system, path = _opened(url)
        system.invalidate_cache()  # what was known of it may be old
        try:
            if any(sign in path for sign in "*?["):
                found = system.glob(path, detail=True)
                files = {key: info for key, info in found.items() if info["type"] == "file"}
            else:
                files = system.find(path, detail=True)
        except FileNotFoundError:
            return []
    top = PurePosixPath(path)
    return [
        RemoteFile(
            system.unstrip_protocol(key),
            _below(PurePosixPath(key), top),
            int(info["size"] or 0),
            _version(info),
        )
        for key, info in sorted(files.items())
    ]


def read(url: str) -> bytes:
    """The content of a file.

    Raises:
        InputError: it is missing, cannot be reached, or is longer than ``MAX_BYTES``.
        UsageError: its kind is unknown, or its package missing.
    """
    with _told(url, InputError, *_READ):
        system, path = _opened(url)
        data = bytes(system.cat_file(path, end=MAX_BYTES + 1))
    if len(data) > MAX_BYTES:
        raise InputError(f"{url}: is longer than the {MAX_BYTES / 1e9:.0f} GB that are allowed")
    return data


def put(file: Path, url: str) -> None:
    """Puts a local file there, under its name whole or not at all.

    Raises:
        OutputError: the place does not take it.
        UsageError: its kind is unknown, or its package missing.
    """
    with _told(url, OutputError, *_WRITE):
        system, path = _opened(url)
        if urlsplit(url).scheme in _OBJECT_STORES:
            system.put_file(str(file), path)
            return
        folder, _, name = path.rpartition("/")
        system.makedirs(folder, exist_ok=True)
        temporary = f"{folder}/.ppd-{secrets.token_hex(8)}{PurePosixPath(name).suffix}"
        try:
            system.put_file(str(file), temporary)
            system.mv(temporary, path)
        finally:
            with suppress(Exception):
                system.rm_file(temporary)  # where it is still there


def put_bytes(data: bytes, url: str) -> None:
    """``put`` for a few bytes, whose parts nobody can see in a store.

    Raises:
        OutputError: the place does not take them.
    """
    with _told(url, OutputError, *_WRITE):
        system, path = _opened(url)
        system.makedirs(path.rpartition("/")[0], exist_ok=True)
        system.pipe_file(path, data)


def _opened(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path there."""
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise UsageError(f"{url}: needs a package that is not here ({_line(error)})") from error
    except ValueError as error:
        raise UsageError(f"{url}: is no address that can be used ({_line(error)})") from error
    return system, path.rstrip("/")


@contextmanager
def _told(url: str, kind: type[PpdError], what: str, way_on: str) -> Iterator[None]:
    """Turns the errors of the many libraries into one line."""
    try:
        yield
    except PpdError:
        raise
    except FileNotFoundError as error:
        raise kind(f"{url}: no such file; {way_on}") from error
    except Exception as error:
        raise kind(f"{url}: {what} ({_line(error)}); {way_on}") from error


def _below(path: PurePosixPath, top: PurePosixPath) -> PurePosixPath:
    if path != top and path.is_relative_to(top):
        return path.relative_to(top)
    return PurePosixPath(path.name)


def _version(info: Mapping[str, Any]) -> int:
    """Of the facts that file systems give, under names of their own, what tells a change.

    Stores state times in whole seconds, in which a file may change twice; so the ETag comes first.
    """
    for key in ("ETag", "etag", "md5Hash", "version_id"):
        if tag := info.get(key):
            return int.from_bytes(hashlib.sha256(str(tag).encode()).digest()[:7])
    for key in ("LastModified", "mtime", "updated", "last_modified", "modified"):
        match info.get(key):
            case datetime() as time:
                return round(time.timestamp() * 1e6) * 1000
            case int() | float() as seconds:
                return round(seconds * 1e6) * 1000
            case str() as text:
                with suppress(ValueError):
                    return round(datetime.fromisoformat(text).timestamp() * 1e6) * 1000
    return 0


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
