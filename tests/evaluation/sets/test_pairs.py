"""Photos and depth files matched by name."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from ppdcli.errors import InputError
from ppdcli.evaluation.sets.pairs import Pair, find_pairs


def put(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


@pytest.mark.parametrize(
    ("photo", "depth", "part"),
    [
        ("002_rgb.jpg", "002_depth.png", "."),
        ("kinect/002_rgb.jpg", "kinect/002_depth.png", "kinect"),
        ("photo.jpg", "photo_depth.png", "."),
        ("photo.jpg", "photo.depth.png", "."),
        ("photo.JPG", "photo-depth.PNG", "."),
        ("photo.heic", "photo_Depth.exr", "."),
        ("photo.png", "photo.npy", "."),
        ("photo.png", "photo.exr", "."),
        ("frame-000000.color.jpg", "frame-000000.depth.png", "."),
        ("rgb_7.png", "depth_7.png", "."),
        ("image_7.png", "image_7_depth.png", "."),
        ("scene/rgb.png", "scene/depth.png", "scene"),
        ("scene/image.jpg", "scene/image_depth.png", "scene"),
        ("rgb/0001.jpg", "depth/0001.png", "."),
        ("a/rgb/0001.jpg", "a/depth/0001.png", "a"),
        ("a/b/image/1.jpg", "a/b/depth/1.npy", "a"),
        ("images/a/1.jpg", "depths/a/1.png", "a"),
        ("color/1_color.png", "depth/1_depth.png", "."),
        ("a/1.jpg", "a/depth/1.png", "a"),
        ("images/1.jpg", "images/1_depth.png", "."),
        ("mit Leerzeichen/ä b.jpg", "mit Leerzeichen/ä b_depth.png", "mit Leerzeichen"),
    ],
)
def test_each_rule(tmp_path: Path, photo: str, depth: str, part: str) -> None:
    found = find_pairs(put(tmp_path, photo, depth, "notes.txt"))
    assert found.pairs == (Pair(PurePosixPath(photo), PurePosixPath(depth)),)
    assert found.pairs[0].part == part
    assert not found.left_out


@pytest.mark.parametrize(
    ("photo", "depth"),
    [
        ("photo.jpg", "photo.png"),
        ("photo.jpg", "photo_depth.jpg"),
        ("photo.jpg", "photo_depth.tif"),
        ("photo.jpg", "photos_depth.png"),
        ("photo.jpg", "a/photo_depth.png"),
        ("a/rgb/1.jpg", "b/depth/1.png"),
        (".photo.jpg", "photo_depth.png"),
        (".hidden/photo.jpg", ".hidden/photo_depth.png"),
        ("depth.jpg", "depth.png"),
    ],
)
def test_no_pair(tmp_path: Path, photo: str, depth: str) -> None:
    message = "has no photo with a depth file; looked for NAME.jpg with NAME_depth.png or"
    with pytest.raises(InputError, match=message) as caught:
        find_pairs(put(tmp_path, photo, depth))
    assert str(caught.value).startswith(f"{tmp_path}: ") and "\n" not in str(caught.value)


def test_what_is_in_no_pair_is_named(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "a_depth.png", "b.jpg", "c_depth.png")
    put(tmp_path, "d.jpg", "d_depth.png", "d.exr", "e.jpg", "e_rgb.jpg", "e_depth.png")
    found = find_pairs(tmp_path)
    assert [pair.photo.name for pair in found.pairs] == ["a.jpg"]
    assert found.left_out == {
        "photo without a depth file": ("b.jpg",),
        "depth file without a photo": ("c_depth.png",),
        "photo with more than one partner": ("d.jpg", "e.jpg", "e_rgb.jpg"),
    }


def test_the_closest_name_wins(tmp_path: Path) -> None:
    """A prediction beside ``002_rgb.jpg`` is called ``002_rgb_depth.png``."""
    found = find_pairs(put(tmp_path, "002_rgb.jpg", "002_depth.png", "002_rgb_depth.png"))
    assert [pair.depth.name for pair in found.pairs] == ["002_depth.png"]


def test_pairs_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    names = ["b/1", "a/2", "a/1", "0"]
    put(tmp_path, *(f"{name}{end}" for name in names for end in (".jpg", "_depth.png")))
    photos = [pair.photo.as_posix() for pair in find_pairs(tmp_path).pairs]
    assert photos == ["0.jpg", "a/1.jpg", "a/2.jpg", "b/1.jpg"]


def test_results_and_what_a_model_has_made_are_not_searched(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "a_depth.png", "a_depth.npy", "out/b.jpg", "out/b_depth.png")
    made = {tmp_path / "a_depth.npy"}
    found = find_pairs(tmp_path, tmp_path / "out", lambda folder: made)
    assert [pair.depth.name for pair in found.pairs] == ["a_depth.png"] and not found.left_out


def test_links_to_folders_are_passed_over(tmp_path: Path) -> None:
    put(tmp_path, "a/1.jpg", "a/1_depth.png")
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    assert len(find_pairs(tmp_path).pairs) == 1
