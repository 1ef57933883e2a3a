"""What a photo shows of itself: alpha of every kind of file, and the colours that are seen."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from pillow_heif import register_heif_opener

from ppdcli.errors import InputError
from ppdcli.photo import Photo, load_photo

register_heif_opener()

HEIGHT, WIDTH = 32, 48
_Y, _X = np.mgrid[:HEIGHT, :WIDTH]
OPAQUE = (_X - 20) ** 2 + (_Y - 14) ** 2 < 100
ALPHA = np.where(OPAQUE, 255, 0).astype(np.uint8)
GREY = (_X * 5 + _Y).astype(np.uint8)
RGBA = np.dstack([GREY, GREY // 2, 255 - GREY, ALPHA])


def loaded(image: Image.Image, format: str, **options: object) -> Photo:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    stream.seek(0)
    return load_photo(stream, "x")


def palette(transparency: int | bytes) -> tuple[Image.Image, dict[str, object]]:
    image = Image.fromarray(OPAQUE.astype(np.uint8), "L").convert("P")
    image.putpalette([9, 9, 9, 200, 100, 50] + [0] * 762)
    return image, {"transparency": transparency}


@pytest.mark.parametrize(
    ("image", "format", "options"),
    [
        (Image.fromarray(RGBA), "PNG", {}),
        (Image.fromarray(np.dstack([GREY, ALPHA])), "PNG", {}),
        (*palette(0), "PNG"),
        (*palette(bytes((0, 255))), "PNG"),
        (Image.fromarray(RGBA), "WEBP", {"lossless": True}),
        (Image.fromarray(RGBA), "WEBP", {"quality": 80}),
        (Image.fromarray(RGBA), "AVIF", {}),
        (Image.fromarray(RGBA), "HEIF", {}),
        (Image.fromarray(RGBA), "TIFF", {}),
        (Image.fromarray(RGBA), "TIFF", {"compression": "tiff_lzw"}),
        (Image.fromarray(RGBA), "JPEG2000", {}),
        (*palette(0), "GIF"),
    ],
    ids=lambda value: value.mode if isinstance(value, Image.Image) else None,
)
def test_alpha_0_is_told(image: Image.Image, format: object, options: object) -> None:
    if isinstance(options, str):  # of a palette
        format, options = options, format
    photo = loaded(image, str(format), **dict(options))  # type: ignore[call-overload]
    assert photo.opaque is not None
    if format == "HEIF":  # whose alpha is compressed like its colours, and blurs at the edge
        assert (photo.opaque != OPAQUE).mean() < 0.05
        return
    np.testing.assert_array_equal(photo.opaque, OPAQUE)
    assert (photo.rgb[~OPAQUE] == 255).all()


def test_a_colour_that_is_transparent() -> None:
    for image, colour in (
        (Image.fromarray(GREY), 7),
        (Image.fromarray(RGBA[..., :3]), (7, 3, 248)),
        (Image.fromarray(GREY.astype(np.uint16) * 257), 7 * 257),
    ):
        photo = loaded(image, "PNG", transparency=colour)
        np.testing.assert_array_equal(photo.opaque, GREY != 7)
        assert (photo.rgb[GREY == 7] == 255).all()


def test_half_transparent_pixels_can_be_seen() -> None:
    pixels = np.dstack([RGBA[..., :3], np.full_like(ALPHA, 1)])
    assert loaded(Image.fromarray(pixels), "PNG").opaque is None
    assert loaded(Image.fromarray(RGBA[..., :3]), "PNG").opaque is None


def png_rgba16(rgba: np.ndarray) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    height, width = rgba.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, 16, 6, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in rgba)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_16_bit_alpha() -> None:
    photo = load_photo(io.BytesIO(png_rgba16(RGBA.astype(np.uint16) * 257)))
    np.testing.assert_array_equal(photo.opaque, OPAQUE)
    np.testing.assert_allclose(photo.rgb[OPAQUE].astype(int), RGBA[OPAQUE][:, :3], atol=1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_alpha_is_turned_with_the_photo(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    photo = loaded(Image.fromarray(RGBA), "PNG", exif=exif.tobytes())
    np.testing.assert_array_equal(photo.opaque, (photo.rgb != 255).any(axis=-1))


def test_nothing_to_see_is_refused() -> None:
    clear = loaded(Image.new("RGBA", (4, 4)), "PNG")
    with pytest.raises(InputError, match=r"^x: every pixel is transparent.*save it without"):
        clear.require_visible()
    loaded(Image.new("RGBA", (4, 4), "red"), "PNG").require_visible()
