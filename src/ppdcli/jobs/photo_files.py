"""Which files of a folder are taken for photos, and why the others are passed over."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path, PurePath

from ppdcli.files.foreign import open_regular
from ppdcli.images.kinds import HEAD, looks_like_photo
from ppdcli.photo import IMAGE_SUFFIXES

NO_PHOTO = "no photo"
HIDDEN = "hidden"
LINK = "a link to a folder"
SPECIAL = "neither a file nor a folder"
RESULT = "made by ppd"
RAW = "a camera's raw file; develop it first"
UNREADABLE = "a photo of a kind that cannot be read; save it as JPEG"
THUMBNAILS = "a folder of thumbnails or deleted files"

OF_PHOTOS = (RAW, UNREADABLE, THUMBNAILS)
"""The reasons that concern photos."""

# Folders that systems and cameras make beside photos, in lower case; hidden ones are passed over
# anyway, as .thumbnails is.
_NOT_SEARCHED = frozenset(
    ("@eadir", "__macosx", "thmbnl", "#recycle", "@recycle", "$recycle.bin", "#snapshot")
)
# fmt: off
_RAW_SUFFIXES = frozenset((
    ".dng", ".nef", ".nrw", ".cr2", ".cr3", ".crw", ".arw", ".sr2", ".srf", ".raf", ".orf", ".rw2",
    ".rwl", ".pef", ".srw", ".x3f", ".erf", ".3fr", ".fff", ".iiq", ".mos", ".mef", ".mrw", ".dcr",
    ".kdc", ".gpr", ".raw",
))
_UNREADABLE_SUFFIXES = frozenset((".jxl", ".jxr", ".wdp", ".hdp", ".psd", ".psb", ".tga"))
# Not even looked into: no photos, small copies of photos, or photos that have not arrived yet.
_OTHER_SUFFIXES = frozenset((
    ".npy", ".npz", ".exr", ".ply", ".glb", ".html", ".json", ".jsonl", ".txt", ".csv", ".xml",
    ".xmp", ".md", ".yaml", ".yml", ".toml", ".ini", ".log", ".py", ".pdf", ".zip", ".gz", ".tar",
    ".7z", ".bin", ".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mts", ".m2ts", ".insv",
    ".lrv", ".mp3", ".wav", ".m4a", ".aae", ".thm", ".db", ".lrcat", ".safetensors", ".pth", ".pt",
    ".svg", ".part", ".partial", ".crdownload", ".download", ".filepart", ".tmp", ".temp", ".bak",
))
# fmt: on


def is_image(name: str) -> bool:
    """Whether a file of a folder is taken for a photo by its name alone."""
    return not name.startswith(".") and PurePath(name).suffix.lower() in IMAGE_SUFFIXES


def why_passed_over(path: Path) -> str | None:
    """Why a file of a folder is not taken for a photo; None if it is.

    A suffix that says nothing is no reason: the first bytes are looked at, as of ``.jpg_large``.
    """
    if path.name.startswith("."):
        return HIDDEN
    suffix = path.suffix.lower()
    if suffix in IMAGE_SUFFIXES:
        return None
    if suffix in _RAW_SUFFIXES:
        return RAW
    if suffix in _UNREADABLE_SUFFIXES:
        return UNREADABLE
    if suffix in _OTHER_SUFFIXES or path.name.endswith("~"):
        return NO_PHOTO
    try:
        status = path.stat()
    except (OSError, ValueError):
        return NO_PHOTO
    return None if _begins_like_one(path, status.st_size, status.st_mtime_ns) else NO_PHOTO


def is_searched(name: str) -> bool:
    """Whether a folder in a folder is searched, by its name; ``.name`` is hidden."""
    return not name.startswith(".") and name.lower() not in _NOT_SEARCHED


@lru_cache(maxsize=1 << 16)  # --watch asks every second
def _begins_like_one(path: Path, size: int, _changed: int) -> bool:
    try:
        with open_regular(path) as stream:
            return looks_like_photo(os.read(stream.fileno(), HEAD), size)
    except OSError:
        return False
