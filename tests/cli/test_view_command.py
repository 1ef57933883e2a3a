"""``ppd view``: which files it shows, what it says of the others, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import Result

from ppdcli import browsing
from ppdcli.cloud import PointCloud
from ppdcli.commands import view
from ppdcli.commands.view import Gallery, found_files
from ppdcli.commands.view_scenes import ViewOptions, scene_of
from ppdcli.depth import DepthMap
from ppdcli.errors import InputError
from ppdcli.files import ply

Ppd = Callable[..., Result]


def cloud(name: str) -> Path:
    points = np.random.default_rng(0).uniform(1, 2, (50, 3)).astype(np.float32)
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    ply.write(path, PointCloud(points, np.zeros((50, 3), np.uint8), ("unit m",)))
    return path


def ramp(low: float, high: float) -> np.ndarray:
    return np.linspace(low, high, 48 * 64, dtype=np.float32).reshape(48, 64)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Gallery]]:
    """Galleries that would have been served, without waiting for Ctrl-C."""
    galleries: list[Gallery] = []

    def serve(gallery: Gallery, *_: Any) -> None:
        galleries.append(gallery)
        raise KeyboardInterrupt

    monkeypatch.setattr(view, "serve", serve)
    yield galleries


def test_files_and_folders(ppd: Ppd, shown: list[Gallery], photo: Path) -> None:
    cloud("a.ply")
    cloud("f/sub/b.ply")
    cloud("f/.hidden.ply")
    DepthMap(ramp(1, 3), "metric").save("f/c_depth.png")
    DepthMap(ramp(1, 3), "metric").save("f/c.npy")
    photo.rename("f/photo.jpg")
    Path("f/notes.txt").write_text("ply")
    result = ppd("view", "a.ply", "f", "a.ply")
    assert result.exit_code == 130 and result.stderr.splitlines()[-1] == "stopped"
    assert [file.name for file in shown[0].files] == ["a.ply", "c.npy", "c_depth.png", "sub/b.ply"]
    facts = [shown[0].scene(k).facts for k in range(4)]
    assert [scene["title"] for scene in facts] == [file.name for file in shown[0].files]
    with pytest.raises(InputError, match="no such file"):
        shown[0].scene(4)


def test_good_files_are_shown_beside_bad_ones(ppd: Ppd, shown: list[Gallery]) -> None:
    good = cloud("good.ply")
    Path("cut.ply").write_bytes(good.read_bytes()[:-5])
    Path("text.txt").write_text("hello")
    Path("empty").mkdir()
    result = ppd("view", "cut.ply", "good.ply", "text.txt", "gone.ply", "empty")
    assert [file.name for file in shown[0].files] == ["good.ply"]
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert [line.split()[1] for line in errors] == ["empty:", "cut.ply:", "text.txt:", "gone.ply:"]
    assert all("; " in line for line in errors)


@pytest.mark.parametrize("name", ["gone.ply", "text.txt", "empty", "pipe.ply"])
def test_nothing_to_show(ppd: Ppd, name: str) -> None:
    Path("text.txt").write_text("hello")
    Path("empty").mkdir()
    os.mkfifo("pipe.ply")
    result = ppd("view", name)
    assert result.exit_code == 3
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"error: {name}: ") and "; " in line


def test_a_damaged_file_of_a_folder_is_named_when_it_is_chosen(shown: list[Gallery]) -> None:
    cloud("f/a.ply")
    Path("f/b.ply").write_bytes(b"ply\nnonsense\n")
    said: list[str] = []
    gallery = Gallery(found_files([Path("f")], said.append), ViewOptions(), said.append)
    gallery.check()
    assert len(gallery.files) == 2 and said == []
    for _ in range(2):
        with pytest.raises(InputError, match=r"f/b\.ply"):
            gallery.scene(1)
    assert len(said) == 1 and said[0].startswith("error: f/b.ply: cannot be read as PLY")


@pytest.mark.parametrize(
    ("save", "unit", "told"),
    [
        (lambda: DepthMap(ramp(1, 3), "metric").save("d.exr"), "metres", None),
        (lambda: DepthMap(ramp(0, 1), "relative").save("d.exr"), "relative", None),
        (lambda: DepthMap(ramp(1, 3), "metric").save("d.png"), "metres", None),
        (lambda: np.save("d.npy", ramp(1, 3)), "metres", "metres assumed"),
        (lambda: np.save("d.npy", ramp(0, 1)), "relative", "taken for relative depth"),
    ],
)
def test_depth_maps(save: Callable[[], None], unit: str, told: str | None) -> None:
    save()
    (path,) = Path().glob("d.*")
    scene = scene_of(path, "d", ViewOptions())
    assert scene.facts["unit"].startswith(unit) and scene.facts["points"] == 48 * 64
    assert scene.facts["frame"]["right"] == pytest.approx(np.tan(np.radians(30)))
    assert not scene.facts["colors"]
    lines = [line for line in scene.lines if "camera assumed" not in line]
    assert len(scene.lines) == len(lines) + 1 and all(line.startswith("d.") for line in lines)
    assert [told in line for line in lines] == [True] if told else lines == []


def test_what_a_depth_map_does_not_say_can_be_said(ppd: Ppd, shown: list[Gallery]) -> None:
    np.save("d.npy", (ramp(1, 3) * 256).astype(np.uint16))
    result = ppd("view", "d.npy", "--fov", "90", "--depth-scale", "kitti")
    facts = shown[0].scene(0).facts
    assert facts["frame"]["left"] == pytest.approx(-1) and facts["depth"]["low"] > 0.9
    assert result.stderr == "stopped\n"
    assert ppd("view", "d.npy").exit_code == 3
    assert ppd("view", "d.npy", "--fov", "200").exit_code == 2
    assert ppd("view", "d.npy", "--depth-scale", "miles").exit_code == 2
    assert ppd("view").exit_code == 2


@pytest.mark.parametrize(
    ("variables", "expected"),
    [({}, False), ({"DISPLAY": ":0"}, True), ({"WAYLAND_DISPLAY": "wayland-0"}, True)],
)
def test_a_browser_needs_a_display(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: bool
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert browsing.has_display() == expected


def test_it_serves_until_ctrl_c(start: Callable[..., subprocess.Popen[bytes]]) -> None:
    cloud("my cloud.ply")
    process = start("view", "my cloud.ply", "--no-browser")
    assert process.stderr is not None
    line = process.stderr.readline().decode()
    address = line.split(" at ")[1].split(";")[0]
    assert line.startswith("showing 1 file at http://127.0.0.1:")
    with urllib.request.urlopen(f"{address}scene/0.json", timeout=20) as answer:
        assert json.load(answer)["title"] == "my cloud.ply"
    process.send_signal(signal.SIGINT)
    out, rest = process.communicate(timeout=20)
    assert (process.returncode, out, rest) == (130, b"", b"stopped\n")
