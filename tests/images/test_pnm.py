"""Portable anymaps: the same pixels as Pillow's, and no damage that is not noticed."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from ppdcli.images import pnm
from ppdcli.images.pnm import decode, is_pnm, size

GREY = np.arange(48, dtype=np.uint8).reshape(4, 12)
RGB = np.arange(48, dtype=np.uint8).reshape(2, 8, 3)


def text(values: np.ndarray) -> bytes:
    return b" ".join(b"%d" % value for value in values.ravel())


@pytest.mark.parametrize(
    "data",
    [
        b"P1\n12 4\n" + text(GREY % 2),
        b"P1 12 4 # no spaces\n" + text(GREY % 2).replace(b" ", b""),
        b"P2\n12 4\n47\n" + text(GREY),
        b"P2 12 4 65535 " + text(GREY.astype(int) * 1111),
        b"P3\n8 2\n255\n" + text(RGB) + b"\n",
        b"P3 # by hand\n8 # wide\n2\n#\n255\n# pixels\n" + text(RGB),
        b"P4\n12 4\n" + bytes(range(8)),
        b"P5 12 4 255\n" + GREY.tobytes(),
        b"P5 12 4 100\n" + GREY.tobytes(),
        b"P5\r12\t4 65535\n" + (GREY * 1111.0).astype(">u2").tobytes(),
        b"P6 8 2 255\n" + RGB.tobytes() + b"what follows",
        b"P6 8 2 47\n" + RGB.tobytes(),
        b"P6 8 2 4000\n" + (RGB * 80.0).astype(">u2").tobytes(),
    ],
)
def test_the_same_pixels_as_pillow(data: bytes) -> None:
    with Image.open(io.BytesIO(data)) as image:
        pillows = np.asarray(image)
    if pillows.dtype == np.bool_:
        pillows = pillows * np.uint8(255)
    elif pillows.dtype != np.uint8:  # Pillow keeps 16 bits of grey
        pillows = np.rint(pillows / 257).astype(np.uint8)
    pixels = decode(data)
    assert is_pnm(data) and size(data) == pixels.shape[1::-1]
    expected = pillows if pillows.ndim == 3 else np.repeat(pillows[..., None], 3, axis=2)
    np.testing.assert_array_equal(pixels, expected)


def test_values_are_rounded_to_the_nearest_of_8_bits() -> None:
    """10 bits, where Pillow would round twice."""
    data = b"P5 6 1 1023\n" + np.array([0, 2, 3, 511, 512, 1023], ">u2").tobytes()
    assert decode(data)[0, :, 1].tolist() == [0, 0, 1, 127, 128, 255]


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"P6 8 2 255", "header"),
        (b"P6 8 0 255\n", "header"),
        (b"P6 8 2 0\n", "header"),
        (b"P6 8 2 65536\n" + bytes(200), "header"),
        (b"P6 -8 2 255\n" + bytes(48), "header"),
        (b"P6 12345678901 2 255\n" + bytes(48), "header"),
        (b"P6" + b" " * 100_000 + b"8 2 255\n" + bytes(48), "header"),
        (b"P6 8 2 255\n" + bytes(47), "47 values of 48"),
        (b"P5 15000 15000 65535\n", "0 values of 225000000"),
        (b"P4 12 4\n" + bytes(7), "7 values of 8"),
        (b"P1 2 2 1 0 1", "3 values of 4"),
        (b"P1 2 2 1 0 1 2", "outside 0..1"),
        (b"P2 2 1 9 3 10", "outside 0..9"),
        (b"P2 2 1 9 3 99999999999999999999999", "outside 0..9"),
        (b"P2 2 1 9 3 -1", "no digits"),
        (b"P2 2 1 9 3 x", "no digits"),
        (b"P2 2 1 9 ", "0 values of 2"),
        (b"P5 2 1 9\n\x03\x0a", "outside 0..9"),
    ],
)
def test_damaged_files(data: bytes, cause: str) -> None:
    with pytest.raises(ValueError, match=cause):
        decode(data)


def test_long_text_is_refused_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pnm, "LONGEST_TEXT", 50)
    with pytest.raises(ValueError, match="MB of text"):
        decode(b"P2 12 4 47 " + text(GREY))


@pytest.mark.parametrize("data", [b"", b"P", b"P7 1 1", b"Pf 1 1", b"P6x", b"PNG"])
def test_what_is_none(data: bytes) -> None:
    assert not is_pnm(data)
