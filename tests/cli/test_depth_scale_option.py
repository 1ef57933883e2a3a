"""``ppd pointcloud --depth-scale``: the unit of somebody else's depth files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import Result

from ppdcli.files.open3d_import import import_open3d

Ppd = Callable[..., Result]
HEIGHT, WIDTH = 40, 60  # of the photo
DEPTH = np.linspace(1, 3, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH)
STEPS = {"mm": 1000, "kitti": 256, "tum": 5000, "0.00025": 4000, "1/4000": 4000}


def save(path: str, steps: int) -> None:
    values = np.rint(DEPTH * steps).astype(np.uint16)
    np.save(path, values) if path.endswith("npy") else Image.fromarray(values).save(path)


def cloud(ppd: Ppd, photo: Path, *options: object) -> Result:
    return ppd("pointcloud", photo, *options, "--fov", 60, "--no-edge-clean", "-o", "c.ply")


def depths() -> np.ndarray:
    return np.asarray(import_open3d().io.read_point_cloud("c.ply").points)[:, 2].reshape(
        HEIGHT, WIDTH
    )


@pytest.mark.usefixtures("no_model")
@pytest.mark.parametrize("name", ["depth.png", "depth.npy"])
@pytest.mark.parametrize("scale", STEPS)
def test_a_stated_step(ppd: Ppd, photo: Path, name: str, scale: str) -> None:
    save(name, STEPS[scale])
    result = cloud(ppd, photo, "--depth", name, "--depth-scale", scale)
    assert result.exit_code == 0, result.stderr
    assert "unit" not in result.stderr
    np.testing.assert_allclose(depths(), DEPTH, atol=0.6 / STEPS[scale])


def test_known_depths_in_steps(ppd: Ppd, photo: Path, tiny: list[str]) -> None:
    save("known.png", 5000)
    given = ["--align", "known.png", "--depth-scale", "tum"]
    result = cloud(ppd, photo, *tiny, *given)
    assert "does not state its unit" not in result.stderr
    wrong = cloud(ppd, photo, *tiny, "--align", "known.png")
    assert "known.png: does not state its unit; read as millimetres" in wrong.stderr


@pytest.mark.usefixtures("no_model")
def test_another_scale_makes_the_cloud_again(ppd: Ppd, photo: Path) -> None:
    save("depth.png", 5000)
    options = ["pointcloud", photo, "--depth", "depth.png", "--fov", 60]
    assert ppd(*options, "--depth-scale", "tum").exit_code == 0
    result = ppd(*options, "--depth-scale", "mm")
    assert "depth-scale" in result.stderr and "1 made again" in result.stderr
    assert "1 skipped" in ppd(*options, "--depth-scale", "0.001").stderr


@pytest.mark.usefixtures("no_model")
@pytest.mark.parametrize("kind", [np.uint16, np.int32, np.uint8])
def test_whole_numbers_are_never_metres(ppd: Ppd, photo: Path, kind: type) -> None:
    np.save("depth.npy", (DEPTH * 40).astype(kind))
    result = cloud(ppd, photo, "--depth", "depth.npy")
    assert result.exit_code == 3
    assert f"depth.npy: holds whole numbers ({np.dtype(kind)})" in result.stderr
    assert "depth scale" in result.stderr


@pytest.mark.usefixtures("no_model")
@pytest.mark.parametrize(("factor", "said"), [(300, "beyond"), (0.001, "below")])
def test_what_is_implausible_is_told(ppd: Ppd, photo: Path, factor: float, said: str) -> None:
    np.save("depth.npy", (DEPTH * factor).astype(np.float32))
    result = cloud(ppd, photo, "--depth", "depth.npy")
    assert result.exit_code == 0
    assert f"depth.npy: half of its depths are {said}" in result.stderr
    assert "depth scale" in result.stderr


@pytest.mark.usefixtures("no_model")
def test_floating_point_numbers_have_no_steps(ppd: Ppd, photo: Path) -> None:
    np.save("depth.npy", DEPTH.astype(np.float32))
    result = cloud(ppd, photo, "--depth", "depth.npy", "--depth-scale", "mm")
    assert result.exit_code == 3
    assert "depth.npy: holds floating-point numbers, which are metres" in result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--depth-scale", "mm"], "--depth-scale needs --depth or --align"),
        (["--depth", "d.png", "--depth-scale", "cm"], "--depth-scale cm is no depth scale"),
        (["--depth", "d.png", "--depth-scale", "1000"], "1000 steps per metre are 1/1000"),
    ],
)
def test_mistakes(ppd: Ppd, photo: Path, options: list[str], said: str) -> None:
    save("d.png", 1000)
    result = cloud(ppd, photo, *options)
    assert result.exit_code == 2 and said in result.stderr
