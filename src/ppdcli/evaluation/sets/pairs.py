"""Photos and their depth files in a folder, matched by name."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ppdcli.errors import InputError
from ppdcli.photo import IMAGE_SUFFIXES

PHOTO_WORDS = ("rgb", "color", "colour", "image", "images")
DEPTH_WORDS = ("depth", "depths")
FLOAT_SUFFIXES = (".exr", ".npy")  # no photo has these
DEPTH_SUFFIXES = (".png", *FLOAT_SUFFIXES)
NAMES = (
    "NAME.jpg with NAME_depth.png or NAME.depth.png, NAME_rgb.jpg with NAME_depth.png, "
    "rgb/NAME.jpg with depth/NAME.png"
)
"""The rules in short, for messages. ``find_pairs`` has the whole table."""

Key = tuple[tuple[str, ...], str]  # folder and stem, without the words for photo and depth


@dataclass(frozen=True)
class Pair:
    """A photo and its measured depth.

    Attributes:
        photo, depth: Files below the root.
        scale: Metres per step of the depth file; None if it is not given.
    """

    photo: PurePosixPath
    depth: PurePosixPath
    scale: float | None = None

    @property
    def part(self) -> str:
        """The data set: the first sub-folder, or "." if the pair is in the root itself."""
        folder, _ = _keys_of_photo(self.photo)[0]
        return folder[0] if folder else "."


@dataclass(frozen=True)
class Pairs:
    """The content of a folder.

    Attributes:
        pairs: The pairs, sorted by the photos' paths.
        left_out: Files that are in no pair, by reason.
    """

    pairs: tuple[Pair, ...]
    left_out: dict[str, tuple[str, ...]]


def find_pairs(
    root: Path,
    results: Path | None = None,
    made: Callable[[Path], Collection[Path]] = lambda _folder: (),
) -> Pairs:
    """Finds the photos of a folder and its sub-folders that have a depth file.

    | photo | depth |
    |---|---|
    | ``NAME.*`` | ``NAME_depth.*``, ``NAME.exr``, ``NAME.npy`` |
    | ``NAME_rgb.*`` (color, colour, image, images) | the same |
    | ``rgb.*`` (the same words) | ``depth.*`` |
    | ``rgb/NAME.*`` (the same words) | ``depth/NAME.*`` |

    The word is at the start or the end of a name, separated by ``_``, ``-`` or ``.``, in any case.
    The rules for folders and names can be combined. Depth files are PNG, EXR and NPY. Hidden files
    and folders, and links to folders, are skipped.

    Args:
        root: The folder.
        results: A folder inside the root that is not searched.
        made: folder -> files in it that a model has predicted; they are not true depth.

    Raises:
        InputError: A folder cannot be read, or there is no pair.
    """
    photos: list[PurePosixPath] = []
    depths: dict[Key, list[PurePosixPath]] = {}
    for path in _files(root, results, made):
        key = _key_of_depth(path)
        if key is not None:
            depths.setdefault(key, []).append(path)
        elif path.suffix.lower() in IMAGE_SUFFIXES:
            photos.append(path)
    chosen = {
        photo: next((key for key in _keys_of_photo(photo) if key in depths), None)
        for photo in photos
    }
    uses = Counter(key for key in chosen.values() if key is not None)
    pairs, unmatched, ambiguous = [], [], []
    for photo, key in chosen.items():
        if key is None:
            unmatched.append(photo.as_posix())
        elif uses[key] == 1 and len(depths[key]) == 1:
            pairs.append(Pair(photo, depths[key][0]))
        else:
            ambiguous.append(photo.as_posix())
    unused = [path.as_posix() for key, paths in depths.items() if key not in uses for path in paths]
    if not pairs:
        raise InputError(
            f"{root}: has no photo with a depth file; looked for {NAMES} (PNG, EXR, NPY); "
            "rename them, or name each pair in a --list"
        )
    left_out = {
        "photo without a depth file": tuple(unmatched),
        "depth file without a photo": tuple(unused),
        "photo with more than one partner": tuple(ambiguous),
    }
    return Pairs(tuple(pairs), {why: names for why, names in left_out.items() if names})


def _files(
    root: Path, results: Path | None, made: Callable[[Path], Collection[Path]]
) -> Iterator[PurePosixPath]:
    """Yields the files below the root, sorted folder by folder."""
    skipped = None if results is None else os.path.realpath(results)

    def refuse(error: OSError) -> None:
        raise InputError(
            f"{error.filename}: cannot be read ({error.strerror}); check the folder's permissions"
        ) from error

    for folder, folders, files in os.walk(root, onerror=refuse):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and os.path.realpath(Path(folder, name)) != skipped
        )
        below = PurePosixPath(Path(folder).relative_to(root).as_posix())
        predicted = made(Path(folder))
        for name in sorted(files):
            if not name.startswith(".") and Path(folder, name) not in predicted:
                yield below / name


def _key_of_depth(path: PurePosixPath) -> Key | None:
    """Returns the key of a depth file; None if it is not a depth file."""
    suffix = path.suffix.lower()
    if suffix not in DEPTH_SUFFIXES:
        return None
    folder = _without_folder(path.parent.parts, DEPTH_WORDS)
    stem = _without_word(path.stem, DEPTH_WORDS)
    if suffix not in FLOAT_SUFFIXES and folder == path.parent.parts and stem == path.stem:
        return None
    return folder, stem


def _keys_of_photo(path: PurePosixPath) -> list[Key]:
    """Returns the possible keys of a photo's depth file, the closest rule first."""
    folders = (_without_folder(path.parent.parts, PHOTO_WORDS), path.parent.parts)
    stems = (_without_word(path.stem, PHOTO_WORDS), path.stem)
    return [(folder, stem) for folder in folders for stem in stems]


def _without_folder(parts: tuple[str, ...], words: tuple[str, ...]) -> tuple[str, ...]:
    """Returns a folder's path without the last part that is one of the words."""
    for k in reversed(range(len(parts))):
        if parts[k].lower() in words:
            return (*parts[:k], *parts[k + 1 :])
    return parts


def _without_word(stem: str, words: tuple[str, ...]) -> str:
    """Removes a word at the end of a name or else at its start; returns "" if nothing is left."""
    if stem.lower() in words:
        return ""
    either = "|".join(words)
    for pattern in (rf"(?P<name>.+)[_.-](?:{either})", rf"(?:{either})[_.-](?P<name>.+)"):
        if match := re.fullmatch(pattern, stem, re.IGNORECASE | re.DOTALL):
            return match["name"]
    return stem
