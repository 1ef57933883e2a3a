"""Reads and writes files by URL, through fsspec: s3://, gs://, sftp:// and others.

fsspec knows which package an address needs. Its message about a missing package is passed on.
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
from ppdcli.files.foreign import reason
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
        version: a number that changes with the content. It is made of the ETag, or it is the time
            of change in nanoseconds, or 0 if neither is known.
    """

    url: str
    below: PurePosixPath
    bytes: int
    version: int


def is_url(text: str) -> bool:
    """Whether a text is a URL. No local file has such a name."""
    return _URL.match(text) is not None


def local_path(text: str) -> str:
    """Returns the path of a file:// URL, and any other text as it is."""
    return unquote(urlsplit(text).path) if _LOCAL.match(text) else text


def find(url: str) -> list[RemoteFile]:
    """Finds a file, all files below a folder, or those that match a pattern. They are sorted.

    The list is empty if nothing is found.

    Raises:
        InputError: the address cannot be reached.
        UsageError: the kind of address is unknown, or its package is missing.
    """
    with _told(url, InputError, *_LOOK):
        system, path = _opened(url)
        system.invalidate_cache()  # it may be outdated
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
    """Returns the content of a file.

    Raises:
        InputError: it is missing, cannot be reached, or is larger than ``MAX_BYTES``.
        UsageError: the kind of address is unknown, or its package is missing.
    """
    with _told(url, InputError, *_READ):
        system, path = _opened(url)
        data = bytes(system.cat_file(path, end=MAX_BYTES + 1))
    if len(data) > MAX_BYTES:
        raise InputError(f"{url}: is longer than the {MAX_BYTES / 1e9:.0f} GB that are allowed")
    return data


def put(file: Path, url: str) -> None:
    """Uploads a local file. It gets its name only when it is complete.

    Raises:
        OutputError: it cannot be written.
        UsageError: the kind of address is unknown, or its package is missing.
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
                system.rm_file(temporary)  # if it is still there


def put_bytes(data: bytes, url: str) -> None:
    """Uploads a few bytes. They are written in one call, so no part of them can be seen alone.

    Raises:
        OutputError: they cannot be written.
    """
    with _told(url, OutputError, *_WRITE):
        system, path = _opened(url)
        system.makedirs(path.rpartition("/")[0], exist_ok=True)
        system.pipe_file(path, data)


def _opened(url: str) -> tuple[Any, str]:
    """Returns the file system of a URL, and the path in it."""
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
        raise kind(f"{url}: {reason(error, way_on, missing=way_on)}") from error
    except Exception as error:
        raise kind(f"{url}: {what} ({_line(error)}); {way_on}") from error


def _below(path: PurePosixPath, top: PurePosixPath) -> PurePosixPath:
    if path != top and path.is_relative_to(top):
        return path.relative_to(top)
    return PurePosixPath(path.name)


def _version(info: Mapping[str, Any]) -> int:
    """Returns ``RemoteFile.version`` from facts that each file system calls by other names.

    The ETag comes first: stores state times in whole seconds, and a file may change twice in one.
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
