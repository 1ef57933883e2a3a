"""Known depths of some pixels: text rows, and maps with holes."""

from pathlib import Path

import cv2
import numpy as np
import OpenEXR
import pytest
from PIL import Image

from ppdcli.depth import DepthMap
from ppdcli.errors import InputError
from ppdcli.files import exr, npy, png
from ppdcli.files.choices import PngScale
from ppdcli.files.sparse_depth import SparseDepth, read_sparse_depth
from ppdcli.geometry.align import fit_sparse, relative_at

MAP = np.array([[1.5, 0, 3.25], [0, 2, 0]], np.float32)  # 3 x 2 pixels, 0 = hole


def text(folder: Path, content: str) -> Path:
    file = folder / "points.txt"
    file.write_text(content, encoding="utf-8")
    return file


def rows(sparse: SparseDepth) -> list[tuple[float, float, float]]:
    return list(zip(sparse.u.tolist(), sparse.v.tolist(), sparse.depth.tolist(), strict=True))


# Text ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        "0 0 1.5\n10.25 7 2\n",
        "0,0,1.5\n10.25,7,2",
        "u,v,depth\n0, 0, 1.5\n10.25, 7, 2\n",
        "\ufeffU V Depth_m\r\n0\t0\t1.5\r\n\r\n10.25\t7\t2\r\n",
        "# from the scanner\n0 0 1.5  # a corner\n\n  10.25 7 2e0\n",
        "col row depth\n0 0 1.5\n10.25 7 2",
    ],
)
def test_rows(tmp_path: Path, content: str) -> None:
    sparse = read_sparse_depth(text(tmp_path, content), 20, 10)
    assert rows(sparse) == [(0, 0, 1.5), (10.25, 7, 2)]
    assert sparse.source == "points.txt, 2 points" and sparse.notes == ()


def test_points_outside_and_without_depth(tmp_path: Path) -> None:
    # The image spans -0.5 to 19.5 and -0.5 to 9.5, since pixel centres are integers.
    content = "-0.5 -0.5 1\n19.49 9.49 2\n-0.51 3 4\n19.5 3 4\n3 9.5 4\n3 -0.6 4\n"
    content += "1 1 0\n1 1 -2\n1 1 nan\n1 1 inf\n30 1 nan\n"
    sparse = read_sparse_depth(text(tmp_path, content), 20, 10)
    assert rows(sparse) == [(-0.5, -0.5, 1), (19.49, 9.49, 2)]
    outside, without = sparse.notes
    assert "points.txt: 5 of 11 points lie outside the 20x10 photo" in outside
    assert "points.txt: 4 points without a depth above 0" in without


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ("0 0 1\n1 1\n", "line 2, '1 1', is not"),
        ("# a\n\n0 0 1 5 7\n", "line 3, '0 0 1 5 7', is not"),
        ("0 0 1\nu v depth\n", "line 2"),
        ("u v depth\nu v depth\n0 0 1\n", "line 2"),
        ("0 0 near\n", "line 1"),
        ("0,,1\n", "line 1"),
        ("nan 0 1\n", "line 1"),
        ("0 inf 1\n", "line 1"),
        ("x y z\n0 0 1\n", "line 1, 'x y z'"),  # points in space
        ("ply\nformat ascii 1.0\n", "line 1, 'ply'"),
        (f"0 0 1\n{'word ' * 50}\n", r"line 2, '[word ]{29}\.\.\.[word ]{28}'"),
        ("", "has no `u v depth` row"),
        ("# nothing\nu v depth\n", "has no `u v depth` row"),
        ("30 1 2\n25 1 2\n", "misses the image: none of its 2 points, u 25 to 30 and v 1 to 1"),
        ("1 1 0\n", "no point in the image has a depth above 0"),
        ("1 1 0\n30 1 5\n", "no point in the image has a depth above 0"),
    ],
)
def test_bad_text(tmp_path: Path, content: str, cause: str) -> None:
    with pytest.raises(InputError, match=cause) as caught:
        read_sparse_depth(text(tmp_path, content), 20, 10)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'points.txt'}: ")
    assert "\n" not in message and ";" in message


@pytest.mark.parametrize(
    "content",
    [b"LASF\0\0\1\4" + bytes(5000), b"0 0 1 # \xff\xfe\n"],
)
def test_what_is_neither_text_nor_a_map(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "scan.las").write_bytes(content)
    with pytest.raises(InputError, match=r"scan\.las: is neither text nor a depth map; give"):
        read_sparse_depth(tmp_path / "scan.las", 20, 10)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no\.txt: no such file"):
        read_sparse_depth(tmp_path / "no.txt", 20, 10)
    with pytest.raises(InputError, match="is a folder, not a file"):
        read_sparse_depth(tmp_path, 20, 10)


def test_millimetres_pasted_as_metres_are_noted(tmp_path: Path) -> None:
    sparse = read_sparse_depth(text(tmp_path, "1 1 900\n2 2 2300\n3 3 2\n"), 20, 10)
    assert rows(sparse) == [(1, 1, 900), (2, 2, 2300), (3, 3, 2)]
    (note,) = sparse.notes
    assert "points.txt" in note and "900 m" in note and "millimetres" in note
    assert read_sparse_depth(text(tmp_path, "1 1 400\n2 2 500\n3 3 900\n"), 20, 10).notes == ()


# Maps ----------------------------------------------------------------------------------------


def test_map_of_the_photos_size(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.where(MAP > 0, MAP, np.nan))
    sparse = read_sparse_depth(tmp_path / "a.npy", 3, 2)
    assert rows(sparse) == [(0, 0, 1.5), (2, 0, 3.25), (1, 1, 2)]
    assert sparse.source == "a.npy, 3x2 map with 3 depths" and sparse.notes == ()
    np.save(tmp_path / "zeros.npy", MAP.astype(np.float64))
    assert rows(read_sparse_depth(tmp_path / "zeros.npy", 3, 2)) == rows(sparse)


def test_pixel_centres_of_a_smaller_and_a_larger_map(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", MAP)
    # A pixel of the map is 4 x 4 pixels of the photo: 0..3 has its middle at 1.5.
    sparse = read_sparse_depth(tmp_path / "a.npy", 12, 8)
    assert rows(sparse) == [(1.5, 1.5, 1.5), (9.5, 1.5, 3.25), (5.5, 5.5, 2)]
    np.save(tmp_path / "large.npy", np.repeat(np.repeat(MAP, 2, 0), 2, 1))
    sparse = read_sparse_depth(tmp_path / "large.npy", 3, 2)
    assert rows(sparse)[:2] == [(-0.25, -0.25, 1.5), (0.25, -0.25, 1.5)]
    # Sides that were rounded differently have factors of their own.
    np.save(tmp_path / "snapped.npy", np.ones((656, 1184)))
    sparse = read_sparse_depth(tmp_path / "snapped.npy", 1920, 1080)
    assert sparse.u.max() == pytest.approx(1183.5 * 1920 / 1184 - 0.5)
    assert sparse.v.max() == pytest.approx(655.5 * 1080 / 656 - 0.5)


def test_maps_of_other_proportions(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((480, 640)))
    with pytest.raises(InputError, match=r"a\.npy: the depth map is 640x480 but .* is 1920x1080"):
        read_sparse_depth(tmp_path / "a.npy", 1920, 1080)


@pytest.mark.parametrize("writer", ["opencv", "pillow"])
def test_png_of_others_is_in_millimetres(tmp_path: Path, writer: str) -> None:
    file, pixels = tmp_path / "scan.png", (MAP * 1000).astype(np.uint16)
    if writer == "opencv":
        cv2.imwrite(str(file), pixels)
    else:
        Image.fromarray(pixels).save(file)
    sparse = read_sparse_depth(file, 3, 2)
    assert rows(sparse) == [(0, 0, 1.5), (2, 0, 3.25), (1, 1, 2)]
    assert sparse.notes == (f"{file}: does not state its unit; read as millimetres",)


@pytest.mark.parametrize("scale", ["mm", "kitti", "tum", "normalized"])
def test_our_png_states_its_scale(tmp_path: Path, scale: PngScale) -> None:
    values = np.where(MAP > 0, MAP, np.nan)
    png.write(tmp_path / "a.png", DepthMap(values, "metric"), scale)
    sparse = read_sparse_depth(tmp_path / "a.png", 3, 2)
    assert sparse.depth == pytest.approx([1.5, 3.25, 2], abs=1e-4) and sparse.notes == ()


def test_exr_by_openexr(tmp_path: Path) -> None:
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    values = np.where(MAP > 0, MAP, np.float32(np.inf))
    OpenEXR.File(header, {"Z": values}).write(str(tmp_path / "a.exr"))
    sparse = read_sparse_depth(tmp_path / "a.exr", 3, 2)
    assert rows(sparse) == [(0, 0, 1.5), (2, 0, 3.25), (1, 1, 2)]


def test_relative_depth_fixes_no_scale(tmp_path: Path) -> None:
    depth_map = DepthMap(MAP, "relative")
    png.write(tmp_path / "a.png", depth_map, "normalized")
    exr.write(tmp_path / "a.exr", depth_map)
    for name in ("a.png", "a.exr"):
        with pytest.raises(InputError, match=rf"{name}: holds relative depth"):
            read_sparse_depth(tmp_path / name, 3, 2)


def test_maps_that_cannot_be_used(tmp_path: Path) -> None:
    np.save(tmp_path / "empty.npy", np.zeros((2, 3)))
    with pytest.raises(InputError, match=r"empty\.npy: holds no depth"):
        read_sparse_depth(tmp_path / "empty.npy", 3, 2)
    np.save(tmp_path / "list.npy", np.ones((5, 3)).ravel())
    with pytest.raises(InputError, match=r"list\.npy: holds float64 of shape \(15,\)"):
        read_sparse_depth(tmp_path / "list.npy", 3, 2)
    Image.new("L", (3, 2), 9).save(tmp_path / "grey.png")
    with pytest.raises(InputError, match=r"grey\.png: is no 16-bit"):
        read_sparse_depth(tmp_path / "grey.png", 3, 2)
    (tmp_path / "cut.exr").write_bytes(b"\x76\x2f\x31\x01cut")
    with pytest.raises(InputError, match=r"cut\.exr: cannot be read"):
        read_sparse_depth(tmp_path / "cut.exr", 3, 2)


def test_whole_numbers_in_an_npy_need_a_scale(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", (MAP * 1000).astype(np.uint16))
    with pytest.raises(InputError, match=r"a\.npy: holds whole numbers .* give a depth scale"):
        read_sparse_depth(tmp_path / "a.npy", 3, 2)
    assert read_sparse_depth(tmp_path / "a.npy", 3, 2, 0.001).notes == ()


def test_millimetres_taken_for_metres_are_noted(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", (MAP * 1000).astype(np.float32))
    notes = read_sparse_depth(tmp_path / "a.npy", 3, 2).notes
    assert all("a.npy" in note for note in notes)
    assert "depth scale" in notes[0] and "millimetres" in notes[1]


# From the file to metres ---------------------------------------------------------------------


def test_a_depth_camera_brings_a_relative_map_to_metres(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:48, 0:64]
    relative = (0.5 + 0.4 * np.sin(x / 9) * np.cos(y / 11)).astype(np.float32)
    metres = np.expm1(1.4 * relative + 0.5)
    # A camera of half the photo's size, with holes, wrong by anything at a quarter of its pixels.
    seen = metres[::2, ::2].copy()
    wrong = rng.random(seen.shape) < 0.25
    seen[wrong] = rng.uniform(0.3, 9, wrong.sum())
    seen[rng.random(seen.shape) < 0.5] = np.nan
    npy.write(tmp_path / "camera.npy", DepthMap(seen, "metric"))
    sparse = read_sparse_depth(tmp_path / "camera.npy", 64, 48)
    line = fit_sparse(relative_at(relative, sparse.u, sparse.v, 64, 48), sparse.depth)
    np.testing.assert_allclose(line.apply(relative), metres, rtol=0.05)
    assert line.points == np.isfinite(seen).sum() and line.inliers > 0.7 * line.points
