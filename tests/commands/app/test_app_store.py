"""Files of the page."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from fake_network import network
from PIL import Image

from ppdcli.commands.app.network import Wish
from ppdcli.commands.app.shot import Scale, Shot
from ppdcli.commands.app.store import CLOUD_FILES, DEPTH_FILES, MOST_SHOTS, PICTURES, Store
from ppdcli.errors import InputError
from ppdcli.files.depth_files import read_depth


@pytest.fixture
def shot(tmp_path: Path) -> Shot:
    path = tmp_path / "hall.of mirrors.png"
    Image.new("RGB", (64, 48), (200, 100, 50)).save(path)
    return network().shot(path, Wish("ppd-tiny"), lambda share, what: None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("format_", [*DEPTH_FILES, *CLOUD_FILES, *PICTURES])
def test_each_file_is_made_once_inside_the_folder(shot: Shot, folder: Path, format_: str) -> None:
    store = Store(folder)
    name = store.add(shot, Scale((1.0, 5.0), 1.0, "near-far 1,5 m"))
    path, shown = store.file(name, format_)
    assert path.is_relative_to(folder) and path.stat().st_size
    assert shown.startswith("hall.of mirrors")
    before = path.stat().st_mtime_ns
    assert store.file(name, format_) == (path, shown)
    assert path.stat().st_mtime_ns == before


def test_depth_files_have_the_scale(shot: Shot, folder: Path) -> None:
    store = Store(folder)
    metric = store.add(shot, Scale((1.0, 5.0), 1.0, "near-far 1,5 m"))
    for format_ in ("png", "exr"):
        depth = read_depth(store.file(metric, format_)[0])
        assert depth.kind == "metric"
        assert np.nanmax(depth.values) == pytest.approx(5, abs=2e-3)
    relative = store.add(shot, Scale())
    assert read_depth(store.file(relative, "png")[0]).kind == "relative"


def test_a_mesh_has_the_scale(shot: Shot, folder: Path) -> None:
    store = Store(folder)
    data = store.file(store.add(shot, Scale((1.0, 5.0))), "glb")[0].read_bytes()
    (length,) = struct.unpack_from("<I", data, 12)
    about = json.loads(data[20 : 20 + length])
    assert min(a["min"][2] for a in about["accessors"] if len(a.get("min", ())) == 3) < -4


def test_unknown_names_and_formats_are_refused(shot: Shot, folder: Path) -> None:
    store = Store(folder)
    name = store.add(shot, Scale())
    with pytest.raises(InputError, match="forgotten"):
        store.file("../secrets", "ply")
    for format_ in ("../../etc/passwd", "side", ""):
        with pytest.raises(InputError, match="no file of this kind"):
            store.file(name, format_)


def test_old_shots_are_forgotten_with_their_files(shot: Shot, folder: Path) -> None:
    store = Store(folder)
    first = store.add(shot, Scale())
    store.file(first, "ply")
    kept = [store.add(shot, Scale()) for _ in range(MOST_SHOTS)]
    with pytest.raises(InputError, match="forgotten"):
        store.cloud(first)
    assert sorted(path.name for path in folder.iterdir()) == sorted(kept)


def test_a_shot_of_a_closed_tab_goes_with_its_files(shot: Shot, folder: Path) -> None:
    store = Store(folder)
    name = store.add(shot, Scale())
    store.file(name, "photo")
    store.forget(name)
    store.forget(name)
    assert list(folder.iterdir()) == []


def test_what_is_used_is_kept_longest(shot: Shot, folder: Path) -> None:
    store = Store(folder)
    first = store.add(shot, Scale())
    for _ in range(MOST_SHOTS + 2):
        store.get(first)
        store.add(shot, Scale())
    assert len(store.cloud(first).points)
