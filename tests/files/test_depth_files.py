"""PNG, EXR and NPY: round trips, and facts read back with the formats' own libraries."""

import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from PIL import Image

from ppdcli.depth import DepthMap
from ppdcli.errors import InputError, OutputError, UsageError
from ppdcli.files import exr, npy, png, png_encoder
from ppdcli.files.choices import PngScale
from ppdcli.version import __version__

PROVENANCE = {"model": "ppd-tiny", "seed": "7", "steps": "4", "size": "1024x768"}
RNG = np.random.default_rng(0)
METRES = RNG.uniform(0.3, 12, (30, 41)).astype(np.float32)
RELATIVE = RNG.uniform(-0.07, 1.04, (30, 41)).astype(np.float32)


def metric(values: np.ndarray = METRES) -> DepthMap:
    return DepthMap(values, "metric", provenance=PROVENANCE)


def relative(values: np.ndarray = RELATIVE) -> DepthMap:
    return DepthMap(values, "relative", provenance=PROVENANCE)


def with_holes(values: np.ndarray) -> np.ndarray:
    holed = values.copy()
    holed[3:6, 2:9] = np.nan
    return holed


def pixels_and_text(file: Path) -> tuple[np.ndarray, dict[str, str]]:
    with Image.open(file) as image:
        assert image.mode == "I;16"
        return np.array(image), dict(image.text)  # type: ignore[attr-defined]


# --- PNG ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("scale", "steps"), [("mm", 1000), ("kitti", 256), ("tum", 5000)])
def test_png_in_metres(tmp_path: Path, scale: PngScale, steps: int) -> None:
    file = tmp_path / "a.png"
    values = with_holes(METRES)
    assert png.write(file, metric(values), scale) is None
    pixels, text = pixels_and_text(file)
    np.testing.assert_array_equal(
        pixels, np.where(np.isnan(values), 0, np.rint(np.nan_to_num(values).astype(float) * steps))
    )
    assert float(text["scale"]) == 1 / steps and float(text["offset"]) == 0
    assert (text["kind"], text["unit"], text["invalid"]) == ("metric", "m", "0")
    back = png.read(file)
    assert back.kind == "metric" and back.values.dtype == np.float32
    assert back.provenance == PROVENANCE
    np.testing.assert_allclose(back.values, values, rtol=0, atol=0.5 / steps + 1e-6)


def test_png_facts(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    png.write(file, relative(), "normalized")
    _, text = pixels_and_text(file)
    assert PROVENANCE.items() <= text.items()
    assert (text["kind"], text["unit"], text["encoding"]) == ("relative", "relative", "normalized")
    assert "log(depth" in text["meaning"] and text["program"] == f"ppdcli {__version__}"


def test_png_normalized(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    assert png.write(file, relative(), "normalized") is None
    pixels, text = pixels_and_text(file)
    low, high = float(RELATIVE.min()), float(RELATIVE.max())
    expected = np.rint((RELATIVE.astype(float) - low) / (high - low) * 65535)
    np.testing.assert_array_equal(pixels, expected)
    assert (pixels.min(), pixels.max(), text["invalid"]) == (0, 65535, "none")
    decoded = pixels * float(text["scale"]) + float(text["offset"])
    np.testing.assert_allclose(decoded, RELATIVE, rtol=0, atol=(high - low) / 65535 * 0.501)
    back = png.read(file)
    assert back.kind == "relative"
    np.testing.assert_allclose(back.values, decoded, atol=1e-6)


def test_png_normalized_with_holes(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    values = with_holes(RELATIVE)
    png.write(file, relative(values), "normalized")
    pixels, text = pixels_and_text(file)
    assert text["invalid"] == "0"
    np.testing.assert_array_equal(pixels == 0, np.isnan(values))
    np.testing.assert_allclose(png.read(file).values, values, atol=1e-5)


@pytest.mark.parametrize("scale", ["mm", "normalized"])
def test_png_in_bands_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scale: PngScale
) -> None:
    depth = metric(with_holes(METRES * 10))
    whole = png.write(tmp_path / "a.png", depth, scale)
    monkeypatch.setattr(png_encoder, "BAND_BYTES", 300)
    assert png.write(tmp_path / "a.png", depth, scale) == whole
    in_bands = pixels_and_text(tmp_path / "a.png")
    monkeypatch.undo()
    png.write(tmp_path / "a.png", depth, scale)
    np.testing.assert_array_equal(in_bands[0], pixels_and_text(tmp_path / "a.png")[0])
    assert (whole is not None) == (scale == "mm"), "some are farther than 65 m"


@pytest.mark.parametrize("value", [0.4, np.nan])
def test_png_normalized_without_a_range(tmp_path: Path, value: float) -> None:
    values = np.full((4, 5), value, np.float32)
    png.write(tmp_path / "a.png", relative(values), "normalized")
    np.testing.assert_array_equal(png.read(tmp_path / "a.png").values, values)


def test_png_saturates_and_says_so(tmp_path: Path) -> None:
    values = np.array([[65.535, 65.6, 80.0], [0.0001, 1, np.inf]], np.float32)
    warning = png.write(tmp_path / "a.png", metric(values), "mm")
    assert warning is not None
    assert "2 of 6 pixels" in warning and "65.5" in warning and "a.png" in warning
    pixels, _ = pixels_and_text(tmp_path / "a.png")
    # The nearest depth must not become 0, which is no depth; infinite depth is none.
    np.testing.assert_array_equal(pixels, [[65535, 65535, 65535], [1, 1000, 0]])


def test_png_scales_that_do_not_fit(tmp_path: Path) -> None:
    for scale in ("mm", "kitti", "tum"):
        with pytest.raises(UsageError, match="relative"):
            png.write(tmp_path / "a.png", relative(), scale)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="mm, kitti, tum, normalized"):
        png.write(tmp_path / "a.png", metric(), "cm")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_png_of_others(tmp_path: Path) -> None:
    file = tmp_path / "scan.png"
    Image.fromarray(np.array([[0, 1000, 2500]], np.uint16)).save(file)
    with pytest.raises(InputError, match=r"scan\.png.*name its scale"):
        png.read(file)
    np.testing.assert_allclose(png.read(file, "mm").values, [[np.nan, 1, 2.5]])
    np.testing.assert_allclose(png.read(file, "tum").values, [[np.nan, 0.2, 0.5]])


def test_png_that_is_no_depth(tmp_path: Path) -> None:
    file = tmp_path / "rgb.png"
    Image.new("RGB", (3, 3)).save(file)
    with pytest.raises(InputError, match=r"rgb\.png: is no 16-bit"):
        png.read(file)
    file.write_bytes(b"text")
    with pytest.raises(InputError, match=r"rgb\.png: cannot be read"):
        png.read(file)
    with pytest.raises(InputError, match="no such file"):
        png.read(tmp_path / "missing.png")


# --- EXR ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["metric", "relative"])
def test_exr_is_bit_exact(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "a.exr"
    values = with_holes(METRES if kind == "metric" else RELATIVE)
    depth_map = metric(values) if kind == "metric" else relative(values)
    exr.write(file, depth_map)
    with OpenEXR.File(str(file), separate_channels=True) as opened:
        header, channels = dict(opened.header()), opened.channels()
        assert list(channels) == ["Y", "Z"]
        assert opened.parts[0].compression() == OpenEXR.ZIP_COMPRESSION
        assert channels["Z"].type() == OpenEXR.FLOAT
        for name in ("Y", "Z"):
            pixels = channels[name].pixels
            np.testing.assert_array_equal(pixels.view(np.uint32), values.view(np.uint32))
    assert depth_map.facts().items() <= header.items()
    back = exr.read(file)
    assert back.kind == kind and back.provenance == PROVENANCE
    np.testing.assert_array_equal(back.values.view(np.uint32), values.view(np.uint32))


def test_exr_takes_any_memory_layout(tmp_path: Path) -> None:
    values = METRES.astype(np.float64).T[::-1]
    exr.write(tmp_path / "a.exr", metric(values))
    np.testing.assert_array_equal(exr.read(tmp_path / "a.exr").values, values.astype(np.float32))


def test_exr_of_others(tmp_path: Path) -> None:
    header = {"compression": OpenEXR.NO_COMPRESSION, "type": OpenEXR.scanlineimage}
    values = np.array([[1, np.inf], [2, 3]], np.float32)
    OpenEXR.File(header, {"Z": values}).write(str(tmp_path / "z.exr"))
    back = exr.read(tmp_path / "z.exr")
    assert back.kind == "metric"
    np.testing.assert_array_equal(back.values, [[1, np.nan], [2, 3]])
    OpenEXR.File(header, {"Y": values, "A": values}).write(str(tmp_path / "y.exr"))
    with pytest.raises(InputError, match=r"y\.exr: has no depth channel Z, only A, Y"):
        exr.read(tmp_path / "y.exr")


@pytest.mark.parametrize("content", [b"", b"not an exr at all"])
def test_exr_that_is_none(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bad.exr"
    with pytest.raises(InputError, match="no such file"):
        exr.read(file)
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.exr: cannot be read"):
        exr.read(file)


# --- NPY ---------------------------------------------------------------------------------------


def test_npy_is_bit_exact(tmp_path: Path) -> None:
    file = tmp_path / "a.npy"
    values = with_holes(RELATIVE)
    npy.write(file, relative(values))
    loaded = np.load(file, allow_pickle=False)
    assert loaded.dtype == np.float32 and loaded.shape == values.shape
    np.testing.assert_array_equal(loaded.view(np.uint32), values.view(np.uint32))
    assert npy.read(file, "relative").kind == "relative"


class Bomb:
    """Shows on unpickling."""

    def __reduce__(self) -> tuple:
        return (Path("pickled").touch, ())


def test_npy_never_unpickles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save(tmp_path / "bad.npy", np.array([[Bomb()]], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"bad\.npy"):
        npy.read(tmp_path / "bad.npy", "metric")
    assert not Path("pickled").exists()


@pytest.mark.parametrize("content", [b"", b"text", b"\x93NUMPY\x01\x00" + struct.pack("<H", 9)])
def test_npy_that_is_none(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bad.npy"
    with pytest.raises(InputError):
        npy.read(file, "metric")
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.npy"):
        npy.read(file, "metric")


@pytest.mark.parametrize(
    "array", [np.zeros((2, 3, 3)), np.zeros(4), np.zeros((0, 4)), np.array([["a"]])]
)
def test_npy_of_another_shape(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "odd.npy", array)
    with pytest.raises(InputError, match=r"odd\.npy: holds"):
        npy.read(tmp_path / "odd.npy", "metric")


# --- all ---------------------------------------------------------------------------------------


WRITERS = {
    ".png": lambda path: png.write(path, metric(), "mm"),
    ".exr": lambda path: exr.write(path, metric()),
    ".npy": lambda path: npy.write(path, metric()),
}


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_failing_write_leaves_nothing(
    tmp_path: Path, suffix: str, full_disk: Callable[[int], None]
) -> None:
    out = tmp_path / "out"
    full_disk(1000)
    with pytest.raises(OutputError) as error:
        WRITERS[suffix](out / f"a{suffix}")
    full_disk(-1)
    assert f"a{suffix}" in str(error.value) and "\n" not in str(error.value)
    assert ".ppd-" not in str(error.value)
    assert not list(out.iterdir())


def test_exr_in_a_folder_whose_name_is_not_utf8(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system has UTF-8 names only")
    exr.write(folder / "depth.exr", metric())
    np.testing.assert_array_equal(exr.read(folder / "depth.exr").values, METRES)
    assert [path.name for path in folder.iterdir()] == ["depth.exr"]
    (folder / "bad.exr").write_bytes(b"\x76\x2f\x31\x01 bad")
    with pytest.raises(InputError, match="cannot be read as EXR"):
        exr.read(folder / "bad.exr")
