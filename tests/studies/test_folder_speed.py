"""The measurement of a folder job measures what it says."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest
from PIL import Image

from studies import folder_speed

ARGUMENTS = {"memory": 2, "model": "ppd-tiny", "device": "cpu", "batch": None, "model_size": False}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos")
    folder_speed.write_photos(path, 7, [0.01])
    return path


def test_the_photos_are_mixed(folder: Path) -> None:
    sizes = []
    for path in sorted(folder.iterdir()):
        with Image.open(path) as image:
            sizes.append(image.size)
    assert len(sizes) == 7
    assert len(set(sizes)) == len(folder_speed.SHAPES)
    assert all(0.009e6 < width * height < 0.011e6 for width, height in sizes)


def test_the_sizes_are_mixed_too(tmp_path: Path) -> None:
    folder_speed.write_photos(tmp_path, 26, [0.01, 0.04])
    files = sorted(tmp_path.iterdir())
    shapes = []
    for path in files:
        with Image.open(path) as image:
            shapes.append(image.size)
    areas = [width * height for width, height in shapes]
    assert all(0.009e6 < area < 0.011e6 for area in areas[::2])
    assert all(0.036e6 < area < 0.044e6 for area in areas[1::2])
    assert len(set(shapes)) == 2 * len(folder_speed.SHAPES)
    assert files[0].stat().st_size > 2000, "grain, as photos have"


@pytest.mark.slow
def test_both_ways_are_measured(folder: Path) -> None:
    photos, seconds, cpu = folder_speed.network(folder, Namespace(**ARGUMENTS))
    assert photos == 2
    assert seconds > 0 and cpu > 0
    formats = [("npy", "npy"), ("png", "png")]
    photos, seconds, cpu = folder_speed.job(folder, Namespace(**ARGUMENTS, formats=formats))
    assert photos == 7
    assert seconds > 0 and cpu > 0


@pytest.mark.slow
def test_a_photo_that_fails_is_no_measurement(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "00003.jpg").write_bytes(b"no photo")
    with pytest.raises(SystemExit, match="not every photo was done"):
        folder_speed.job(tmp_path, Namespace(**ARGUMENTS, formats=[("npy", "npy")]))
