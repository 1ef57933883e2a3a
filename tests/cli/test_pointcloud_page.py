"""``ppd pointcloud -f html``: a page with the cloud in it, as its users ask for it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import Result

from ppdcli.viewer import cloud_scene

Ppd = Callable[..., Result]
CAMERA = ("--fov", "60")
PAGE = Path("ppd-out/photo.html")


@pytest.fixture
def of_depth(photo: Path) -> list[object]:
    """A photo with a depth map of two planes, with flying pixels between them."""
    depth = np.full((40, 60), 4, np.float32)
    depth[:, :20] = 2
    depth[:, 20:23] = 2.5, 3, 3.5
    np.save("planes.npy", depth)
    return [photo, "--depth", "planes.npy", *CAMERA]


def facts(page: Path = PAGE) -> dict[str, Any]:
    text = page.read_text(encoding="utf-8")
    (found,) = re.findall(r'<script id="scene" type="application/json">(.*?)</script>', text)
    (data,) = re.findall(r'<script id="data" type="text/plain">(.*?)</script>', text)
    return {**json.loads(found), "data": base64.b64decode(data)}


def test_a_page_beside_a_cloud(ppd: Ppd, of_depth: list[object]) -> None:
    result = ppd("pointcloud", *of_depth, "-f", "html,ply")
    assert result.exit_code == 0, result.stderr
    made = facts()
    assert made["title"] == "photo.jpg" and made["unit"].startswith("metres\nx right, y down")
    assert (made["points"], made["removed"]) == (40 * 57, 40 * 3)
    assert made["frame"]["left"] == pytest.approx(-np.tan(np.radians(30)))
    assert len(made["data"]) == 6 * 40 * 60 + 3 * 40 * 57
    colors = np.frombuffer(made["data"][-3 * 40 * 57 :], np.uint8).reshape(-1, 3)
    with Image.open("photo.jpg") as image:
        rgb = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(colors[:20], rgb[0, :20])


def test_the_cloud_beside_it_is_the_same_as_without_it(ppd: Ppd, of_depth: list[object]) -> None:
    ppd("pointcloud", *of_depth, "-f", "html,ply", "-o", "both")
    ppd("pointcloud", *of_depth, "-f", "ply", "-o", "one")
    assert Path("both/photo.ply").read_bytes() == Path("one/photo.ply").read_bytes()


def test_a_relative_cloud_says_so(ppd: Ppd, photo: Path, tiny: list[str]) -> None:
    assert ppd("pointcloud", photo, *tiny, *CAMERA, "-f", "html").exit_code == 0
    made = facts()
    assert made["unit"].startswith("relative units, not to scale")
    assert made["about"] == f"ppd-tiny · {made['points']:,} points"


def test_the_file_names_the_format_and_runs_again_skip_it(ppd: Ppd, of_depth: list[object]) -> None:
    assert ppd("pointcloud", *of_depth, "-o", "my page.HTML").exit_code == 0
    assert facts(Path("my page.HTML"))["title"] == "photo.jpg"
    ppd("pointcloud", *of_depth, "-f", "html,ply")
    before = PAGE.read_bytes(), PAGE.stat().st_mtime_ns
    assert "1 skipped" in ppd("pointcloud", *of_depth, "-f", "html,ply").stderr
    assert (PAGE.read_bytes(), PAGE.stat().st_mtime_ns) == before
    result = ppd("pointcloud", *of_depth, "-f", "html,ply", "--axes", "blender")
    assert "1 made again: axes opencv -> blender" in result.stderr
    assert "z up" in facts()["unit"]


@pytest.mark.parametrize("option", ["--no-edge-clean", "--snap"])
def test_what_is_not_removed_is_not_apart(ppd: Ppd, of_depth: list[object], option: str) -> None:
    ppd("pointcloud", *of_depth, "-f", "html", option)
    made = facts()
    assert made["points"] + made["removed"] == 40 * 60 and made["removed"] < 40 * 3


@pytest.mark.parametrize("option", [("--voxel", "0.2"), ("--normals",), ("--axes", "opengl")])
def test_options_of_clouds(ppd: Ppd, of_depth: list[object], option: tuple[str, ...]) -> None:
    result = ppd("pointcloud", *of_depth, "-f", "html", *option)
    assert result.exit_code == 0, result.stderr
    made = facts()
    assert made["encoding"] == "rays" and made["frame"] and made["points"] > 50


def test_a_thinned_page_says_so(
    ppd: Ppd, of_depth: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloud_scene, "MOST_POINTS", 500)
    result = ppd("pointcloud", *of_depth, "-f", "html")
    made = facts()
    assert 400 < made["points"] + made["removed"] <= 500
    line = f"photo.jpg: the page shows {made['points']} of 2,280 points; a PLY has all"
    assert line in result.stderr


def test_a_photo_with_a_hostile_name(ppd: Ppd, of_depth: list[object]) -> None:
    name = "<script>alert(1)</script>"
    Path("photo.jpg").rename(f"{name[8:15]}'\"&<b>雪.jpg")
    (photo,) = Path().glob("*.jpg")
    assert ppd("pointcloud", photo, *of_depth[1:], "-f", "html").exit_code == 0
    (page,) = Path("ppd-out").glob("*.html")
    assert facts(page)["title"] == photo.name
    assert photo.name not in page.read_text(encoding="utf-8")
