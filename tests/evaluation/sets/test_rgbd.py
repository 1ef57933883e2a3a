"""Measured depth of any sensor: formats, scales, sizes, lists, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from set_writers import gradient, save_photo, save_steps

from ppdcli.depth import DepthMap
from ppdcli.errors import InputError, UsageError
from ppdcli.evaluation.frames import Frame
from ppdcli.evaluation.sets.rgbd import open_rgbd, read

STEPS = np.full((30, 40), 2000)
STEPS[0] = 0
STEPS[1] = 50  # nearer than 0.1 m in millimetres
METRES = np.where(STEPS > 0, STEPS / 1000, np.nan)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    save_photo(tmp_path / "a.jpg", gradient(60, 80))
    return tmp_path


def frame(root: Path, scale: float | None = None) -> Frame:
    (entry,) = open_rgbd(root, None, scale).entries
    return entry.load()


def save(path: Path, values: np.ndarray, **provenance: str) -> None:
    DepthMap(values.astype(np.float32), "metric", provenance=provenance).save(path)


@pytest.mark.parametrize("kind", ["png", "npy integers", "npy", "npy64", "exr", "own png"])
def test_every_format_gives_the_same_metres(root: Path, kind: str) -> None:
    scale = None
    match kind:
        case "png":
            save_steps(root / "a_depth.png", STEPS)
            scale = 0.001
        case "npy integers":
            np.save(root / "a_depth.npy", STEPS.astype(np.int32))
            scale = 0.001
        case "npy":
            np.save(root / "a_depth.npy", METRES.astype(np.float32))
        case "npy64":
            np.save(root / "a_depth.npy", np.where(np.isnan(METRES), -np.inf, METRES))
        case "exr":
            save(root / "a_depth.exr", METRES)
        case "own png":
            save(root / "a_depth.png", METRES)
    found = frame(root, scale)
    assert found.photo.rgb.shape == (60, 80, 3) and found.depth.shape == (30, 40)
    assert not found.valid[:2].any() and found.valid[2:].all()
    assert found.depth[found.valid] == pytest.approx(2, abs=1e-6)
    assert found.camera is None


def test_floats_are_metres_whatever_scale_is_stated_for_whole_numbers(root: Path) -> None:
    np.save(root / "a_depth.npy", METRES)
    assert frame(root, 0.001).depth[5, 5] == pytest.approx(2)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.int64])
def test_whole_numbers_are_never_metres(root: Path, dtype: type) -> None:
    np.save(root / "a_depth.npy", np.full((30, 40), 3, dtype))
    with pytest.raises(InputError, match=r"a_depth\.npy: holds whole numbers .*--depth-scale"):
        open_rgbd(root, None, None)


def test_a_png_needs_a_scale_before_anything_is_scored(root: Path) -> None:
    save_photo(root / "0.jpg", gradient(60, 80))
    (root / "0_depth.png").write_bytes(b"\x89PNG\r\n\x1a\n damaged")
    save_steps(root / "a_depth.png", STEPS)
    with pytest.raises(InputError, match=r"a_depth\.png: holds whole numbers .*--depth-scale"):
        open_rgbd(root, None, None)


@pytest.mark.parametrize("shape", [(60, 80), (30, 40), (59, 80), (61, 80), (480, 640)])
def test_depth_of_any_size_and_of_the_photos_aspect(root: Path, shape: tuple[int, int]) -> None:
    np.save(root / "a_depth.npy", np.ones(shape))
    assert frame(root).depth.shape == shape


@pytest.mark.parametrize(
    ("shape", "way_on"),
    [((58, 80), "give depth of the whole"), ((62, 80), "give depth"), ((80, 60), "turn it as")],
)
def test_another_aspect_fails(root: Path, shape: tuple[int, int], way_on: str) -> None:
    np.save(root / "a_depth.npy", np.ones(shape))
    with pytest.raises(InputError, match=f"photo .* is 80x60, of another aspect; {way_on}"):
        frame(root)


@pytest.mark.parametrize("orientation", [3, 6])
def test_depth_of_the_stored_image_is_turned_with_its_photo(root: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(gradient(60, 80)).save(root / "a.jpg", exif=exif.tobytes())
    stored = (2 + np.arange(1200).reshape(30, 40) / 1000).astype(np.float32)
    np.save(root / "a_depth.npy", stored)
    expected = np.rot90(stored, 2 if orientation == 3 else -1)
    np.testing.assert_array_equal(frame(root).depth, expected)
    if orientation == 3:
        save(root / "a_depth.npy", stored)  # ours
        np.testing.assert_array_equal(frame(root).depth, stored)


def test_what_is_no_measured_depth_fails(root: Path) -> None:
    path = root / "a_depth.png"
    DepthMap(np.ones((30, 40), np.float32), "relative").save(path)
    with pytest.raises(InputError, match=r"a_depth\.png: holds relative depth"):
        frame(root)
    save(path, METRES, model="ppd-tiny")
    with pytest.raises(InputError, match="is a prediction of ppd-tiny; the truth must be measured"):
        frame(root)
    save_photo(path, gradient(30, 40))
    with pytest.raises(InputError, match="is no 16-bit grey PNG"):
        frame(root, 0.001)
    path.write_bytes(b"\x89PNG\r\n\x1a\n damaged")
    with pytest.raises(InputError, match=r"a_depth\.png: "):
        frame(root, 0.001)
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match="is not a depth file"):
        frame(root, 0.001)


def test_an_empty_map_is_read_and_has_no_valid_pixel(root: Path) -> None:
    save_steps(root / "a_depth.png", np.zeros((30, 40)))
    assert not frame(root, 0.001).valid.any()


def test_a_list_gives_each_pair_its_scale(root: Path) -> None:
    (root / "sub").mkdir()
    for name in ("b.jpg", "sub/c d.jpg"):
        save_photo(root / name, gradient(60, 80))
    save_steps(root / "x.png", np.full((30, 40), 512))
    lines = ("# photo depth", "", "a.jpg x.png 1/256", "b.jpg x.png", "sub/c d.jpg\tx.png\ttum")
    list_file = root / "list.txt"
    list_file.write_text("\n".join(lines))
    found = open_rgbd(root, list_file, 0.001).entries
    assert [entry.name for entry in found] == ["a.jpg", "b.jpg", "sub/c d.jpg"]
    assert [entry.part for entry in found] == [".", ".", "sub"]
    depths = [float(entry.load().depth[0, 0]) for entry in found]
    assert depths == pytest.approx([2, 0.512, 0.1024])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lists no pair; give lines `photo depth"),
        ("# a.jpg a.png\n", "lists no pair"),
        ("a.jpg\n", "line 1 has 1 field instead of 2 or 3; give `photo depth"),
        ("a.jpg a.png 0.001 7\n", "line 1 has 4 fields instead of 2 or 3"),
        ("a.jpg a.png\nb.jpg b.png 1,5\n", "line 2: 1,5 is no depth scale; give mm"),
        ("a.jpg a.png 1000\n", "line 1: 1000 is more than a metre per step"),
        ("a.jpg a.png 1\na.jpg b.png 1\n", "line 2 repeats the photo a.jpg"),
        ("/a.jpg a.png 1\n", "line 1: /a.jpg is not below"),
        ("a.jpg ../a.png 1\n", r"line 1: \.\./a.png is not below"),
        (b"\xff\xfe\x00", "is not a text file"),
    ],
)
def test_a_bad_list_is_refused_by_line(root: Path, text: str | bytes, message: str) -> None:
    list_file = root / "list.txt"
    list_file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=f"^{list_file}: {message}") as caught:
        open_rgbd(root, list_file, None)
    assert "\n" not in str(caught.value)


def test_a_scale_of_floats_is_a_contradiction(root: Path) -> None:
    for name, write in (("a.npy", np.save), ("a.exr", save)):
        write(root / name, METRES)
        with pytest.raises(
            InputError, match=f"{name}: holds floating-point .* leave out the depth scale"
        ):
            read(root / "a.jpg", root / name, 0.001)
        assert read(root / "a.jpg", root / name, 1.0).valid.any()


def test_files_that_are_missing_fail_alone(root: Path) -> None:
    save_steps(root / "a.png", STEPS)
    list_file = root / "list.txt"
    list_file.write_text("none.jpg a.png mm\na.jpg none.png mm\na.jpg.jpg/x.jpg a.png mm\n")
    for entry in open_rgbd(root, list_file, None).entries:
        with pytest.raises(InputError):
            entry.load()


def test_a_stamp_tells_a_change_of_photo_depth_and_scale(root: Path) -> None:
    def stamp(scale: float) -> str:
        (entry,) = open_rgbd(root, None, scale).entries
        return entry.stamp

    save_steps(root / "a_depth.png", STEPS)
    first = stamp(0.001)
    assert stamp(0.001) == first != stamp(0.002)
    save_steps(root / "a_depth.png", STEPS + 1)
    second = stamp(0.001)
    assert second != first
    save_photo(root / "a.jpg", gradient(120, 160))
    assert stamp(0.001) != second


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        open_rgbd(tmp_path / "none", None, None)


@pytest.mark.parametrize("name", ["d.npz", "a_depth.npy"])  # also under a name that is not its own
def test_an_archive_is_read_as_an_array_is(root: Path, name: str) -> None:
    with (root / name).open("wb") as file:
        np.savez(file, depth=STEPS.astype(np.uint16))
    (root / "list.txt").write_text(f"a.jpg {name} mm\n")
    (entry,) = open_rgbd(root, root / "list.txt", None).entries
    np.testing.assert_allclose(entry.load().depth, METRES, rtol=1e-6)
    (root / "list.txt").write_text(f"a.jpg {name}\n")
    with pytest.raises(InputError, match="holds whole numbers"):
        open_rgbd(root, root / "list.txt", None)
