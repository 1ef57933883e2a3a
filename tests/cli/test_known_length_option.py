"""``ppd pointcloud --known-length``: the scale by one length in the photo."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import Result

from ppdcli.files.open3d_import import import_open3d

HEIGHT, WIDTH = 96, 128
Cloud = Callable[..., Result]


def points(path: str = "ppd-out/photo.ply") -> np.ndarray:
    return np.asarray(import_open3d().io.read_point_cloud(path).points)


def depths(path: str = "ppd-out/photo.ply") -> np.ndarray:
    """Z of a cloud that has all pixels."""
    return points(path)[:, 2].reshape(HEIGHT, WIDTH)


def at(path: str, u: int, v: int) -> np.ndarray:
    """The point of a pixel of a cloud that has all of them."""
    return points(path)[v * WIDTH + u]


def test_a_known_length_sets_the_scale(cloud: Cloud) -> None:
    result = cloud("--fov", "70", "--known-length", "10,90,120,20,3.5", "--json")
    assert result.exit_code == 0, result.stderr
    path = "ppd-out/photo.ply"
    assert np.linalg.norm(at(path, 10, 90) - at(path, 120, 20)) == pytest.approx(3.5, rel=1e-3)
    assert json.loads(result.stdout)["unit"] == "m"
    assert "by a known length of 3.5 m; the farthest is assumed to be 10 times" in result.stderr
    assert depths().max() / depths().min() == pytest.approx(10, rel=1e-4)
    assert b"near-far" in Path(path).read_bytes()[:2000]


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--known-length", "1,2,3,4"], 2, "give U1,V1,U2,V2,METRES"),
        (["--known-length", "1,2,3,4,0"], 2, "a length above 0"),
        (["--known-length", "1,2,3,4,-2"], 2, "a length above 0"),
        (["--known-length", "1,2,3,4,nan"], 2, "a length above 0"),
        (["--known-length", "1,2,3,4,inf"], 2, "a length above 0"),
        (["--known-length", "1,2,3,nan,1"], 2, "give pixels"),
        (["--known-length", "1,inf,3,4,1"], 2, "give pixels"),
        (["--known-length", "1,2,three,4,1"], 2, "give U1,V1,U2,V2,METRES"),
        (["--known-length", "1,2,3,4,1", "--metric"], 2, "fixes the scale alone"),
        (["--known-length", "1,2,3,4,1", "other.png"], 2, "is of one image; 2 are given"),
        (["--known-length", "1,2,3,4,1", "--near-far", "1,2"], 2, "fixes the scale alone"),
        (["--known-length", "1,2,1,2,1"], 1, "the two points are the same"),
        (["--known-length", "1,2,1.4,2.2,1"], 1, "the two points are the same"),
        (["--known-length", "1,2,-3,2,1"], 1, "pixel -3,2 is outside the photo"),
        (["--known-length", "1,2,128,2,1"], 1, "pixel 128,2 is outside the photo"),
        (["--known-length", "1,2,500,2,1"], 1, "pixel 500,2 is outside the photo, which is 128x96"),
        (["--known-length", "1,2,100,90,1e15"], 1, "no scale puts the two points"),
    ],
)
def test_a_length_that_says_nothing(
    cloud: Cloud, options: list[str], code: int, message: str
) -> None:
    Image.new("RGB", (WIDTH, HEIGHT)).save("other.png")
    result = cloud("--fov", "70", *options)
    assert result.exit_code in (code, 3 if code == 1 else code)
    assert message in result.stderr


def test_a_pixel_without_depth_is_named(cloud: Cloud) -> None:
    with Image.open("photo.png") as opaque:
        photo = opaque.convert("RGBA")
    photo.paste((0, 0, 0, 0), (0, 0, 64, HEIGHT))
    photo.save("cut.png")
    result = cloud("--fov", "70", "--known-length", "20,40,100,40,2", photo="cut.png")
    assert result.exit_code == 3
    assert "cut.png: there is no depth at pixel 20,40; choose another point" in result.stderr
    assert not Path("ppd-out/cut.ply").exists()


def test_another_length_makes_the_cloud_again(
    ppd: Cloud, random_checkpoint: Path, cloud: Cloud
) -> None:
    fixed = ["-m", "ppd-tiny", "--checkpoint", random_checkpoint, "--device", "cpu"]
    for length, told in (("2", ""), ("2", "1 skipped"), ("3", "known-length")):
        known = ["--known-length", f"10,90,120,20,{length}", "--fov", "70"]
        assert told in ppd("pointcloud", "photo.png", *fixed, *known).stderr
