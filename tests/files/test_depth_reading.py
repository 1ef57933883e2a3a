"""Reading depth files back, whatever their names; files of others by their own libraries."""

from pathlib import Path

import cv2
import numpy as np
import OpenEXR
import pytest
from PIL import Image

from ppdcli.depth import DepthMap
from ppdcli.depth_data import Kind
from ppdcli.errors import InputError
from ppdcli.files import exr, npy, png
from ppdcli.files.choices import PngScale
from ppdcli.files.depth_files import format_of, read_depth, require_view

PROVENANCE = {"model": "ppd-tiny", "seed": "7", "steps": "4", "size": "1024x768"}
RNG = np.random.default_rng(0)
HOLES = RNG.random((30, 41)) < 0.2
METRES = np.where(HOLES, np.nan, RNG.uniform(0.3, 12, HOLES.shape)).astype(np.float32)
RELATIVE = np.where(HOLES, np.nan, RNG.uniform(-0.07, 1.04, HOLES.shape)).astype(np.float32)


def same(back: DepthMap, values: np.ndarray, kind: Kind, step: float = 0.0) -> None:
    assert back.kind == kind and back.values.dtype == np.float32
    np.testing.assert_allclose(back.values, values, rtol=0, atol=step / 2 + 1e-6 * bool(step))


@pytest.mark.parametrize(("scale", "steps"), [("mm", 1000), ("kitti", 256), ("tum", 5000)])
def test_our_png_in_metres(tmp_path: Path, scale: PngScale, steps: int) -> None:
    file = tmp_path / "depth.exr"  # the name does not matter
    png.write(file, DepthMap(METRES, "metric", provenance=PROVENANCE), scale)
    # What the file says goes before what the caller says.
    back = read_depth(file, "relative", "tum" if scale == "mm" else "mm")
    same(back, METRES, "metric", 1 / steps)
    assert back.provenance == PROVENANCE


@pytest.mark.parametrize(("kind", "values"), [("relative", RELATIVE), ("metric", METRES)])
def test_our_normalized_png_exr_and_npy(tmp_path: Path, kind: Kind, values: np.ndarray) -> None:
    depth_map = DepthMap(values, kind, provenance=PROVENANCE)
    png.write(tmp_path / "a.png", depth_map, "normalized")
    same(read_depth(tmp_path / "a.png"), values, kind, float(np.nanmax(values)) / 65000)
    exr.write(tmp_path / "a.exr", depth_map)
    same(read_depth(tmp_path / "a.exr"), values, kind)
    npy.write(tmp_path / "a.npy", depth_map)
    same(read_depth(tmp_path / "a.npy", kind), values, kind)
    assert read_depth(tmp_path / "a.exr").provenance == PROVENANCE


def test_png_by_opencv(tmp_path: Path) -> None:
    file = tmp_path / "scan.png"
    assert cv2.imwrite(str(file), np.array([[0, 1000, 2500]], np.uint16))
    same(read_depth(file, scale="mm"), np.float32([[np.nan, 1, 2.5]]), "metric")
    same(read_depth(file, scale="tum"), np.float32([[np.nan, 0.2, 0.5]]), "metric")
    with pytest.raises(InputError, match=r"scan\.png.*name its scale"):
        read_depth(file, "metric")


def test_exr_by_openexr(tmp_path: Path) -> None:
    header = {"compression": OpenEXR.PIZ_COMPRESSION, "type": OpenEXR.scanlineimage}
    values = np.array([[1, np.inf, 0], [-1, np.nan, 3]], np.float32)
    OpenEXR.File(header, {"Z": values}).write(str(tmp_path / "z.exr"))
    expected = np.array([[1, np.nan, np.nan], [np.nan, np.nan, 3]], np.float32)
    same(read_depth(tmp_path / "z.exr", "relative"), expected, "metric")


def test_npy_needs_to_be_told(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([[0, -0.1, np.inf, 0.5]]))
    with pytest.raises(InputError, match=r"a\.npy: \.npy files do not say"):
        read_depth(tmp_path / "a.npy")
    relative = read_depth(tmp_path / "a.npy", "relative")
    same(relative, np.float32([[0, -0.1, np.nan, 0.5]]), "relative")
    metric = read_depth(tmp_path / "a.npy", "metric")
    same(metric, np.float32([[np.nan, np.nan, np.nan, 0.5]]), "metric")


def test_files_without_depth(tmp_path: Path) -> None:
    np.save(tmp_path / "zero.npy", np.zeros((3, 4)))
    with pytest.raises(InputError, match=r"zero\.npy: holds no depth"):
        read_depth(tmp_path / "zero.npy", "metric")
    (tmp_path / "a.png").write_text("text")
    with pytest.raises(InputError, match=r"a\.png: is not a depth file"):
        read_depth(tmp_path / "a.png")
    Image.new("L", (3, 3)).save(tmp_path / "grey.png")
    with pytest.raises(InputError, match=r"grey\.png: is no 16-bit"):
        read_depth(tmp_path / "grey.png")
    (tmp_path / "a.txt").write_text("1 2 3")
    with pytest.raises(InputError, match=r"a\.txt: is not a depth file"):
        read_depth(tmp_path / "a.txt")
    with pytest.raises(InputError, match="no such file"):
        read_depth(tmp_path / "missing.exr")
    with pytest.raises(InputError, match="is a folder, not a file"):
        read_depth(tmp_path)


def test_format_by_content(tmp_path: Path) -> None:
    depth_map = DepthMap(METRES, "metric")
    png.write(tmp_path / "1", depth_map, "mm")
    exr.write(tmp_path / "2", depth_map)
    npy.write(tmp_path / "3", depth_map)
    (tmp_path / "4").write_bytes(b"")
    assert [format_of(tmp_path / name) for name in "1234"] == ["png", "exr", "npy", None]


@pytest.mark.parametrize(
    ("columns", "rows", "width", "height"),
    [
        (4000, 3000, 4000, 3000),
        (640, 480, 4000, 3000),
        (4000, 3000, 640, 480),
        (1184, 656, 1920, 1080),  # working sizes are multiples of 16
        (240, 112, 4000, 2000),
        (518, 392, 4000, 3000),
    ],
)
def test_maps_of_the_whole_photo(columns: int, rows: int, width: int, height: int) -> None:
    require_view(Path("a.exr"), (rows, columns), width, height)


@pytest.mark.parametrize(
    ("columns", "rows", "width", "height", "way_on"),
    [
        (640, 480, 1920, 1080, "give one of the whole photo"),
        (1024, 768, 6000, 4000, "give one of the whole photo"),
        (1920, 1200, 1920, 1080, "give one of the whole photo"),
        (640, 480, 3000, 4000, "turn it"),
    ],
)
def test_maps_of_something_else(
    columns: int, rows: int, width: int, height: int, way_on: str
) -> None:
    sizes = f"a.exr: the depth map is {columns}x{rows} but the photo is {width}x{height}"
    with pytest.raises(InputError, match=f"{sizes}.*{way_on}"):
        require_view(Path("a.exr"), (rows, columns), width, height)


@pytest.mark.parametrize("none", [1e10, 1e11, 3e38, 65504, np.inf, -np.inf, np.nan, 0, -1, -1e10])
def test_what_renderers_write_for_no_depth(tmp_path: Path, none: float) -> None:
    values = np.array([[5, none], [65000, 7]], np.float32)
    expected = [[5, np.nan], [65000, 7]]
    np.save(tmp_path / "x.npy", values)
    OpenEXR.File({}, {"Z": values}).write(str(tmp_path / "x.exr"))
    for name in ("x.npy", "x.exr"):
        found = read_depth(tmp_path / name, "metric")
        np.testing.assert_array_equal(found.values, np.array(expected, np.float32))


def test_no_depth_in_half_floats(tmp_path: Path) -> None:
    with np.errstate(over="ignore"):
        values = np.array([[5, 65504], [1e10, 7]]).astype(np.float16)
    OpenEXR.File({}, {"Z": values}).write(str(tmp_path / "x.exr"))
    np.testing.assert_array_equal(
        read_depth(tmp_path / "x.exr").values, np.array([[5, np.nan], [np.nan, 7]], np.float32)
    )


@pytest.mark.parametrize("entries", [("depth",), ("arr_0",), ("other",), ("depth", "focal")])
def test_archives_of_other_programs(tmp_path: Path, entries: tuple[str, ...]) -> None:
    arrays = {name: np.float32(1) if name == "focal" else METRES for name in entries}
    np.savez(tmp_path / "a.npz", **arrays)
    np.testing.assert_array_equal(read_depth(tmp_path / "a.npz", "metric").values, METRES)
    with pytest.raises(InputError, match=r"a\.npz: \.npz files do not say what"):
        read_depth(tmp_path / "a.npz")


def test_an_archive_of_several_maps_is_asked_which(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", left=METRES, right=METRES)
    with pytest.raises(InputError, match=r"a\.npz: holds left, right; name the depth map 'depth'"):
        read_depth(tmp_path / "a.npz", "metric")


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
@pytest.mark.parametrize("axes", [(0,), (0, 1), (-1,), (0, -1)])
def test_batches_and_channels_of_one(tmp_path: Path, name: str, axes: tuple[int, ...]) -> None:
    (np.savez if name.endswith("z") else np.save)(tmp_path / name, np.expand_dims(METRES, axes))
    np.testing.assert_array_equal(read_depth(tmp_path / name, "metric").values, METRES)


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 1, 3, 4), (6,), ()])
def test_arrays_that_are_no_map(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "a.npy", np.ones(shape, np.float32))
    with pytest.raises(InputError, match=r"a depth map is \(H, W\) numbers"):
        read_depth(tmp_path / "a.npy", "metric")
