"""What a photo can be given as, and what is refused in one line."""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from abacus import abacus
from PIL import Image, ImageOps

import ppdcli
from ppdcli.errors import InputError, PpdError, UsageError
from ppdcli.photo import Photo, load_photo

RGB = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
CHW = torch.tensor(RGB).permute(2, 0, 1)
EXACT = torch.tensor(np.round(RGB / 255 * 128) / 128)  # what 8 bits of bfloat16 hold


def png(image: Image.Image | None = None, **options: Any) -> bytes:
    buffer = io.BytesIO()
    (image or Image.fromarray(RGB)).save(buffer, "PNG", **options)
    return buffer.getvalue()


def read_only() -> np.ndarray:
    pixels = RGB.copy()
    pixels.flags.writeable = False
    return pixels


SAME = {
    "bytes": png(),
    "bytearray": bytearray(png()),
    "memoryview": memoryview(png()),
    "a view with gaps": memoryview(np.repeat(np.frombuffer(png(), np.uint8), 2).tobytes())[::2],
    "stream": io.BytesIO(png()),
    "Pillow": Image.fromarray(RGB),
    "Pillow, not loaded yet": Image.open(io.BytesIO(png())),
    "uint8": RGB,
    "read-only": read_only(),
    "turned over twice": RGB[::-1, ::-1].copy()[::-1, ::-1],
    "Fortran": np.asfortranarray(RGB),
    "uint16": RGB.astype(np.uint16) * 257,
    "big-endian": RGB.astype(">u2") * 257,
    "float32": RGB.astype(np.float32) / 255,
    "big-endian float64": (RGB / 255).astype(">f8"),
    "longdouble": RGB.astype(np.longdouble) / 255,
    "masked nowhere": np.ma.array(RGB),
    "opaque": np.dstack([RGB, np.full((20, 30), 255, np.uint8)]),
    "CHW": CHW,
    "HWC": torch.tensor(RGB),
    "float tensor": CHW / 255,
    "with gradient": (CHW / 255).requires_grad_(),
    "opaque CHW": torch.cat([CHW, torch.full((1, 20, 30), 255, dtype=torch.uint8)]),
}


@pytest.mark.parametrize("kind", SAME)
def test_the_same_photo_in_every_form(kind: str) -> None:
    photo = load_photo(SAME[kind])
    np.testing.assert_array_equal(photo.rgb, RGB)
    assert photo.opaque is None and photo.rgb.flags.c_contiguous
    expected = abacus().predict(Photo(RGB, "x")).values
    if kind == "stream":
        SAME[kind].seek(0)
    np.testing.assert_array_equal(abacus().predict(SAME[kind]).values, expected)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_tensors_of_every_precision(dtype: torch.dtype) -> None:
    expected = load_photo(EXACT.numpy()).rgb
    np.testing.assert_array_equal(load_photo(EXACT.to(dtype)).rgb, expected)


@pytest.mark.parametrize("grey", [RGB[..., 0], RGB[..., :1], torch.tensor(RGB[..., 0]), CHW[:1]])
def test_grey(grey: Any) -> None:
    np.testing.assert_array_equal(load_photo(grey).rgb, np.repeat(RGB[..., :1], 3, axis=2))


def test_a_path_of_any_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png())

    class Named:
        def __fspath__(self) -> str:
            return str(path)

    for source in (path, str(path), Named()):
        photo = load_photo(source)
        assert photo.path == path and photo.name == str(path)
        np.testing.assert_array_equal(photo.rgb, RGB)
    with path.open("rb") as stream:
        assert load_photo(stream).name == str(path)
    with tempfile.TemporaryFile() as unnamed:  # whose name is a number
        unnamed.write(png())
        unnamed.seek(0)
        assert load_photo(unnamed).name == "image"
    with Image.open(path) as image:
        assert load_photo(image).name == str(path)


@pytest.mark.parametrize("levels", [1, 257, 1 / 255])
def test_alpha_is_that_of_a_png(levels: float) -> None:
    alpha = np.full((20, 30), 255, np.uint8)
    alpha[:5], alpha[5:9] = 0, 90
    rgba = np.dstack([RGB, alpha])
    expected = load_photo(png(Image.fromarray(rgba)))
    kind = {1: np.uint8, 257: np.uint16, 1 / 255: np.float32}[levels]
    photo = load_photo((rgba.astype(float) * levels).astype(kind))
    np.testing.assert_array_equal(photo.rgb, expected.rgb)
    assert photo.opaque is not None and expected.opaque is not None
    np.testing.assert_array_equal(photo.opaque, expected.opaque)
    assert np.isnan(abacus().predict(photo).values).any()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_pillow_image_is_turned_once(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = png(exif=exif)
    expected = load_photo(data)
    opened = Image.open(io.BytesIO(data))
    for image in (opened, opened.convert("RGB"), ImageOps.exif_transpose(opened)):
        np.testing.assert_array_equal(load_photo(image).rgb, expected.rgb)
    assert load_photo(opened).orientation == orientation
    assert load_photo(ImageOps.exif_transpose(opened)).orientation == 1


@pytest.mark.parametrize("mode", ["L", "LA", "P", "CMYK", "I;16", "1", "F"])
def test_a_pillow_image_is_read_as_its_file(mode: str, tmp_path: Path) -> None:
    if mode == "F":
        image = Image.fromarray((RGB[..., 0] / 255).astype(np.float32))
    elif mode == "I;16":
        image = Image.fromarray(RGB[..., 0].astype(np.uint16) * 257)
    else:
        image = Image.fromarray(RGB).convert(mode)
    path = tmp_path / "a.tiff"
    image.save(path)
    np.testing.assert_array_equal(load_photo(image).rgb, load_photo(path).rgb)


def test_what_is_in_memory_is_copied() -> None:
    for frame in (RGB.copy(), torch.tensor(RGB)):
        photo = load_photo(frame)
        frame[:] = 0
        np.testing.assert_array_equal(photo.rgb, RGB)


def test_a_photo_in_too_few_bits_is_pointed_out() -> None:
    dark = RGB.astype(np.uint16)  # 8 bits in 16
    with pytest.warns(ppdcli.PpdWarning, match="the picture: is dark"):
        abacus().predict(dark)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        abacus().predict(load_photo(dark))  # whose notes can be read


def closed_stream() -> io.BytesIO:
    stream = io.BytesIO(png())
    stream.close()
    return stream


def closed_image() -> Image.Image:
    image = Image.open(io.BytesIO(png()))
    image.close()
    return image


REFUSED: list[tuple[Any, str]] = [
    (None, "NoneType is not a photo; give a path, the bytes of an image file, a file opened in"),
    (3, "int is not a photo; give a path"),
    ([[1, 2]], "list is not a photo"),
    (np.float64(3), "float64 is not a photo"),
    (b"", ": is empty"),
    (b"text", ": is not an image that can be read"),
    ("missing.jpg", "missing.jpg: no such file"),
    (io.StringIO("text"), "gives str, not bytes; open it in binary mode"),
    (closed_stream(), "cannot be read .*closed file"),
    (closed_image(), "this Pillow image cannot be read"),
    (Image.open(io.BytesIO(png()[:400])), "this Pillow image cannot be read .*truncated"),
    (Image.new("RGB", (0, 4)), "has no pixel"),
    (Image.fromarray(np.full((4, 4), 70000, np.int32)), "no agreed brightness"),
    (RGB.astype(float), r"must lie in 0..1, but these go from 0 to 255; divide them .* or clip"),
    (RGB / 254, "must lie in 0..1"),
    (np.full((4, 4), np.nan), "some of its pixels are NaN"),
    (np.full((4, 4), np.inf), "must lie in 0..1"),
    (RGB[:0], "has no pixel"),
    (RGB[None], r"shape \(1, 20, 30, 3\) is no picture; give one photo of the batch"),
    (RGB[None, ..., 0], r"shape \(1, 20, 30\) is no picture; move its channels to the end"),
    (RGB.transpose(2, 0, 1), "move its channels to the end"),
    (RGB[..., :2], "is no picture; give"),
    (RGB > 9, "bool pixels have no agreed brightness"),
    (RGB.astype(object), "object pixels"),
    (RGB.astype(np.int64), "int64 pixels"),
    (RGB.astype(np.int8), "int8 pixels"),
    (RGB.astype(complex), "complex128 pixels"),
    (np.ma.masked_less(RGB, 9), "some of its pixels are masked"),
    (CHW[None], "give one photo of the batch"),
    (torch.zeros(3, 9, 3), r"shape \(3, 9, 3\) can be read in two ways"),
    (torch.zeros(5, 9, 7), "is no picture"),
    (torch.zeros(0, 9, 7), "is no picture"),
    (torch.tensor(1.0), "is no picture"),
    (CHW.float(), "must lie in 0..1"),
    (CHW.int(), "int32 pixels"),
    (torch.rand(8, 9).to_sparse(), "this tensor has no values that can be read"),
    (torch.zeros(8, 9, device="meta"), "this tensor has no values that can be read"),
]


@pytest.mark.parametrize(("source", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_is_no_photo(source: Any, said: str) -> None:
    with pytest.raises((UsageError, InputError), match=said) as error:
        abacus().predict(source)
    assert "\n" not in str(error.value) and len(str(error.value)) < 300
    if isinstance(source, io.StringIO):
        source.seek(0)
    with pytest.raises(PpdError, match=said):
        abacus().predict_batch([RGB, source])


def test_a_batch_of_all_kinds() -> None:
    predictor = abacus()
    kinds = [kind for kind in SAME if kind != "stream"]
    depths = predictor.predict_batch([SAME[kind] for kind in kinds])
    expected = predictor.predict(RGB).values
    assert len(depths) == len(kinds)
    for depth in depths:
        np.testing.assert_array_equal(depth.values, expected)
    for stack in (np.stack([RGB, RGB]), torch.stack([CHW, CHW])):
        assert len(predictor.predict_batch(stack)) == 2


def test_a_batch_has_no_depth_where_a_photo_is_transparent() -> None:
    rgba = np.dstack(
        [RGB, np.where(np.arange(30) < 9, 0, 255).astype(np.uint8)[None].repeat(20, 0)]
    )
    predictor = abacus()
    (depth,) = predictor.predict_batch([rgba])
    np.testing.assert_array_equal(depth.values, predictor.predict(rgba).values)
    assert 0 < np.isnan(depth.values).sum() < depth.values.size
    (hidden,) = predictor.predict_batch([rgba], keep_hidden=True)
    assert np.isfinite(hidden.values).all()


@pytest.mark.parametrize(
    "photos", ["a.jpg", Path("a.jpg"), b"bytes", Photo(RGB, "x"), RGB, CHW, io.BytesIO(), 3]
)
def test_one_photo_is_no_batch(photos: Any) -> None:
    with pytest.raises(UsageError, match="give a list of photos"):
        abacus().predict_batch(photos)
    with pytest.raises(UsageError, match="give a list of photos"):
        abacus().predict_many(photos)


def test_the_member_at_fault_is_named() -> None:
    with pytest.raises(UsageError, match=r"^photos\[1\]: bool pixels"):
        abacus().predict_batch([RGB, RGB > 4])
    with pytest.raises(InputError, match=r"^missing\.jpg: "):
        abacus().predict_batch([RGB, "missing.jpg"])


def test_no_photo_imports_pytorch() -> None:
    code = (
        "import sys, numpy as np, ppdcli\n"
        "print(ppdcli.load_photo(np.zeros((2, 3), np.uint8)))\n"
        "try: ppdcli.load_photo(object())\n"
        "except ppdcli.UsageError as error: print(error)\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0] == "<Photo 'the picture', 3x2>"
    assert done.stdout.splitlines()[-1] == "False"
