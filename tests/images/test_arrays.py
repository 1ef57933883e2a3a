"""What the numbers of a picture in memory mean."""

from __future__ import annotations

import numpy as np
import pytest

import ppdcli
from ppdcli.errors import UsageError
from ppdcli.images.arrays import as_rgb

RGB = np.random.default_rng(0).integers(0, 256, (300, 5, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    "pixels",
    [
        RGB,
        RGB.astype(np.uint16) * 257,
        RGB.astype(">u2") * 257,
        RGB.astype(np.float32) / 255,
        RGB.astype(np.float64) / 255,
        (RGB / 255).astype(np.float16),
        np.asfortranarray(RGB),
    ],
    ids=lambda pixels: str(pixels.dtype),
)
def test_every_type_is_the_same_picture(pixels: np.ndarray) -> None:
    np.testing.assert_array_equal(as_rgb(pixels), RGB)
    photo = ppdcli.Photo(pixels, "x")
    assert photo.rgb.dtype == np.uint8
    np.testing.assert_array_equal(photo.rgb, RGB)


@pytest.mark.parametrize("shape", [(300, 5), (300, 5, 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_grey(shape: tuple[int, ...], dtype: type) -> None:
    most = {np.uint8: 1, np.uint16: 257, np.float32: 1 / 255}[dtype]
    grey = (RGB[..., 0].astype(float) * most + 1e-9).astype(dtype).reshape(shape)
    np.testing.assert_array_equal(as_rgb(grey), np.repeat(RGB[..., :1], 3, axis=2))


def test_8_bit_rgb_is_not_copied() -> None:
    assert ppdcli.Photo(RGB, "x").rgb is RGB


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (RGB.astype(np.float32), "floating-point pixels must lie in 0..1, but these go from 0 to"),
        (RGB / 255 - 0.1, "must lie in 0..1, but these go from -0.1"),
        (np.full((4, 4, 3), np.nan), "some of its pixels are NaN"),
        (RGB.astype(np.int64), "int64 pixels have no agreed brightness; give uint8"),
        (RGB > 9, "bool pixels"),
        (np.dstack([RGB, RGB[..., 0]]), r"shape \(300, 5, 4\) has alpha; give RGB without"),
        (RGB[0, 0], r"shape \(3,\) is no picture; give \(H, W, 3\)"),
        (RGB.transpose(2, 0, 1), "is no picture"),
        (RGB[:0], r"shape \(0, 5, 3\) has no pixel"),
        ([[1, 2], [3, 4]], "a list is no picture"),
    ],
)
def test_what_is_no_picture(pixels: object, said: str) -> None:
    with pytest.raises(UsageError, match=rf"^x: .*{said}"):
        ppdcli.Photo(pixels, "x")


def test_a_mask_is_of_the_photos_size() -> None:
    with pytest.raises(UsageError, match=r"the mask .* is \(3, 4\), but the photo is \(300, 5\)"):
        ppdcli.Photo(RGB, "x", opaque=np.ones((3, 4), bool))


def test_a_clouds_photo_follows_the_same_rule() -> None:
    depth = ppdcli.DepthMap(np.full((30, 5), 2, np.float32), "metric")
    camera = ppdcli.Camera.from_fov(60, 5, 30)
    colours = depth.to_pointcloud(RGB[:30] / 255, camera, edge_clean=False).colors
    np.testing.assert_array_equal(colours, RGB[:30].reshape(-1, 3))
    with pytest.raises(UsageError, match="must lie in"):
        depth.to_pointcloud(RGB[:30].astype(float), camera)
