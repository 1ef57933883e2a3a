"""Fingerprints of files that outputs depend on, for the journal to keep."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from ppdcli.files.foreign import open_regular
from ppdcli.jobs.decision import OFF, UNLIKE_ANY

SLICES, SLICE_BYTES = 256, 1 << 16
WHOLE = 1 << 28  # bytes; a smaller file is read completely, which takes half a second


def fingerprint(path: Path) -> str | None:
    """16 hex digits that identify a file by its size and content.

    Of a file of more than ``WHOLE`` bytes, such as a large checkpoint, only 256 slices of 64 KB are
    read, spread over it. This distinguishes trainings of one network, but not files that somebody
    made to collide. A folder is identified by its files. None if it cannot be read, or not twice,
    like a pipe.
    """
    digest = hashlib.sha256()
    try:
        if path.is_dir():
            for file in sorted(file for file in path.iterdir() if file.is_file()):
                digest.update(os.fsencode(file.name) + b"\n")
                _add(file, digest)
        else:
            _add(path, digest)
    except OSError:
        return None
    return digest.hexdigest()[:16]


def fingerprint_of_text(text: str) -> str:
    """``fingerprint`` for the content of a file that was read before."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def of_given(path: Path | None) -> str:
    """A file that the user names, as a setting. One that cannot be read twice equals no other."""
    return OFF if path is None else fingerprint(path) or UNLIKE_ANY


def _add(file: Path, digest: hashlib._Hash) -> None:
    with open_regular(file) as stream:
        size = os.fstat(stream.fileno()).st_size
        digest.update(f"{size}\n".encode())
        if size <= WHOLE:
            while data := stream.read(1 << 20):
                digest.update(data)
            return
        last = max(0, size - SLICE_BYTES)
        for start in sorted({last * k // (SLICES - 1) for k in range(SLICES)}):
            stream.seek(start)
            digest.update(stream.read(SLICE_BYTES))
