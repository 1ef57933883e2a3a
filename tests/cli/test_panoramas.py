"""A panorama gets no pinhole cloud, and a note beside its depth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import Result

Ppd = Callable[..., Result]
XMP = b'<rdf:Description GPano:ProjectionType="%s"/>'


def photo(size: tuple[int, int], projection: bytes | None = None, focal: int | None = None) -> None:
    exif = Image.Exif()
    if focal is not None:
        exif.get_ifd(0x8769)[0xA405] = focal
    options = {} if projection is None else {"xmp": XMP % projection}
    shades = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3)).astype(np.uint8)
    Image.fromarray(shades).save("p.jpg", exif=exif.tobytes(), **options)


@pytest.mark.parametrize("projection", [b"equirectangular", b"cylindrical"])
@pytest.mark.parametrize("camera", [(), ("--fov", 60)])
def test_a_panorama_that_says_so(
    ppd: Ppd, tiny: list[str], projection: bytes, camera: tuple[object, ...]
) -> None:
    photo((96, 64), projection, 26)
    result = ppd("pointcloud", "p.jpg", *tiny, "--near-far", "1,4", *camera)
    assert result.exit_code == 3 and not Path("ppd-out/p.ply").exists()
    assert f"failed: p.jpg: is a{'n' * (projection[0] == 101)} {projection.decode()} panorama" in (
        result.stderr
    )
    assert ("v360=e:flat" in result.stderr) == (projection == b"equirectangular")
    result = ppd("predict", "p.jpg", *tiny)
    assert result.exit_code == 0
    assert f"{projection.decode()} panorama, by its XMP: the models know" in result.stderr


@pytest.mark.parametrize("size", [(512, 256), (640, 150), (150, 640)])
def test_what_looks_like_one(ppd: Ppd, tiny: list[str], size: tuple[int, int]) -> None:
    photo(size)
    near_far = ["--near-far", "1,4"]
    result = ppd("pointcloud", "p.jpg", *tiny, *near_far)
    assert result.exit_code == 3 and "give --fov or --intrinsics" in result.stderr
    assert ppd("pointcloud", "p.jpg", *tiny, *near_far, "--fov", 60).exit_code == 0
    assert "if it is one: the models know pinhole photos" in ppd("predict", "p.jpg", *tiny).stderr


def test_what_does_not(ppd: Ppd, tiny: list[str]) -> None:
    for size, focal in (((512, 256), 26), ((124, 62), None), ((600, 200), None)):
        photo(size, None, focal)
        result = ppd("pointcloud", "p.jpg", *tiny, "--near-far", "1,4", "--overwrite")
        assert result.exit_code == 0, result.stderr
        assert "panorama" not in ppd("predict", "p.jpg", *tiny, "--overwrite").stderr
