"""Pictures whose data ends before their pixels do are refused; complete ones never are."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from ppdcli.errors import InputError
from ppdcli.photo import load_photo

HEIGHT, WIDTH = 64, 48
PIXELS = np.random.default_rng(0).integers(60, 250, (HEIGHT, WIDTH, 3)).astype(np.uint8)
EOI = b"\xff\xd9"


def saved(pixels: np.ndarray, format: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format, **options)
    return stream.getvalue()


def load(data: bytes) -> np.ndarray:
    return load_photo(io.BytesIO(data), "x").rgb


def png(pixels: np.ndarray, kept: int, interlaced: bool = False) -> bytes:
    """8-bit RGB, of whose bytes of pixels ``kept`` are there, in a sound stream."""
    passes = [pixels]
    if interlaced:  # Adam7
        starts = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2))
        starts += ((0, 1, 2, 2), (1, 0, 2, 1))
        passes = [pixels[y::dy, x::dx] for y, x, dy, dx in starts]
    rows = b"".join(b"\0" + row.tobytes() for part in passes for row in part if row.size)
    header = struct.pack(">LLBBBBB", pixels.shape[1], pixels.shape[0], 8, 2, 0, 0, interlaced)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows[:kept])), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">L", len(body)) + name + body + struct.pack(">L", zlib.crc32(name + body))
        for name, body in chunks
    )


# --- PNG ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("interlaced", [False, True])
def test_a_png_that_ends_after_whole_rows(interlaced: bool) -> None:
    whole = png(PIXELS, 1 << 20, interlaced)
    np.testing.assert_array_equal(load(whole), PIXELS)
    for rows in (1, HEIGHT // 2, HEIGHT - 1):
        with pytest.raises(InputError, match=r"^x: is damaged or truncated \(.*; copy or download"):
            load(png(PIXELS, rows * (1 + 3 * WIDTH), interlaced))


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5, 9), (64, 48)])
def test_a_black_png_is_whole(size: tuple[int, int], interlaced: bool) -> None:
    black = np.zeros((*size, 3), np.uint8)
    np.testing.assert_array_equal(load(png(black, 1 << 20, interlaced)), black)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16"])
def test_black_pngs_of_all_kinds_are_whole(mode: str) -> None:
    stream = io.BytesIO()
    Image.new(mode, (9, 5)).save(stream, "PNG")
    assert load(stream.getvalue()).shape == (5, 9, 3)


def test_a_tall_png_of_a_few_bytes_is_refused_at_once() -> None:
    for width, height in ((1, 249_000_000), (1, 999_999), (200, 999_999)):
        data = bytearray(png(np.zeros((1, 1, 3), np.uint8), 1 << 20))
        data[16:24] = struct.pack(">LL", width, height)
        data[29:33] = struct.pack(">L", zlib.crc32(data[12:29]))
        with pytest.raises(InputError, match=r"^x: "):
            load(bytes(data))


# --- JPEG --------------------------------------------------------------------------------------

JPEGS = {
    "plain": saved(PIXELS, "JPEG", quality=95),
    "subsampled": saved(PIXELS, "JPEG", quality=60, subsampling=2),
    "grey": saved(PIXELS[..., 0], "JPEG"),
    "restarts": saved(PIXELS, "JPEG", quality=95, restart_marker_rows=1),
    "progressive": saved(PIXELS, "JPEG", progressive=True),
}


@pytest.mark.parametrize("name", JPEGS)
def test_a_jpeg_that_is_half_missing(name: str) -> None:
    data = JPEGS[name]
    for part in (0.5, 0.6):
        for tail in (b"", EOI, EOI + b"trailer", bytes(500)):
            with pytest.raises(InputError, match=r"^x: is damaged or truncated"):
                load(data[: int(len(data) * part)] + tail)


@pytest.mark.parametrize("name", JPEGS)
@pytest.mark.parametrize("missing", [1, 2])
def test_a_jpeg_that_lacks_its_last_marker_alone(name: str, missing: int) -> None:
    data = JPEGS[name]
    np.testing.assert_array_equal(load(data[:-missing]), load(data))


@pytest.mark.parametrize("missing", [3, 4, 10, 100])
def test_a_jpeg_that_lacks_more_than_its_last_marker(missing: int) -> None:
    with pytest.raises(InputError, match=r"^x: is damaged or truncated"):
        load(JPEGS["plain"][:-missing])


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 1}])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_grey_jpeg_is_whole(mode: str, options: dict[str, object]) -> None:
    stream = io.BytesIO()
    Image.new("L", (40, 30), 128).convert(mode).save(stream, "JPEG", **options)
    assert load(stream.getvalue()).shape == (30, 40, 3)


def test_a_jpeg_with_a_preview_and_a_trailer_is_whole() -> None:
    grey = np.full((30, 40, 3), 128, np.uint8)
    exif = Image.Exif()
    exif[0x010E] = "x" * 50
    preview = saved(grey[:8, :8], "JPEG")
    data = saved(grey, "JPEG", exif=exif.tobytes() + preview)
    np.testing.assert_array_equal(load(data + preview + b"film"), load(data))


def test_a_jpeg_in_a_tiff_that_is_half_missing() -> None:
    strip = JPEGS["grey"][: len(JPEGS["grey"]) // 2] + EOI
    assert load(tiff_of(JPEGS["grey"])).shape == (HEIGHT, WIDTH, 3)
    with pytest.raises(InputError, match=r"^x: is damaged or truncated"):
        load(tiff_of(strip))


def tiff_of(strip: bytes) -> bytes:
    """A grey TIFF of one JPEG."""
    tags = ((256, WIDTH), (257, HEIGHT), (258, 8), (259, 7), (262, 1), (273, 8), (277, 1))
    tags += ((278, HEIGHT), (279, len(strip)))
    entries = b"".join(struct.pack("<HHLL", tag, 4, 1, value) for tag, value in tags)
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    return b"II*\0" + struct.pack("<L", 8 + len(strip)) + strip + directory


# --- the others, whose decoders tell -----------------------------------------------------------


@pytest.mark.parametrize("part", [0.4, 0.7, 0.95])
@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("TIFF", {}),
        *(("TIFF", {"compression": f"tiff_{name}"}) for name in ("lzw", "adobe_deflate")),
        ("TIFF", {"compression": "packbits"}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("BMP", {}),
        ("GIF", {}),
        ("JPEG2000", {"no_jp2": True}),
        ("PPM", {}),
        ("HEIF", {}),
        ("AVIF", {}),
    ],
)
def test_others_that_are_cut(format: str, options: dict[str, object], part: float) -> None:
    if format == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    data = saved(PIXELS, format, **options)
    ends = {"GIF": b"\0;", "JPEG2000": EOI}
    for tail in (b"", ends.get(format, b"")):
        with pytest.raises(InputError, match=r"^x: "):
            load(data[: int(len(data) * part)] + tail)
