"""What ``ppd view`` does: finds files, reads them when they are looked at, serves the page."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ppdcli.announce import Announce
from ppdcli.browsing import open_browser
from ppdcli.commands.view_scenes import WAY_ON, ViewOptions, may_be_shown, scene_of
from ppdcli.commands.view_server import ViewServer
from ppdcli.errors import InputError
from ppdcli.files.html import ramp
from ppdcli.files.source import is_dir
from ppdcli.viewer.page import served_page
from ppdcli.viewer.scene import Scene
from ppdcli.wording import counted

KEPT = 4  # scenes in memory, up to 20 MB each


@dataclass(frozen=True)
class Shown:
    """A file that can be chosen on the page.

    Attributes:
        path: of it.
        name: on the page.
        named: whether the user named it, and not a folder that it is in.
    """

    path: Path
    name: str
    named: bool


class Gallery:
    """Files to show, each read when it is looked at.

    Attributes:
        files: those that can be chosen.
        failed: how many inputs could not be shown so far.
    """

    def __init__(self, files: Sequence[Shown], options: ViewOptions, announce: Announce) -> None:
        self.files = list(files)
        self.failed = 0
        self._options = options
        self._announce = announce
        self._kept: OrderedDict[Path, Scene] = OrderedDict()
        self._told: set[Path] = set()
        self._lock = threading.Lock()

    def check(self) -> None:
        """Leaves out named files that cannot be shown, and files before the first that can be."""
        good: list[Shown] = []
        for file in self.files:
            if not file.named and good:
                good.append(file)
                continue
            try:
                self._read(file)
            except InputError:
                continue
            good.append(file)
        self.files = good

    def scene(self, number: int) -> Scene:
        """The scene of a file.

        Raises:
            InputError: it cannot be read, or there is no such file.
        """
        if number >= len(self.files):
            raise InputError("there is no such file")
        return self._read(self.files[number])

    def _read(self, file: Shown) -> Scene:
        with self._lock:
            scene = self._kept.get(file.path)
            if scene is None:
                scene = self._loaded(file)
            self._kept[file.path] = scene
            self._kept.move_to_end(file.path)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return scene

    def _loaded(self, file: Shown) -> Scene:
        new = file.path not in self._told
        self._told.add(file.path)
        try:
            scene = scene_of(file.path, file.name, self._options)
        except InputError as error:
            if new:
                self.failed += 1
                self._announce(f"error: {error}")
            raise
        if new:
            for line in scene.lines:
                self._announce(line)
        return scene


def found_files(inputs: Sequence[Path], announce: Announce) -> list[Shown]:
    """The files to show.

    Args:
        inputs: files, or folders, of which the files that look like clouds, meshes and depth maps
            are taken, in the order of their names.
        announce: is told of folders without any.
    """
    files: dict[Path, Shown] = {}
    for path in inputs:
        if not is_dir(path):
            files.setdefault(path, Shown(path, path.name or str(path), True))
            continue
        inside = sorted(found for found in path.rglob("*") if may_be_shown(found))
        for found in inside:
            files.setdefault(found, Shown(found, found.relative_to(path).as_posix(), False))
        if not inside:
            announce(f"error: {path}: has nothing to show in it; {WAY_ON}")
    return list(files.values())


def serve(gallery: Gallery, host: str, port: int, announce: Announce, browser: bool = True) -> None:
    """Serves the page until Ctrl-C.

    Args:
        gallery: with one file or more.
        host, port: to listen on; 0 for a free port.
        announce: is told where the page is.
        browser: whether to open it where there is a display.

    Raises:
        OutputError: it cannot listen there.
        KeyboardInterrupt: Ctrl-C.
    """
    page = served_page([file.name for file in gallery.files], ramp())
    with ViewServer(host, port, page, gallery.scene) as server:
        announce(f"showing {counted(len(gallery.files), 'file')} at {server.address}; Ctrl-C ends")
        if browser:
            open_browser(server.address)
        server.serve_forever()
