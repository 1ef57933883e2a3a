"""What the page has made: shots in memory, and files that are written when they are asked for."""

from __future__ import annotations

import secrets
import shutil
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from ppdcli.cloud import PointCloud
from ppdcli.cloud_options import CloudOptions
from ppdcli.commands.app.pictures import write_colors, write_photo
from ppdcli.commands.app.shot import Scale, Shot
from ppdcli.errors import InputError
from ppdcli.files.choices import Choices, PngScale
from ppdcli.files.formats import CLOUD_FORMATS, DEPTH_FORMATS

MOST_SHOTS = 8  # of all tabs; older ones are forgotten
MOST_CLOUDS = 2  # in memory: a cloud of 12 megapixels takes 0.3 GB
DEPTH_FILES = ("png", "exr", "npy")
CLOUD_FILES = ("ply", "glb", "html")
PICTURES = {"photo": write_photo, "colors": write_colors}


@dataclass(eq=False)
class _Kept:
    """A shot at a scale, with the folder of its files; ``lock``: one file is made at a time."""

    shot: Shot
    scale: Scale
    folder: Path
    lock: threading.Lock = field(default_factory=threading.Lock)


class Store:
    """Shots at a scale, by a name that nobody can guess.

    Args:
        folder: Where files go. Nothing is written outside it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._clouds: OrderedDict[str, PointCloud] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, shot: Shot, scale: Scale) -> str:
        """Keeps a shot at a scale and returns its name; the oldest one may be forgotten."""
        name = secrets.token_urlsafe(16)
        folder = self._folder / name
        folder.mkdir()
        with self._lock:
            self._kept[name] = _Kept(shot, scale, folder)
            forgotten = [*self._kept][:-MOST_SHOTS]
        for old in forgotten:
            self.forget(old)
        return name

    def forget(self, name: str) -> None:
        """Drops a shot and its files, if it is still there."""
        with self._lock:
            kept = self._kept.pop(name, None)
            self._clouds.pop(name, None)
        if kept is not None:
            with kept.lock:
                shutil.rmtree(kept.folder, ignore_errors=True)

    def get(self, name: str) -> tuple[Shot, Scale]:
        """The shot and its scale.

        Raises:
            InputError: It has been forgotten.
        """
        kept = self._of(name)
        return kept.shot, kept.scale

    def cloud(self, name: str) -> PointCloud:
        """The cloud of a shot.

        Raises:
            InputError: The shot has been forgotten, or has no depth to place.
        """
        kept = self._of(name)
        with kept.lock:
            return self._cloud(name, kept)

    def file(self, name: str, format_: str) -> tuple[Path, str]:
        """A file of a shot, written now if it is not there, and a name for the user's disk.

        Args:
            name: From ``add``.
            format_: One of ``DEPTH_FILES``, ``CLOUD_FILES`` or ``PICTURES``.

        Raises:
            InputError: The shot has been forgotten, or the format is unknown or cannot hold it.
            OutputError: The file cannot be written.
        """
        kept = self._of(name)
        if format_ in PICTURES:
            ending = f"_{format_}.jpg"
        elif format_ in DEPTH_FILES:
            ending = DEPTH_FORMATS[format_].ending
        elif format_ in CLOUD_FILES:
            ending = CLOUD_FORMATS[format_].ending
        else:
            raise InputError(f"there is no file of this kind: {format_}")
        path = kept.folder / f"made{ending}"
        with kept.lock:
            if not path.exists():
                self._write(name, kept, format_, path)
        stem = PurePath(kept.shot.photo.name).stem or "photo"
        return path, f"{stem}{ending}"

    def _write(self, name: str, kept: _Kept, format_: str, path: Path) -> None:
        if format_ in PICTURES:
            PICTURES[format_](path, kept.shot)
            return
        if format_ in CLOUD_FILES:
            CLOUD_FORMATS[format_].write(path, self._cloud(name, kept), CloudOptions())
            return
        depth = kept.shot.depth_map(kept.scale)
        scale: PngScale = "mm" if depth.kind == "metric" else "normalized"
        DEPTH_FORMATS[format_].write(path, depth, Choices(scale, "spectral", None))

    def _cloud(self, name: str, kept: _Kept) -> PointCloud:
        with self._lock:
            found = self._clouds.get(name)
        if found is not None:
            return found
        made = kept.shot.cloud(kept.scale)
        with self._lock:
            self._clouds[name] = made
            while len(self._clouds) > MOST_CLOUDS:
                self._clouds.popitem(last=False)
        return made

    def _of(self, name: str) -> _Kept:
        with self._lock:
            kept = self._kept.get(name)
            if kept is None:
                raise InputError("this photo has been forgotten; make its depth again")
            self._kept.move_to_end(name)
            return kept
