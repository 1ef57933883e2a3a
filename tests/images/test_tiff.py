"""TIFFs whose first picture is not the photo, and those of pixels that Pillow does not read."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from ppdcli.errors import InputError
from ppdcli.images import tiff
from ppdcli.photo import Photo, load_photo

HEIGHT, WIDTH = 40, 56
_Y, _X = np.mgrid[:HEIGHT, :WIDTH]
RGB = np.dstack([_X * 4, _Y * 6, 255 - _X * 2 - _Y]).astype(np.uint8)
DEEP = RGB.astype(np.uint16) * 257
ALPHA = np.where(_X > 20, 65535, 0).astype(np.uint16)

Tags = dict[int, list[int]]


def built(*pictures: tuple[Tags, list[bytes]], below: bool = False, order: str = "<") -> bytes:
    """A file of these pictures (tags and strips or tiles); the second is a page or in the first."""
    data = bytearray({"<": b"II*\0", ">": b"MM\0*"}[order] + bytes(4))
    offsets, next_places = [], [4]
    placed = []
    for tags, strips in pictures:
        starts = []
        for strip in strips:
            starts.append(len(data))
            data += strip + bytes(len(strip) % 2)
        which = (324, 325) if 322 in tags else (273, 279)
        placed.append({**tags, which[0]: starts, which[1]: [len(strip) for strip in strips]})
    for index, tags in enumerate(placed):
        first = index == 0 and below
        entries = {**tags, **({330: [0]} if first else {})}
        offsets.append(len(data))
        behind = len(data) + 2 + 12 * len(entries) + 4
        head, extra = struct.pack(order + "H", len(entries)), b""
        for tag, values in sorted(entries.items()):
            if tag == 330:
                next_places.append(offsets[0] + len(head) + 8)
            numbers = struct.pack(f"{order}{len(values)}L", *values)
            place = numbers if len(values) == 1 else struct.pack(order + "L", behind + len(extra))
            extra += numbers if len(values) > 1 else b""
            head += struct.pack(order + "HHL", tag, 4, len(values)) + place
        if not below:
            next_places.append(len(data) + len(head))
        data += head + bytes(4) + extra
    for offset, place in zip(offsets, next_places, strict=False):
        struct.pack_into(order + "L", data, place, offset)
    return bytes(data)


def tags_of(pixels: np.ndarray, **more: int) -> Tags:
    """Of a picture of one strip, (H, W) or (H, W, C)."""
    height, width = pixels.shape[:2]
    samples = pixels.size // (height * width)
    tags = {256: [width], 257: [height], 258: [8 * pixels.itemsize] * samples, 259: [1]}
    tags |= {262: [2 if samples >= 3 else 1], 277: [samples], 278: [height]}
    return tags | {int(key[1:]): [value] for key, value in more.items()}


def picture(pixels: np.ndarray, order: str = "<", **more: int) -> tuple[Tags, list[bytes]]:
    return tags_of(pixels, **more), [pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()]


def loaded(data: bytes) -> Photo:
    return load_photo(io.BytesIO(data), "x.tif")


# --- which picture -----------------------------------------------------------------------------

SMALL, LARGE = RGB[::4, ::4].copy(), RGB


@pytest.mark.parametrize("below", [False, True], ids=["page", "sub-directory"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("mark", [{"t254": 1}, {"t255": 2}], ids=["new", "old"])
def test_a_reduced_copy_in_front_is_not_the_photo(
    below: bool, order: str, mark: dict[str, int]
) -> None:
    small = picture(SMALL, t274=6, **mark)
    photo = loaded(built(small, picture(LARGE, t254=0), below=below, order=order))
    assert photo.orientation == 6 and photo.notes == ()
    np.testing.assert_array_equal(photo.rgb, np.rot90(LARGE, -1))


def test_the_orientation_that_pillow_has_undone_is_told() -> None:
    photo = loaded(built(picture(RGB, t274=8)))
    assert photo.orientation == 8
    np.testing.assert_array_equal(photo.rgb, np.rot90(RGB))


def test_of_several_pages_the_first_is_taken_and_that_is_said() -> None:
    photo = loaded(built(picture(SMALL), picture(LARGE)))
    np.testing.assert_array_equal(photo.rgb, SMALL)
    assert photo.notes == ("x.tif: holds 2 pages; one of them, 14x10, is taken",)
    assert loaded(built(picture(LARGE), picture(SMALL, t254=1))).notes == ()


def test_a_file_of_reduced_copies_alone_is_its_first() -> None:
    photo = loaded(built(picture(SMALL, t254=1), picture(LARGE, t254=1)))
    np.testing.assert_array_equal(photo.rgb, SMALL)


def test_pages_in_a_circle_end() -> None:
    data = bytearray(built(picture(SMALL), picture(LARGE)))
    last = tiff.directories(bytes(data))[-1].offset
    count = struct.unpack_from("<H", data, last)[0]
    struct.pack_into("<L", data, last + 2 + 12 * count, last)
    assert len(tiff.directories(bytes(data))) == 2
    np.testing.assert_array_equal(loaded(bytes(data)).rgb, SMALL)


@pytest.mark.parametrize(
    ("more", "maker", "kind"),
    [
        ({"t50706": 1}, b"", "DNG"),
        ({}, b"NIKON CORPORATION\0", "NEF"),
        ({}, b"SONY\0", "ARW"),
        ({}, b"Phase\0", "TIFF"),
    ],
)
@pytest.mark.parametrize("photometric", [32803, 34892])
def test_raw_is_refused_by_name(
    more: dict[str, int], maker: bytes, kind: str, photometric: int
) -> None:
    tags, strips = picture(SMALL, t254=1, **more)
    if maker:
        tags[271] = list(maker)
    raw = picture(DEEP[..., 1].copy(), t254=0, t262=photometric)
    data = built((tags, strips), raw, below=True)
    with pytest.raises(InputError, match=rf"^x\.tif: is a camera's raw file \({kind}\).*develop"):
        loaded(data)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"II*\0\x10\0\0\0CR\x02\0", "CR2"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "CR3"),
        (b"FUJIFILMCCD-RAW 0201FF383501", "RAF"),
        (b"IIRO\x08\0\0\0", "ORF"),
        (b"IIU\0\x18\0\0\0", "RW2"),
        (b"FOVb\0\0\2\0", "X3F"),
    ],
)
def test_raw_is_known_by_its_first_bytes(head: bytes, kind: str) -> None:
    with pytest.raises(InputError, match=rf"raw file \({kind}\)"):
        loaded(head + bytes(500))


# --- pixels ------------------------------------------------------------------------------------


def strips_of(plane: np.ndarray, compression: str | None, predictor: int) -> list[bytes]:
    """As libtiff packs them."""
    stream = io.BytesIO()
    options = {"compression": compression, "tiffinfo": {317: predictor, 278: 16}}
    Image.fromarray(plane).save(stream, "TIFF", **(options if compression else {}))
    data = stream.getvalue()
    (only,) = tiff.directories(data)
    places = zip(only.values[tiff.STRIP_OFFSETS], only.values[tiff.STRIP_BYTES], strict=True)
    return [data[start : start + size] for start, size in places]


def tiles_of(plane: np.ndarray) -> list[bytes]:
    """Of 32 x 32, deflated."""
    padded = np.pad(plane, ((0, 64 - HEIGHT), (0, 64 - WIDTH)))
    parts = [padded[y : y + 32, x : x + 32] for y in (0, 32) for x in (0, 32)]
    return [zlib.compress(np.ascontiguousarray(part).astype("<u2").tobytes()) for part in parts]


PACKINGS = {
    "none": (None, 1, 1),
    "lzw": ("tiff_lzw", 1, 5),
    "lzw-predictor": ("tiff_lzw", 2, 5),
    "deflate": ("tiff_adobe_deflate", 2, 8),
    "packbits": ("packbits", 1, 32773),
}


def planar(planes: list[np.ndarray], packing: str, extra: int | None) -> bytes:
    tags = tags_of(np.dstack(planes), t284=2)
    if extra is not None:
        tags[338] = [extra]
    if packing == "tiled":
        tags |= {259: [8], 322: [32], 323: [32]}
        del tags[278]
        return built((tags, [tile for plane in planes for tile in tiles_of(plane)]))
    compression, predictor, number = PACKINGS[packing]
    strips = [strips_of(plane, compression, predictor) for plane in planes]
    rows = -(-HEIGHT // len(strips[0])) if len(strips[0]) == 1 else 16
    tags |= {259: [number], 317: [predictor], 278: [rows]}
    return built((tags, [part for plane in strips for part in plane]))


@pytest.mark.parametrize("packing", [*PACKINGS, "tiled"])
@pytest.mark.parametrize("extra", [None, 0, 1, 2], ids=["rgb", "other", "premultiplied", "alpha"])
def test_16_bit_colours_one_after_the_other(packing: str, extra: int | None) -> None:
    colours = DEEP * (ALPHA > 0)[..., None] if extra == 1 else DEEP
    planes = [np.ascontiguousarray(colours[..., k]) for k in range(3)]
    photo = loaded(planar(planes if extra is None else [*planes, ALPHA], packing, extra))
    if extra in (1, 2):
        np.testing.assert_array_equal(photo.opaque, ALPHA > 0)
        np.testing.assert_array_equal(photo.rgb, np.where(ALPHA[..., None] > 0, RGB, 255))
    else:
        assert photo.opaque is None
        np.testing.assert_array_equal(photo.rgb, RGB)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", [3, 6])
def test_planes_are_turned(orientation: int, order: str) -> None:
    planes = [DEEP[..., k].astype(order + "u2").tobytes() for k in range(3)]
    tags = tags_of(DEEP, t284=2, t274=orientation)
    photo = loaded(built((tags, planes), order=order))
    assert photo.orientation == orientation
    np.testing.assert_array_equal(photo.rgb, np.rot90(RGB, 2 if orientation == 3 else -1))


def test_planes_that_are_not_all_there_are_refused() -> None:
    planes = [np.ascontiguousarray(DEEP[..., k]) for k in range(3)]
    tags = tags_of(DEEP, t284=2)
    with pytest.raises(InputError, match="is damaged or truncated"):
        loaded(built((tags, [planes[0].tobytes(), planes[1].tobytes()])))


@pytest.mark.parametrize("extra", [1, 2])
def test_16_bit_alpha_beside_the_colours(extra: int) -> None:
    pixels = np.dstack([DEEP, ALPHA])
    photo = loaded(built(picture(pixels, t338=extra)))
    np.testing.assert_array_equal(photo.opaque, ALPHA > 0)


@pytest.mark.parametrize(
    ("pixels", "more", "said"),
    [
        (np.dstack([DEEP, DEEP[..., :2]]), {"t262": 1}, "5 bands of 16-bit numbers"),
        (RGB.astype(np.float32) / 255, {"t339": 3}, "RGB of 32-bit floating-point numbers"),
        (RGB.astype(np.uint32), {}, "RGB of 32-bit numbers"),
        (np.dstack([ALPHA, ALPHA]), {"t338": 2}, "grey with alpha of 16-bit numbers"),
        (np.dstack([DEEP, ALPHA]), {"t262": 5, "t284": 2}, "CMYK of 16-bit numbers"),
        (DEEP[..., 0].astype(np.float64), {"t339": 3}, "grey of 64-bit floating-point numbers"),
    ],
)
def test_pixels_of_no_photo_are_named(pixels: np.ndarray, more: dict, said: str) -> None:
    with pytest.raises(InputError) as error:
        loaded(built(picture(pixels, **more)))
    line = str(error.value)
    assert line.startswith(f"x.tif: is a TIFF of {said}") and "damaged" not in line
    assert line.endswith("save it as grey or RGB of 8 or 16 bit")


@pytest.mark.parametrize(
    ("most", "dark"), [(1023, True), (4095, True), (16383, True), (40000, False)]
)
@pytest.mark.parametrize("format", ["PNG", "TIFF", "PPM"])
def test_fewer_bits_in_16_are_pointed_out(most: int, dark: bool, format: str) -> None:
    stream = io.BytesIO()
    Image.fromarray((_X * (most / (WIDTH - 1))).astype(np.uint16)).save(stream, format)
    notes = loaded(stream.getvalue()).notes
    assert any("is dark" in note and "stretch it" in note for note in notes) == dark


def test_dark_colours_of_16_bit_are_pointed_out() -> None:
    (note,) = loaded(built(picture(DEEP // 16))).notes
    assert "x.tif: is dark: no pixel is above 6% of what its 16 bits hold" in note
    assert loaded(built(picture(RGB // 16))).notes == ()


def test_a_jpeg_after_line_ends() -> None:
    stream = io.BytesIO()
    Image.fromarray(RGB).save(stream, "JPEG")
    whole = loaded(stream.getvalue()).rgb
    np.testing.assert_array_equal(loaded(b"\r\n" + stream.getvalue()).rgb, whole)
    np.testing.assert_array_equal(loaded(stream.getvalue()[:-2]).rgb, whole)
