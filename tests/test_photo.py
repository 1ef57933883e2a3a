"""The image loader: every orientation, pixel type and failure that users bring."""

import io
import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from pillow_heif import register_heif_opener

from ppdcli.errors import InputError
from ppdcli.images import exif as exif_module
from ppdcli.images import pixels as pixels_module
from ppdcli.photo import IMAGE_SUFFIXES, load_photo

register_heif_opener()  # to write HEIC; the loader does it for itself

# Asymmetric in both axes, 2 rows x 3 columns: no two of the eight orientations look alike.
UPRIGHT = np.array(
    [[[10, 0, 0], [50, 0, 0], [90, 0, 0]], [[130, 0, 0], [170, 0, 0], [210, 0, 0]]], np.uint8
)

# How a camera stores UPRIGHT under each orientation, written from the EXIF standard's table of
# what row 0 and column 0 of the stored picture are.
STORED = {
    1: UPRIGHT,  # top, left
    2: UPRIGHT[:, ::-1],  # top, right
    3: UPRIGHT[::-1, ::-1],  # bottom, right
    4: UPRIGHT[::-1],  # bottom, left
    5: UPRIGHT.swapaxes(0, 1),  # left, top
    6: UPRIGHT[:, ::-1].swapaxes(0, 1),  # right, top
    7: UPRIGHT[::-1, ::-1].swapaxes(0, 1),  # right, bottom
    8: UPRIGHT[::-1].swapaxes(0, 1),  # left, bottom
}


def png_bytes(image: Image.Image, **options: object) -> io.BytesIO:
    stream = io.BytesIO()
    image.save(stream, format="PNG", **options)
    stream.seek(0)
    return stream


def exif_with(orientation: int | None = None, focal_35mm: int | None = None) -> Image.Exif:
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    if focal_35mm is not None:
        exif.get_ifd(0x8769)[0xA405] = focal_35mm
    return exif


@pytest.mark.parametrize("rows", [1, 2, 100])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, orientation: int, suffix: str, rows: int
) -> None:
    """Whatever the rows that are converted at a time: of 2 or 3, the last may be fewer."""
    monkeypatch.setattr(pixels_module, "BAND", rows * STORED[orientation].shape[1])
    file = tmp_path / f"photo{suffix}"
    options = {"lossless": True} if suffix == ".webp" else {}
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation]))
    stored.save(file, exif=exif_with(orientation), **options)
    np.testing.assert_array_equal(load_photo(file).rgb, UPRIGHT)


def test_an_orientation_of_a_jpeg_is_honoured(tmp_path: Path) -> None:
    file = tmp_path / "photo.jpg"
    halves = np.zeros((32, 64, 3), np.uint8)
    halves[:, :32] = 255
    Image.fromarray(halves).save(file, exif=exif_with(6))
    rgb = load_photo(file).rgb
    assert rgb.shape == (64, 32, 3)
    assert rgb[:24].min() > 200 and rgb[40:].max() < 50


def blocks(pixels: np.ndarray) -> np.ndarray:
    """Each pixel as 64 x 64 of its kind, for formats that keep no single pixel."""
    return pixels.repeat(64, axis=0).repeat(64, axis=1)


@pytest.mark.parametrize("format", ["HEIF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_heic_and_avif_are_turned_once(orientation: int, format: str) -> None:
    """They keep the orientation twice: in EXIF and in the container."""
    stream = io.BytesIO()
    exif = exif_with(orientation, 28).tobytes()
    Image.fromarray(blocks(STORED[orientation])).save(stream, format, quality=95, exif=exif)
    stream.seek(0)
    photo = load_photo(stream)
    assert photo.focal_35mm == 28
    centres = photo.rgb[32::64, 32::64]
    np.testing.assert_allclose(centres.astype(int), UPRIGHT, atol=6)


def test_an_mpo_is_its_first_picture_upright() -> None:
    stream = io.BytesIO()
    left, right = blocks(STORED[6]), blocks(STORED[6][::-1])
    exif = exif_with(6).tobytes()
    options = {"save_all": True, "append_images": [Image.fromarray(right)], "exif": exif}
    Image.fromarray(left).save(stream, "MPO", quality=95, **options)
    stream.seek(0)
    photo = load_photo(stream)
    assert photo.orientation == 6
    np.testing.assert_allclose(photo.rgb[32::64, 32::64].astype(int), UPRIGHT, atol=6)


def test_exif_of_megabytes_is_left_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    block = exif_with(3).tobytes()
    stream = png_bytes(Image.fromarray(UPRIGHT), exif=block)
    assert load_photo(stream).orientation == 3
    monkeypatch.setattr(exif_module, "LONGEST", len(block) - 7)
    stream.seek(0)
    assert load_photo(stream).orientation == 1


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_an_unknown_orientation_and_broken_exif_leave_the_picture(tmp_path: Path) -> None:
    for exif in (exif_with(9).tobytes(), b"Exif\0\0MM\0*\xff\xff\xff\xff broken"):
        photo = load_photo(png_bytes(Image.fromarray(UPRIGHT), exif=exif))
        np.testing.assert_array_equal(photo.rgb, UPRIGHT)
        assert photo.focal_35mm is None


@pytest.mark.parametrize(("stored", "expected"), [(28, 28.0), (0, None), (None, None)])
def test_focal_length_from_exif(stored: int | None, expected: float | None) -> None:
    stream = io.BytesIO()
    Image.fromarray(UPRIGHT).save(stream, format="JPEG", exif=exif_with(6, stored))
    stream.seek(0)
    assert load_photo(stream).focal_35mm == expected


def test_name_and_path(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    Image.fromarray(UPRIGHT).save(file)
    assert (load_photo(file).name, load_photo(file).path) == (str(file), file)
    assert load_photo(str(file)).path == file
    assert load_photo(file, name="shown").name == "shown"
    photo = load_photo(png_bytes(Image.fromarray(UPRIGHT)), name="<stdin>")
    assert (photo.name, photo.path) == ("<stdin>", None)


def test_a_pipe_need_not_be_seekable() -> None:
    class Pipe(io.RawIOBase):
        def __init__(self, data: bytes) -> None:
            self.data = io.BytesIO(data)

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:
            return self.data.readinto(buffer)

    pipe = io.BufferedReader(Pipe(png_bytes(Image.fromarray(UPRIGHT)).getvalue()))
    np.testing.assert_array_equal(load_photo(pipe).rgb, UPRIGHT)


def test_one_pixel() -> None:
    rgb = load_photo(png_bytes(Image.new("RGB", (1, 1), (1, 2, 3)))).rgb
    assert rgb.dtype == np.uint8
    np.testing.assert_array_equal(rgb, [[[1, 2, 3]]])


# --- pixel types -------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".png", ".tif", ".pgm"])
def test_16_bit_grey_is_scaled_by_value(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"grey{suffix}"
    Image.fromarray(np.array([[0, 257, 400, 25700, 65535]], np.uint16)).save(file)
    rgb = load_photo(file).rgb
    np.testing.assert_array_equal(rgb[0, :, 0], [0, 1, 2, 100, 255])
    assert (rgb == rgb[..., :1]).all()


@pytest.mark.parametrize(
    ("bits", "white_is_zero", "pixels", "expected"),
    [
        (12, False, bytes.fromhex("000010800fff"), [0, 1, 128, 255]),
        (16, True, np.array([0, 257, 32768, 65535], "<u2").tobytes(), [255, 254, 127, 0]),
        (8, True, bytes((0, 1, 128, 255)), [255, 254, 127, 0]),
    ],
)
def test_a_tiff_says_what_its_grey_means(
    tmp_path: Path, bits: int, white_is_zero: bool, pixels: bytes, expected: list[int]
) -> None:
    file = tmp_path / "grey.tif"
    file.write_bytes(grey_tiff(4, bits, white_is_zero, pixels))
    np.testing.assert_array_equal(load_photo(file).rgb[0, :, 0], expected)


def grey_tiff(width: int, bits: int, white_is_zero: bool, pixels: bytes) -> bytes:
    """One row, as TIFF 6.0 has it."""
    tags = [
        (256, width),
        (257, 1),
        (258, bits),
        (259, 1),  # not compressed
        (262, int(not white_is_zero)),
        (273, 8),  # where the row begins
        (277, 1),
        (278, 1),
        (279, len(pixels)),
    ]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    row = pixels + b"\0" * (len(pixels) % 2)
    header = struct.pack("<2sHI", b"II", 42, 8 + len(row))
    return header + row + struct.pack("<H", len(tags)) + entries + b"\0" * 4


def test_float_grey(tmp_path: Path) -> None:
    file = tmp_path / "float.tif"
    Image.fromarray(np.array([[0, 0.5, 1]], np.float32)).save(file)
    np.testing.assert_array_equal(load_photo(file).rgb[0, :, 1], [0, 128, 255])


@pytest.mark.parametrize(
    "pixels",
    [
        np.array([[0, 3.5]], np.float32),
        np.array([[0, np.nan]], np.float32),
        np.array([[-1, 5]], np.int32),
        np.array([[0, 70000]], np.int32),
    ],
)
def test_pixels_without_an_agreed_range_are_refused(tmp_path: Path, pixels: np.ndarray) -> None:
    file = tmp_path / "deep.tif"
    Image.fromarray(pixels).save(file)
    with pytest.raises(InputError, match=r"deep\.tif: .*no agreed brightness.*save it as"):
        load_photo(file)


def palette_image() -> Image.Image:
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8), "L").convert("P")
    image.putpalette([200, 0, 0, 0, 150, 0, 0, 0, 100] + [0] * (256 - 3) * 3)
    return image


@pytest.mark.parametrize(
    ("image", "options", "expected"),
    [
        (Image.new("1", (1, 1), 1), {}, [[255, 255, 255]]),
        (Image.new("L", (1, 1), 77), {}, [[77, 77, 77]]),
        (Image.new("LA", (1, 1), (100, 0)), {}, [[255, 255, 255]]),
        (Image.new("LA", (1, 1), (100, 255)), {}, [[100, 100, 100]]),
        (Image.new("RGBA", (1, 1), (200, 100, 0, 255)), {}, [[200, 100, 0]]),
        (Image.new("RGBA", (1, 1), (200, 100, 0, 0)), {}, [[255, 255, 255]]),
        (Image.new("RGBA", (1, 1), (0, 100, 255, 51)), {}, [[204, 224, 255]]),
        (palette_image(), {}, [[200, 0, 0], [0, 150, 0], [0, 0, 100]]),
        (palette_image(), {"transparency": 1}, [[200, 0, 0], [255, 255, 255], [0, 0, 100]]),
        (
            palette_image(),
            {"transparency": bytes([255, 255, 0])},
            [[200, 0, 0], [0, 150, 0], [255, 255, 255]],
        ),
        (Image.new("RGB", (1, 1), (9, 8, 7)), {"transparency": (9, 8, 7)}, [[255, 255, 255]]),
    ],
)
def test_modes_of_png(image: Image.Image, options: dict, expected: list) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rgb = load_photo(png_bytes(image, **options)).rgb
    np.testing.assert_array_equal(rgb[0], expected)


def test_cmyk_jpeg() -> None:
    stream = io.BytesIO()
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(stream, format="JPEG", quality=100)
    stream.seek(0)
    red = load_photo(stream).rgb.reshape(-1, 3).mean(axis=0)
    np.testing.assert_allclose(red, [255, 0, 0], atol=3)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tif", "avif", "heic"])
def test_the_first_frame_of_an_animation(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"moving.{suffix}"
    first, second = Image.new("RGB", (64, 64), (255, 0, 0)), Image.new("RGB", (64, 64), (0, 0, 255))
    first.save(file, save_all=True, append_images=[second])
    np.testing.assert_allclose(load_photo(file).rgb[0, 0].astype(int), [255, 0, 0], atol=3)


def test_10_bit_heic() -> None:
    from pillow_heif import from_bytes

    stream = io.BytesIO()
    deep = np.full((64, 64, 3), 40000, np.uint16)
    from_bytes("RGB;16", (64, 64), deep.tobytes()).save(stream)
    stream.seek(0)
    np.testing.assert_allclose(load_photo(stream).rgb[5, 5].astype(int), 40000 / 257, atol=1)


def test_transparent_heic_is_white() -> None:
    stream = io.BytesIO()
    Image.new("RGBA", (64, 64), (255, 0, 0, 0)).save(stream, "HEIF")
    stream.seek(0)
    np.testing.assert_array_equal(load_photo(stream).rgb[5, 5], [255, 255, 255])


def varied(mode: str) -> Image.Image:
    """37 x 23, no two rows alike."""
    rng = np.random.default_rng(0)
    if mode == "I;16":
        return Image.fromarray(rng.integers(0, 65536, (23, 37)).astype(np.uint16))
    if mode == "F":
        return Image.fromarray(rng.random((23, 37), np.float32))
    rgba = Image.fromarray(rng.integers(0, 256, (23, 37, 4)).astype(np.uint8))
    return rgba if mode == "RGBA" else rgba.convert("RGB").convert(mode)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "I;16", "F"])
def test_the_pixels_do_not_depend_on_the_bands_they_are_converted_in(
    monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    stream = io.BytesIO()
    profile = {} if mode in ("CMYK", "I;16", "F") else {"icc_profile": swapped_profile("wide")}
    varied(mode).save(stream, "TIFF", **profile)
    stream.seek(0)
    whole = load_photo(stream).rgb
    for pixels in (100, 1):  # two rows and one, of which the last band has less
        monkeypatch.setattr(pixels_module, "BAND", pixels)
        stream.seek(0)
        np.testing.assert_array_equal(load_photo(stream).rgb, whole)
    assert len(np.unique(whole, axis=0)) == 23


def swapped_profile(name: str) -> bytes:
    """An RGB profile whose red and green primaries are swapped, made from lcms' sRGB."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for index in range(struct.unpack(">I", profile[128:132])[0]):
        at = 132 + 12 * index
        swapped = {b"rXYZ": b"gXYZ", b"gXYZ": b"rXYZ"}.get(bytes(profile[at : at + 4]))
        if swapped:
            profile[at : at + 4] = swapped
    return bytes(profile).replace("sRGB".encode("utf-16-be"), name.encode("utf-16-be"))


def test_icc_profiles_are_converted_to_srgb() -> None:
    red = Image.new("RGB", (2, 2), (255, 0, 0))
    rgb = load_photo(png_bytes(red, icc_profile=swapped_profile("wide"))).rgb
    np.testing.assert_allclose(rgb[0, 0].astype(int), [0, 255, 0], atol=3)


def test_icc_profiles_of_palettes_and_heic() -> None:
    red = Image.new("RGB", (64, 64), (255, 0, 0))
    stream = io.BytesIO()
    red.save(stream, "HEIF", quality=95, icc_profile=swapped_profile("wide"))
    stream.seek(0)
    palette = png_bytes(red.convert("P"), icc_profile=swapped_profile("wide"))
    for image in (stream, palette):
        np.testing.assert_allclose(load_photo(image).rgb[0, 0].astype(int), [0, 255, 0], atol=3)


def test_srgb_and_broken_profiles_change_nothing() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (srgb, swapped_profile("sRGB"), b"no profile at all", srgb[:200]):
        rgb = load_photo(png_bytes(Image.fromarray(pixels), icc_profile=profile)).rgb
        np.testing.assert_array_equal(rgb, pixels)


# --- failures ----------------------------------------------------------------------------------


def one_line(error: pytest.ExceptionInfo[InputError], file: Path) -> str:
    text = str(error.value)
    assert str(file) in text and "\n" not in text
    return text


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        load_photo(tmp_path / "missing.jpg")
    assert "no such file" in one_line(error, tmp_path / "missing.jpg")


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        load_photo(tmp_path)
    assert "is a folder" in one_line(error, tmp_path)


def test_a_name_that_the_system_refuses(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_photo(tmp_path / ("x" * 300))


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "empty"),
        (b"just some text\n" * 20, "not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "not an image"),
        (b"\xff\xd8\xff", "is JPEG, but damaged"),
        (b"\0\0\0\x18ftypheic" + bytes(12), "not an image"),
        (b"\0\0\0\x18ftypavif" + bytes(12), "not an image"),
        (b"P6 2 2 255\n" + bytes(11), "is damaged or truncated (11 values of 12)"),
    ],
)
def test_no_image(tmp_path: Path, content: bytes, cause: str) -> None:
    file = tmp_path / "photo.jpg"
    file.write_bytes(content)
    with pytest.raises(InputError) as error:
        load_photo(file)
    assert cause in one_line(error, file)


@pytest.mark.parametrize(
    "format",
    ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "PPM", "JPEG2000", "MPO", "HEIF", "AVIF"],
)
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_truncated_files_are_never_half_decoded(tmp_path: Path, format: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).save(stream, format=format)
    whole = stream.getvalue()
    file = tmp_path / "cut.img"
    file.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(InputError) as error:
        load_photo(file)
    one_line(error, file)


def test_damaged_png_data(tmp_path: Path) -> None:
    data = bytearray(png_bytes(Image.fromarray(np.tile(UPRIGHT, (20, 20, 1)))).getvalue())
    at = data.index(b"IDAT") + 8
    data[at : at + 8] = b"\xff" * 8
    file = tmp_path / "bad.png"
    file.write_bytes(data)
    with pytest.raises(InputError) as error:
        load_photo(file)
    assert "damaged" in one_line(error, file)


def test_a_decompression_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", 20000, 20000, 8, 2, 0, 0, 0)
    file = tmp_path / "bomb.png"
    file.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 999))
    )
    with pytest.raises(InputError) as error:
        load_photo(file)
    assert "400 megapixels" in one_line(error, file)


def test_large_photos_below_the_limit_pass_silently(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = png_bytes(Image.fromarray(UPRIGHT))
    for limit in (5, 2):  # where Pillow would warn, and where it would refuse
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            load_photo(stream)
        assert limit == Image.MAX_IMAGE_PIXELS
        stream.seek(0)


def test_no_memory_is_no_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Image.Image, "crop", none_left)
    with pytest.raises(InputError, match=r"^image: does not fit into memory; scale it down first$"):
        load_photo(png_bytes(Image.fromarray(UPRIGHT)))


def test_a_large_pnm_is_refused_by_its_header() -> None:
    with pytest.raises(InputError, match="is 400 megapixels, more than the 250 that are allowed"):
        load_photo(io.BytesIO(b"P6 20000 20000 255\n"))


# getrusage would do, but a process starts with its parent's peak there, and pytest's may be large.
MEASURE = """
import re, sys
from pathlib import Path
from ppdcli.photo import load_photo
height, width, _ = load_photo(sys.argv[1]).rgb.shape
peak = re.search(r"VmHWM:\\s+([0-9]+) kB", Path("/proc/self/status").read_text())
print(width, height, peak[1])
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells a peak there")
def test_200_megapixels_take_little_more_than_twice_their_pixels(tmp_path: Path) -> None:
    """Pillow's four bytes a pixel and our three make 1400 MB."""
    width, height = 16_000, 12_500
    packer = zlib.compressobj(1)
    rows = b"".join(packer.compress(bytes(1 + 3 * width)) for _ in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">L", len(data)) + kind + data + struct.pack(">L", check)

    header = chunk(b"IHDR", struct.pack(">LLBBBBB", width, height, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", rows + packer.flush())
    file = tmp_path / "large.png"
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b""))
    command = [sys.executable, "-c", MEASURE, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.split()[:2] == ["16000", "12500"]
    assert int(done.stdout.split()[2]) < 1_700_000


def test_every_image_suffix_is_one_that_pillow_reads() -> None:
    Image.init()
    assert set(IMAGE_SUFFIXES) <= set(Image.registered_extensions())
    assert all(suffix == suffix.lower() for suffix in IMAGE_SUFFIXES)
