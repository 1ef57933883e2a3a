"""``ppd view``'s page in a real browser: clouds, meshes and depth maps, one after the other."""

from __future__ import annotations

import json
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import Browser

from ppdcli.axes import Axes
from ppdcli.cloud import make_cloud
from ppdcli.cloud_options import CloudOptions
from ppdcli.commands.view import Gallery, found_files
from ppdcli.commands.view_scenes import ViewOptions
from ppdcli.commands.view_server import ViewServer
from ppdcli.depth import DepthMap
from ppdcli.files import html, ply
from ppdcli.files.formats import CLOUD_FORMATS
from ppdcli.files.open3d_import import import_open3d
from ppdcli.geometry.camera import Camera
from ppdcli.viewer.page import served_page

RED, BLUE, GREEN = (200, 30, 30), (30, 30, 200), (30, 160, 30)
HEIGHT, WIDTH = 90, 120
NAMES = ["a.ply", "b.glb", "c.exr", "d <b>é.ply", "e.ply", "f.ply", "g.glb", "h.glb"]


def share(picture: np.ndarray, color: tuple[int, ...], tolerance: int = 12) -> float:
    return float((np.abs(picture.astype(int) - color).max(axis=-1) <= tolerance).mean())


def halves(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The left and the right half of the photo's place, without the axes in its corner."""
    return picture[180:480, 130:390], picture[180:480, 410:660]


def made(axes: Axes) -> tuple[DepthMap, np.ndarray, Camera, CloudOptions]:
    depth = np.full((HEIGHT, WIDTH), 3, np.float32)
    depth[:, : WIDTH // 2] = 2
    rgb = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    rgb[:, : WIDTH // 2], rgb[:, WIDTH // 2 :] = RED, BLUE
    camera = Camera.from_fov(60, WIDTH, HEIGHT)
    return DepthMap(depth, "metric"), rgb, camera, CloudOptions(axes)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of files in a folder."""
    folder = tmp_path_factory.mktemp("files")
    blender = made("blender")
    ply.write(folder / NAMES[0], make_cloud(*blender))
    CLOUD_FORMATS["glb"].write(folder / NAMES[1], make_cloud(*blender), blender[3])
    blender[0].save(folder / NAMES[2])
    x, y = np.mgrid[:60, :60].reshape(2, -1)
    rows = np.column_stack((x + 400000.5, y + 5e6, 5 * (x > 30), np.tile(GREEN, (3600, 1))))
    names = [*(f"double {n}" for n in "xyz"), "uchar red", "uchar green", "uchar blue"]
    lines = ["ply", "format ascii 1.0", "element vertex 3600", *(f"property {n}" for n in names)]
    with (folder / NAMES[3]).open("w") as file:
        np.savetxt(file, rows, "%.1f %.1f %.1f %d %d %d", header="\n".join([*lines, "end_header"]),
                   comments="")  # fmt: skip
    (folder / NAMES[4]).write_bytes((folder / NAMES[0]).read_bytes()[:-9])
    grey = [line for line in lines if "uchar" not in line]
    with (folder / NAMES[5]).open("w") as file:
        np.savetxt(file, rows[:, :3], "%.1f", header="\n".join([*grey, "end_header"]), comments="")
    _write_others(folder)
    said: list[str] = []
    gallery = Gallery(found_files([folder], said.append), ViewOptions(), said.append)
    page = served_page([file.name for file in gallery.files], html.ramp())
    with ViewServer("127.0.0.1", 0, page, gallery.scene) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.address
        server.shutdown()
        thread.join()


def _write_others(folder: Path) -> None:
    """A mesh of Open3D, which keeps its numbers in a data URI, and one without any numbers."""
    o3d = import_open3d()
    torus = o3d.geometry.TriangleMesh.create_torus()
    torus.paint_uniform_color((0.1, 0.8, 0.1))
    o3d.io.write_triangle_mesh(str(folder / NAMES[6]), torus)
    hollow = {"meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}], "accessors": [{}]}
    stated = {**hollow, "asset": {"version": "2.0"}, "nodes": [{"mesh": 0}], "scene": 0}
    text = json.dumps({**stated, "scenes": [{"nodes": [0]}]}).encode()
    text += b" " * (-len(text) % 4)
    start = struct.pack("<4sIII4s", b"glTF", 2, 20 + len(text), len(text), b"JSON")
    (folder / NAMES[7]).write_bytes(start + text)


@pytest.fixture
def page(quiet: Browser, address: str) -> Browser:
    quiet.open(address)
    quiet.settle()
    return quiet


def choose(page: Browser, index: int, state: str = "ready") -> np.ndarray:
    """Chooses a file and returns the picture of it."""
    page.evaluate(
        f"{{ const list = document.getElementById('files'); list.selectedIndex = {index};"
        "list.dispatchEvent(new Event('change')) }"
    )
    page.wait(f"document.documentElement.dataset.state === {state!r}")
    page.settle()
    return page.picture()


def text(page: Browser, name: str) -> str:
    return str(page.evaluate(f"document.getElementById({name!r}).innerText"))


def test_files_to_choose_from(page: Browser) -> None:
    names = page.evaluate("[...document.getElementById('files').options].map(o => o.text)")
    assert names == NAMES
    assert {request.split("/")[2] for request in page.requests} == {page.requests[0].split("/")[2]}


def test_our_cloud_starts_in_the_view_of_its_photo(page: Browser) -> None:
    left, right = halves(page.picture())
    assert share(left, RED) > 0.98 and share(right, BLUE) > 0.98
    assert text(page, "unit").endswith("x right, y forward, z up")


def test_our_mesh_does_too(page: Browser) -> None:
    left, right = halves(choose(page, 1))
    assert share(left, RED) > 0.95 and share(right, BLUE) > 0.95
    assert "triangles" in text(page, "about") and text(page, "unit").startswith("metres\nx right")
    assert page.evaluate("document.getElementById('colors').hidden")
    before = page.picture()
    page.drag((400, 290), (470, 300))
    page.settle()
    assert share(halves(page.picture())[0], RED) < share(halves(before)[0], RED)


def test_a_mesh_of_another_program(page: Browser) -> None:
    picture = choose(page, 6)[100:500].astype(int)
    green = (picture[..., 1] > 60) & (picture[..., 1] > 2 * picture[..., 0])
    assert green.mean() > 0.05
    assert text(page, "about") == "mesh of 1,200 triangles"


def test_a_mesh_that_cannot_be_drawn_is_explained(page: Browser) -> None:
    choose(page, 7, "failed")
    said = text(page, "message")
    assert said.startswith("h.glb: cannot be drawn (") and len(said) < 260
    page.problems.clear()


def test_a_depth_map_has_the_colours_of_depth(page: Browser) -> None:
    left, right = halves(choose(page, 2))
    near, far = html.ramp()[0].tolist(), html.ramp()[255].tolist()
    assert share(left, near) > 0.95 and share(right, far) > 0.95
    assert page.evaluate("document.getElementById('colored').disabled")
    assert "camera assumed" in text(page, "notes")


def test_a_cloud_of_another_program(page: Browser) -> None:
    picture = choose(page, 3)
    assert share(picture[100:500], GREEN) > 0.05
    assert text(page, "unit") == "unit not stated\naround 400030, 5000030, 0"
    page.evaluate(
        "{ const up = document.getElementById('up'); up.value = 'y';"
        "up.dispatchEvent(new Event('change')) }"
    )
    page.settle()
    turned = page.picture()
    assert (turned[100:500] != picture[100:500]).mean() > 0.03


def test_a_cloud_without_colours_is_coloured_by_height(page: Browser) -> None:
    picture = choose(page, 5)
    low, high = html.ramp()[0].tolist(), html.ramp()[255].tolist()
    assert share(picture[100:500], low) > 0.01 and share(picture[100:500], high) > 0.01
    assert text(page, "legend").split() == ["0", "5"]


def test_a_damaged_file_is_explained_and_the_next_one_is_shown(page: Browser) -> None:
    choose(page, 4, "failed")
    assert "e.ply: cannot be read as PLY (it is cut off after" in text(page, "message")
    page.problems.clear()  # the browser's own word on the answer 404
    left, _ = halves(choose(page, 0))
    assert share(left, RED) > 0.98
    assert page.evaluate("document.getElementById('message').hidden")
