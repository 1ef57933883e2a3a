"""Depth files of other tools, found by the photo's name and read for what they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from ppdcli.depth import DepthMap
from ppdcli.errors import InputError, UsageError
from ppdcli.evaluation.frames import Crop, Frame
from ppdcli.evaluation.prediction_files import of_folder
from ppdcli.evaluation.protocols import Kind
from ppdcli.files import exr, png
from ppdcli.photo import Photo

DEPTH = np.arange(1, 13, dtype=np.float32).reshape(3, 4)
FRAME = Frame(Photo(np.zeros((3, 4, 3), np.uint8), "x"), DEPTH, DEPTH > 0)


def save_npy(path: Path) -> None:
    np.save(path, DEPTH)


def save_npz(path: Path) -> None:
    np.savez(path, depth=DEPTH[None], other=np.zeros(3))


def save_exr(path: Path) -> None:
    exr.write(path, DepthMap(DEPTH, "metric"))


def save_png(path: Path) -> None:
    cv2.imwrite(str(path), (DEPTH * 256).astype(np.uint16))


@pytest.mark.parametrize("save", [save_npy, save_npz, save_exr, save_png])
@pytest.mark.parametrize("tail", ["", "_depth"])
def test_each_format_is_found_beside_the_photos_name(
    tmp_path: Path, save: Callable[[Path], None], tail: str
) -> None:
    suffix = "." + save.__name__.removeprefix("save_")
    (tmp_path / "sub").mkdir()
    save(tmp_path / "sub" / f"photo.x{tail}{suffix}")
    candidate = of_folder("other", tmp_path, "depth", "kitti")
    np.testing.assert_allclose(candidate.predict("sub/photo.x.jpg", FRAME), DEPTH, rtol=1e-6)


def test_a_png_must_say_its_scale(tmp_path: Path) -> None:
    save_png(tmp_path / "photo.png")
    with pytest.raises(InputError, match=r"photo\.png: .*name its scale"):
        of_folder("other", tmp_path, "depth").predict("photo.jpg", FRAME)


def test_our_own_relative_png_is_log_depth_whatever_the_folders_kind(tmp_path: Path) -> None:
    png.write(tmp_path / "photo_depth.png", DepthMap(DEPTH, "relative"), "normalized")
    found = of_folder("ours", tmp_path, "ppd").predict("photo.jpg", FRAME)
    np.testing.assert_allclose(found, DEPTH, atol=1e-3)
    with pytest.raises(InputError, match="--kind ppd"):
        of_folder("ours", tmp_path, "depth").predict("photo.jpg", FRAME)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sub/photo: no \.npy.* predict sub/photo\.jpg too"):
        of_folder("other", tmp_path, "depth").predict("sub/photo.jpg", FRAME)
    with pytest.raises(UsageError, match="no such folder"):
        of_folder("other", tmp_path / "none", "depth")


def test_a_turned_or_cut_map_is_refused(tmp_path: Path) -> None:
    depth = np.ones((300, 400), np.float32)
    frame = Frame(Photo(np.zeros((300, 400, 3), np.uint8), "x"), depth, depth > 0)
    candidate = of_folder("other", tmp_path, "depth")
    for name, values in (("turned", depth.T), ("cut", depth[:200])):
        np.save(tmp_path / f"{name}.npy", values)
        with pytest.raises(InputError, match=rf"{name}\.npy: .*of other proportions"):
            candidate.predict(f"{name}.jpg", frame)


def test_a_file_that_changes_has_another_stamp(tmp_path: Path) -> None:
    candidate = of_folder("other", tmp_path, "depth")
    stamps = [candidate.stamp("photo.jpg")]
    for count in (3, 4):
        np.save(tmp_path / "photo.npy", np.ones((3, count)))
        stamps.append(candidate.stamp("photo.jpg"))
    assert stamps[0] == "" and len(set(stamps)) == 3


def test_a_folder_named_like_a_file_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "photo.npy").mkdir()
    save_npz(tmp_path / "photo.npz")
    found = of_folder("other", tmp_path, "depth").predict("photo.jpg", FRAME)
    np.testing.assert_array_equal(found, DEPTH)


@pytest.mark.parametrize("arrays", [{"a": DEPTH, "b": DEPTH}, {"depth": np.zeros((2, 3, 4))}])
def test_an_npz_of_something_else_is_refused(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    np.savez(tmp_path / "photo.npz", allow_pickle=False, **arrays)
    with pytest.raises(InputError, match=r"photo\.npz: holds"):
        of_folder("other", tmp_path, "depth").predict("photo.jpg", FRAME)


def test_a_damaged_or_pickled_npz_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK\3\4 not really")
    np.savez(tmp_path / "b.npz", np.array([{}], dtype=object))
    for name in ("a", "b"):
        with pytest.raises(InputError, match=rf"{name}\.npz: cannot be read"):
            of_folder("other", tmp_path, "depth").predict(f"{name}.jpg", FRAME)


@pytest.mark.parametrize("scale", [1, 2])
def test_a_map_of_the_whole_photo_is_cropped_as_the_photo_was(tmp_path: Path, scale: int) -> None:
    whole = np.arange(48, dtype=np.float32).reshape(6, 8)
    np.save(tmp_path / "photo.npy", np.kron(whole, np.ones((scale, scale))))
    frame = Frame(FRAME.photo, DEPTH, FRAME.valid, crop=Crop(6, 8, 2, 3, 3, 4))
    found = of_folder("other", tmp_path, "depth").predict("photo.jpg", frame)
    np.testing.assert_array_equal(found, whole[2:5, 3:7])


def test_a_map_of_the_part_is_taken_as_it_is(tmp_path: Path) -> None:
    np.save(tmp_path / "photo.npy", DEPTH)
    frame = Frame(FRAME.photo, DEPTH, FRAME.valid, crop=Crop(6, 8, 2, 3, 3, 4))
    found = of_folder("other", tmp_path, "depth").predict("photo.jpg", frame)
    np.testing.assert_array_equal(found, DEPTH)


@pytest.mark.parametrize("kind", ["depth", "disparity"])
def test_rows_of_another_kind_or_folder_are_not_mixed(tmp_path: Path, kind: Kind) -> None:
    assert of_folder("other", tmp_path, kind).identity == {"kind": kind, "folder": str(tmp_path)}
