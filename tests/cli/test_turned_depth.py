"""``ppd pointcloud --depth`` for photos that EXIF or a HEIC's container turns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pillow_heif import register_heif_opener
from typer.testing import Result

from ppdcli.files.open3d_import import import_open3d

HEIGHT, WIDTH = 48, 64
STORED = np.broadcast_to(1 + np.arange(WIDTH) * 0.01, (HEIGHT, WIDTH)).astype(np.float32)
PIXELS = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)

register_heif_opener()


def photo(name: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(PIXELS).save(name, exif=exif.tobytes())


def depths(shape: tuple[int, int]) -> np.ndarray:
    cloud = import_open3d().io.read_point_cloud("ppd-out/photo.ply")
    return np.asarray(cloud.points)[:, 2].reshape(shape)


@pytest.mark.parametrize("suffix", ["jpg", "heic"])
def test_a_sensors_map_is_turned_with_its_photo(ppd: Callable[..., Result], suffix: str) -> None:
    photo(f"photo.{suffix}", 6)
    np.save("lidar.npy", STORED)
    result = ppd("pointcloud", f"photo.{suffix}", "--depth", "lidar.npy", "--fov", 60)
    assert result.exit_code == 0, result.stderr
    assert "lidar.npy: is taken for one of the stored image" in result.stderr
    np.testing.assert_allclose(depths((WIDTH, HEIGHT)), np.rot90(STORED, -1), rtol=1e-6)


def test_a_map_that_ppd_wrote_is_not_turned(ppd: Callable[..., Result], tiny: list[str]) -> None:
    """Wherever it is, and in every format; once another program has written it, it counts as one
    of the stored image."""
    photo("photo.jpg", 3)
    assert ppd("predict", "photo.jpg", *tiny, "-f", "npy").exit_code == 0
    made = Path("ppd-out/photo_depth.npy")
    made.rename("ours.npy")
    np.save("copy.npy", np.load("ours.npy"))
    options = ["--near-far", "1,4", "--fov", 60, "--no-edge-clean", "--overwrite"]
    result = ppd("pointcloud", "photo.jpg", "--depth", "ours.npy", *options)
    assert result.exit_code == 0 and "stored image" not in result.stderr
    ours = depths((HEIGHT, WIDTH))
    result = ppd("pointcloud", "photo.jpg", "--depth", "copy.npy", *options)
    assert "copy.npy: is taken for one of the stored image" in result.stderr
    np.testing.assert_allclose(depths((HEIGHT, WIDTH)), ours[::-1, ::-1], rtol=1e-5)
