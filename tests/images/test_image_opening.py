"""Headers that are made to wear a reader out, and readers that are not there."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator

import pytest
from PIL import Image

from ppdcli.errors import InputError
from ppdcli.images import opening
from ppdcli.images.opening import open_image


def saved(format: str, image: Image.Image | None = None, **options: object) -> bytes:
    stream = io.BytesIO()
    (image or Image.new("RGB", (16, 16), (200, 100, 50))).save(stream, format, **options)
    return stream.getvalue()


def size(data: bytes) -> tuple[int, int]:
    """The image's, after its pixels were decoded."""
    with open_image(data, "x") as image:
        image.load()
        return image.size


def refusal(data: bytes) -> str:
    with pytest.raises(InputError) as error:
        size(data)
    line = str(error.value)
    assert line.startswith("x: ") and line.isprintable()
    return line


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))


def png(width: int, height: int, *front: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">LLBBBBB", width, height, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes((width + 1) * height)))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(front) + pixels + chunk(b"IEND")


# --- headers without an end --------------------------------------------------------------------

GIF = b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff"
JPEG = saved("JPEG")
WORN_OUT = {
    "JPEG of zeros": JPEG[:20] + bytes(1_000_000),
    "JPEG of filling": b"\xff\xd8" + b"\xff" * 1_000_000,
    "JPEG of empty comments": JPEG[:2] + b"\xff\xfe\0\2" * 300_000 + JPEG[2:],
    "PNG of empty chunks": png(4, 4, chunk(b"abCd") * 100_000),
    "GIF of a long comment": GIF + b"!\xfe" + b"\1a" * 300_000 + b"\0",
    "BigTIFF of tags": b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 1 << 40) + bytes(20 * 50_000),
}


@pytest.mark.parametrize("name", WORN_OUT)
def test_a_header_without_an_end_is_given_up(name: str) -> None:
    assert "no end of its header's parts" in refusal(WORN_OUT[name])


def test_metadata_of_many_megabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow joins the pieces of EXIF again and again."""
    monkeypatch.setattr(opening, "BYTES_OF_A_HEADER", 1_000_000)
    piece = b"\xff\xe1\xff\xf0Exif\0\0" + bytes(0xFFF0 - 8)
    assert size(JPEG[:2] + piece * 10 + JPEG[2:]) == (16, 16)
    assert "no end of its header's parts" in refusal(JPEG[:2] + piece * 20 + JPEG[2:])


def test_pixels_in_endless_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "READS_OF_PIXELS", 1000)
    pixels = zlib.compress(bytes(5 * 4))
    front = png(4, 4).partition(struct.pack(">L", len(pixels)) + b"IDAT")[0]
    many = front + chunk(b"IDAT") * 2000 + chunk(b"IDAT", pixels) + chunk(b"IEND")
    with open_image(many, "x") as image, pytest.raises(InputError):
        image.load()
    monkeypatch.undo()
    assert size(many) == (4, 4)


def tiff(*tags: tuple[int, int, int, int]) -> bytes:
    known = [(256, 3, 1, 4), (257, 3, 1, 4), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    known += [(273, 4, 1, 8), (277, 3, 1, 1), (278, 3, 1, 4), (279, 4, 1, 16)]
    entries = sorted([*known, *tags])
    directory = struct.pack("<H", len(entries)) + b"".join(
        struct.pack("<HHLL", *e) for e in entries
    )
    return b"II*\0" + struct.pack("<L", 24) + bytes(16) + directory + bytes(4)


def test_arrays_of_a_tiff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "LONGEST_TIFF_ARRAYS", 1000)
    assert size(tiff() + bytes(4000)) == (4, 4)
    assert size(tiff((40000, 7, 1500, 100)) + bytes(4000)) == (4, 4)  # of bytes, as layers are
    assert "header is too long" in refusal(tiff((40000, 3, 1500, 100)) + bytes(4000))


# --- sizes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [16000, 30000])  # by our limit, and by Pillow's beyond twice it
@pytest.mark.filterwarnings("ignore:Image size")
def test_too_many_pixels(side: int) -> None:
    data = png(4, 4)
    header = struct.pack(">LL", side, side)
    data = data.replace(chunk(b"IHDR", data[16:29]), chunk(b"IHDR", header + data[24:29]))
    assert "the 250 " in refusal(data) and refusal(data).endswith("; scale it down first")


def test_a_tile_that_is_larger_than_the_picture_may_be() -> None:
    pixels = zlib.compress(bytes(10_000_000))
    tags = [(256, 4), (257, 4), (258, 8), (259, 8), (262, 1), (277, 1), (322, 60000), (323, 60000)]
    tags += [(324, 8), (325, len(pixels))]
    entries = b"".join(struct.pack("<HHLL", tag, 4, 1, value) for tag, value in tags)
    at = struct.pack("<L", 8 + len(pixels))
    data = b"II*\0" + at + pixels + struct.pack("<H", len(tags)) + entries + bytes(4)
    with open_image(data, "x") as image, pytest.raises((OSError, MemoryError)):
        image.load()


def test_pillows_limit_comes_back_when_the_last_thread_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 7)
    inside, leave = threading.Event(), threading.Event()

    def stay() -> None:
        with open_image(JPEG, "x"):
            inside.set()
            leave.wait(60)

    other = threading.Thread(target=stay)
    other.start()
    assert inside.wait(60)
    assert size(JPEG) == (16, 16)
    assert Image.MAX_IMAGE_PIXELS == opening.MAX_PIXELS
    leave.set()
    other.join()
    assert Image.MAX_IMAGE_PIXELS == 7


# --- JPEGs of many scans -----------------------------------------------------------------------


def with_scans(count: int) -> bytes:
    data = saved("JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * count + b"\xff\xd9"


def test_a_jpeg_of_many_scans() -> None:
    assert size(with_scans(20)) == (16, 16)
    assert "has more than 500 scans; save it again" in refusal(with_scans(501))


def test_what_looks_like_scans_behind_the_picture_or_in_its_metadata_is_none() -> None:
    assert size(saved("JPEG", progressive=True) + b"\xff\xda" * 1000) == (16, 16)
    assert size(saved("JPEG", comment=b"\xff\xda" * 1000)) == (16, 16)


# --- readers -----------------------------------------------------------------------------------


@pytest.fixture
def no_heif(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    opening.reads_heif.cache_clear()
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    yield
    opening.reads_heif.cache_clear()


def test_heic_without_its_reader(no_heif: None) -> None:
    data = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    assert refusal(data) == (
        "x: is HEIC, which needs the package pillow-heif; install it, or save it as JPEG"
    )
    assert size(JPEG) == (16, 16)


def test_avif_without_its_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "reads_avif", lambda: False)
    assert "is AVIF, which this build of Pillow cannot read; save" in refusal(saved("AVIF"))


def test_a_known_kind_that_cannot_be_read_is_named() -> None:
    rgb_of_floats = tiff((339, 3, 1, 3)).replace(
        struct.pack("<HHLL", 258, 3, 1, 8), struct.pack("<HHLL", 258, 3, 1, 24)
    )
    assert refusal(rgb_of_floats).startswith("x: is a TIFF of grey of 24-bit floating-point")
    assert "is not an image that can be read; give JPEG, PNG, " in refusal(b"just text")


# --- memory ------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="counts page faults as Linux does")
def test_a_large_pictures_memory_is_not_cleared_where_no_other_thread_can_run() -> None:
    import resource

    faults = []

    def new() -> None:
        bytearray(20 << 20)  # after which the C library keeps what is freed, up to 32 MB a piece
        for _ in range(3):
            before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
            Image.new("RGB", (4000, 3000), None)
            faults.append(resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before)

    thread = threading.Thread(target=new)
    thread.start()
    thread.join()
    assert max(faults) < 1000, "of 12000 pages"


def test_a_larger_block_that_the_user_asked_for_stays() -> None:
    program = "import ppdcli.photo; from PIL import Image; print(Image.core.get_block_size())"
    environment = {**os.environ, "PILLOW_BLOCK_SIZE": "200m"}
    command = [sys.executable, "-c", program]
    assert int(subprocess.check_output(command, env=environment)) == 200 << 20
