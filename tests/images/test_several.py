"""Streams of pictures, and films that are given as photos."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ppdcli.errors import InputError
from ppdcli.images.several import count_pictures
from ppdcli.photo import load_photo

SHADES = np.random.default_rng(0).integers(0, 256, (3, 21, 33, 3)).astype(np.uint8)


def saved(shades: np.ndarray, format: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(shades).save(stream, format, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("PNG", {}),
        ("BMP", {}),
        ("GIF", {}),
        ("WEBP", {}),
        ("PPM", {}),
    ],
)
def test_pictures_one_after_another(format: str, options: dict[str, object]) -> None:
    frames = [saved(shades, format, **options) for shades in SHADES]
    assert count_pictures(frames[0]) == 1
    assert count_pictures(frames[0] + bytes(100)) == 1
    stream = b"".join(frames)
    assert count_pictures(stream) == 3
    photo = load_photo(io.BytesIO(stream), "x")
    assert photo.notes == ("x: holds 3 pictures one after another; the first is taken",)
    np.testing.assert_array_equal(photo.rgb, load_photo(io.BytesIO(frames[0])).rgb)
    assert count_pictures(stream[:-10]) in (2, 3)


def test_pgm_and_pbm_in_a_row() -> None:
    assert count_pictures(b"P5 2 2 255\nabcd" * 4) == 4
    assert count_pictures(b"P4 9 2\nabcd" * 4) == 4
    assert count_pictures(b"P5 2 2 65535\nabcdefgh" * 4) == 4
    assert count_pictures(b"P2 2 2 255 1 2 3 4\n" * 4) == 1  # a text does not say where it ends


def test_the_parts_of_a_phones_photo_are_one_photo() -> None:
    mpo = io.BytesIO()
    first, second = Image.fromarray(SHADES[0]), Image.fromarray(SHADES[1])
    first.save(mpo, "MPO", save_all=True, append_images=[second])
    assert count_pictures(mpo.getvalue()) == 1
    xmp = b"<x:xmpmeta><Container:Directory/></x:xmpmeta>"
    photo = saved(SHADES[0], "JPEG", xmp=xmp) + saved(SHADES[1], "JPEG")
    assert count_pictures(photo) == 1


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_an_animation_is_pointed_out(format: str) -> None:
    rest = [Image.fromarray(shades) for shades in SHADES[1:]]
    data = saved(SHADES[0], format, save_all=True, append_images=rest)
    (note,) = load_photo(io.BytesIO(data), "x").notes
    assert note == "x: is animated; its first frame is taken"


@pytest.mark.parametrize(
    "head",
    [
        b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41",
        b"\0\0\0\x14ftypqt  \0\0\2\0qt  ",
        b"\0\0\0\x08wide\0\0\0\x00mdat",
        b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01",
        b"RIFF\x24\0\0\0AVI LIST",
        b"OggS\0\2",
        b"FLV\x01\5",
        (b"\x47" + bytes(187)) * 2,
    ],
)
def test_a_video_is_refused_with_the_way_on(tmp_path: Path, head: bytes) -> None:
    file = tmp_path / "my clip"
    file.write_bytes(head + bytes(1000))
    with pytest.raises(InputError) as error:
        load_photo(file)
    way_on = f"mkdir frames && ffmpeg -i '{file}' frames/%05d.png"
    assert str(error.value).startswith(f"{file}: is a video;") and way_on in str(error.value)


def test_a_film_of_any_length_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "long.mp4"
    with file.open("wb") as stream:
        stream.write(b"\0\0\0\x20ftypisom")
        stream.truncate(3_000_000_000)
    with pytest.raises(InputError, match="is a video"):
        load_photo(file)


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"\0\x05\x16\x07" + bytes(100), "is macOS's notes on another file"),
        (b"\xff\x0a" + bytes(100), "is a JPEG XL, not an image that can be read; give JPEG"),
        (b"\x76\x2f\x31\x01" + bytes(100), "is an OpenEXR file"),
    ],
)
def test_what_is_mistaken_for_a_photo_is_named(head: bytes, said: str) -> None:
    with pytest.raises(InputError, match=rf"^x: {said}"):
        load_photo(io.BytesIO(head), "x")
