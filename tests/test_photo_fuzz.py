"""Damaged images of all formats: each ends as a photo or as one line, never as a crash or a hang.

The images are loaded in a process of their own (this file, run as a program), with limits on memory
and processor time for each. It says what became of each image, so that one that kills it is known.
"""

from __future__ import annotations

import faulthandler
import io
import random
import re
import resource
import signal
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from file_damage import OF_BYTES, Damage, with_right_checksums
from PIL import Image, ImageCms

from ppdcli.errors import InputError
from ppdcli.photo import Photo, load_photo

MEMORY = 4 << 30  # bytes of address space for the process
SECONDS = 60  # of processor time for an image; the longest has taken 12
WAIT = 900  # seconds on the clock for an image that hangs; a busy machine may take long


# --- sound images ------------------------------------------------------------------------------


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def tiled_tiff(pixels: np.ndarray) -> bytes:
    """8-bit grey, 64 x 64, in four tiles, each deflated."""
    tiles = [pixels[y : y + 32, x : x + 32] for y in (0, 32) for x in (0, 32)]
    packed = [zlib.compress(np.ascontiguousarray(tile).tobytes()) for tile in tiles]
    starts = np.cumsum([8] + [len(tile) for tile in packed])
    body = b"".join(packed)
    tags = [(256, [64]), (257, [64]), (258, [8]), (259, [8]), (262, [1]), (277, [1])]
    tags += [(322, [32]), (323, [32]), (324, list(starts[:4])), (325, [len(t) for t in packed])]
    return with_directory(body, tags)


def with_directory(body: bytes, tags: list[tuple[int, list[int]]]) -> bytes:
    """A TIFF of this content and its directory."""
    entries = b""
    for tag, values in tags:
        where = values[0] if len(values) == 1 else 8 + len(body)
        entries += struct.pack("<HHLL", tag, 4, len(values), where)
        if len(values) > 1:
            body += struct.pack(f"<{len(values)}L", *values)
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    return b"II*\0" + struct.pack("<L", 8 + len(body)) + body + directory


def planes_tiff(rgb: np.ndarray) -> bytes:
    """16-bit RGB, 64 x 48, its planes one after the other, each deflated."""
    planes = [
        zlib.compress((rgb[..., k] * np.uint16(257)).astype("<u2").tobytes()) for k in (0, 1, 2)
    ]
    starts = np.cumsum([8] + [len(plane) for plane in planes])
    tags = [(256, [64]), (257, [48]), (258, [16] * 3), (259, [8]), (262, [2])]
    tags += [(273, list(starts[:3])), (277, [3]), (278, [48]), (279, [len(p) for p in planes])]
    tags += [(284, [2])]
    return with_directory(b"".join(planes), tags)


def sound_images() -> dict[str, bytes]:
    import pillow_heif

    pillow_heif.register_heif_opener()
    y, x = np.mgrid[0:48, 0:64]
    noise = np.random.default_rng(0).integers(0, 40, (48, 64, 3))
    rgb = Image.fromarray((np.stack((x * 3, y * 4, x + y), axis=-1) + noise).astype(np.uint8))
    grey16 = Image.fromarray((x * 1000 + y).astype(np.uint16))
    square = np.asarray(rgb.convert("L").resize((64, 64)))
    frames = {"save_all": True, "append_images": [rgb.rotate(90), rgb.rotate(180)]}
    pages = {"save_all": True, "append_images": [rgb]}
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769)[0xA405] = 28
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace("sRGB".encode("utf-16-be"), "wide".encode("utf-16-be"))
    facts = {"exif": exif.tobytes(), "icc_profile": profile}
    text = " ".join(map(str, np.asarray(rgb).ravel().tolist())).encode()
    return {
        "jpeg": saved(rgb, "JPEG"),
        "jpeg-facts": saved(rgb, "JPEG", **facts),
        "jpeg-progressive": saved(rgb, "JPEG", progressive=True),
        "jpeg-cmyk": saved(rgb.convert("CMYK"), "JPEG"),
        "mpo": saved(rgb, "MPO", **frames),
        "png": saved(rgb, "PNG"),
        "png-facts": saved(rgb.convert("RGBA"), "PNG", **facts),
        "png-16": saved(grey16, "PNG"),
        "png-palette": saved(rgb.convert("P"), "PNG", transparency=3),
        "webp": saved(rgb, "WEBP"),
        "webp-facts": saved(rgb, "WEBP", lossless=True, **facts),
        "webp-moving": saved(rgb, "WEBP", **frames),
        "tiff": saved(rgb, "TIFF"),
        "tiff-16": saved(grey16, "TIFF"),
        "tiff-float": saved(Image.fromarray((x / 64).astype(np.float32)), "TIFF"),
        "tiff-cmyk": saved(rgb.convert("CMYK"), "TIFF"),
        "tiff-facts": saved(rgb, "TIFF", **facts),
        "tiff-deflate": saved(rgb, "TIFF", compression="tiff_adobe_deflate"),
        "tiff-lzw": saved(rgb, "TIFF", compression="tiff_lzw"),
        "tiff-jpeg": saved(rgb, "TIFF", compression="jpeg"),
        "tiff-fax": saved(rgb.convert("1"), "TIFF", compression="group4"),
        "tiff-tiled": tiled_tiff(square),
        "tiff-planes": planes_tiff(np.asarray(rgb)),
        "tiff-reduced": saved(rgb.resize((16, 12)), "TIFF", tiffinfo={254: 1}, **pages),
        "bmp": saved(rgb, "BMP"),
        "bmp-palette": saved(rgb.convert("P"), "BMP"),
        "gif": saved(rgb, "GIF"),
        "gif-moving": saved(rgb, "GIF", **frames),
        "jpeg2000": saved(rgb, "JPEG2000"),
        "jpeg2000-tiled": saved(rgb, "JPEG2000", tile_size=(32, 32), no_jp2=True),
        "ppm": saved(rgb, "PPM"),
        "pgm-16": saved(grey16, "PPM"),
        "ppm-text": b"P3 64 48 255\n" + text,
        "pbm": saved(rgb.convert("1"), "PPM"),
        "heic": saved(rgb, "HEIF"),
        "heic-facts": saved(rgb.convert("RGBA"), "HEIF", **facts),
        "avif": saved(rgb, "AVIF"),
        "avif-facts": saved(rgb.convert("RGBA"), "AVIF", **facts),
    }


# --- ways to damage them -----------------------------------------------------------------------

SIDES = (0, 1, 47, 4000, 15000, 30000, 65535, (1 << 31) - 1, (1 << 32) - 1)


def resized(rng: random.Random, data: bytearray, other: bytes) -> bytes:
    """Another width and height in the header, where the format keeps them."""
    sides = rng.choice(SIDES), rng.choice(SIDES)
    small = tuple(side & 0xFFFF for side in sides)
    if data.startswith(b"\x89PNG"):
        data[16:24] = struct.pack(">LL", *sides)
    elif data.startswith(b"BM"):
        data[18:26] = struct.pack("<LL", *sides)
    elif data.startswith(b"GIF"):
        data[6:10] = struct.pack("<HH", *small)
    elif data.startswith(b"II*"):
        for tag, side in zip((256, 257), sides, strict=True):
            pattern = struct.pack("<H", tag) + rb"([\x03\x04])\0\1\0\0\0....|"
            entry = struct.pack("<HHLL", tag, 4, 1, side)
            data[:] = re.sub(pattern[:-1], lambda _, entry=entry: entry, data, flags=re.DOTALL)
    elif data.startswith(b"P"):
        return re.sub(rb"64 48", b"%d %d" % sides, data, count=1)
    elif b"ispe" in data:
        at = data.index(b"ispe") + 8
        data[at : at + 8] = struct.pack(">LL", *sides)
    elif b"\xff\x51" in data[:200]:
        at = data.index(b"\xff\x51") + 6
        data[at : at + 8] = struct.pack(">LL", *sides)
    elif b"VP8X" in data:
        data[24:30] = struct.pack("<L", sides[0])[:3] + struct.pack("<L", sides[1])[:3]
    elif b"\x9d\x01\x2a" in data[:40]:
        at = data.index(b"\x9d\x01\x2a") + 3
        data[at : at + 4] = struct.pack("<HH", *small)
    elif frame := re.search(rb"\xff[\xc0\xc2]\0.\x08", data, re.DOTALL):
        data[frame.end() : frame.end() + 4] = struct.pack(">HH", *small[::-1])
    return data


DAMAGES: tuple[Damage, ...] = (*OF_BYTES, resized)


def damaged(images: dict[str, bytes], index: int) -> tuple[str, bytes]:
    """The index-th image and what was done to it: the same ones on every machine."""
    names = sorted(images)
    name = names[index % len(names)]
    rng = random.Random(index)
    damage = DAMAGES[index // len(names) % len(DAMAGES)]
    other = images[rng.choice(names)]
    data = bytes(damage(rng, bytearray(images[name]), other))
    if data.startswith(b"\x89PNG") and rng.random() < 0.7:
        data = with_right_checksums(data)
    return f"{name} {damage.__name__}", data


# --- the process that loads them ---------------------------------------------------------------


def outcome(data: bytes) -> str:
    try:
        photo = load_photo(io.BytesIO(data), "x.img")
    except InputError as error:
        line = str(error)
        return "refused" if line.startswith("x.img: ") and line.isprintable() else f"says {line!r}"
    except Exception as error:
        return f"raised {error!r}"
    return "loaded" if is_whole(photo) else f"returned {photo.rgb.shape} {photo.rgb.dtype}"


def is_whole(photo: Photo) -> bool:
    height, width, channels = photo.rgb.shape
    return height > 0 < width and channels == 3 and photo.rgb.dtype == np.uint8


def load_them(start: int, stop: int) -> None:
    """Says of each: index, name, damage, seconds, peak megabytes of the process, outcome."""
    images = sound_images()
    for name, data in images.items():
        assert outcome(data) == "loaded", name
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    faulthandler.enable()
    for index in range(start, stop):
        name, data = damaged(images, index)
        used = time.process_time()
        resource.setrlimit(resource.RLIMIT_CPU, (int(used) + SECONDS, resource.RLIM_INFINITY))
        faulthandler.dump_traceback_later(WAIT, exit=True)
        print(index, name, end=" ", flush=True)
        became = outcome(data)
        faulthandler.cancel_dump_traceback_later()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"{time.process_time() - used:.2f} {peak} {became}", flush=True)


# --- the tests ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fate:
    """What became of one image."""

    index: int
    what: str  # format and damage
    seconds: float
    megabytes: int
    outcome: str


def fates(start: int, stop: int) -> Iterator[Fate]:
    """Loads the images in a process, and in another after one that has killed it."""
    while start < stop:
        command = [sys.executable, "-W", "ignore", __file__, str(start), str(stop)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        for line in done.stdout.splitlines():
            index, name, damage, *rest = line.split(maxsplit=5)
            start = int(index) + 1
            if len(rest) == 3:
                yield Fate(int(index), f"{name} {damage}", float(rest[0]), int(rest[1]), rest[2])
            else:
                died = signal.Signals(-done.returncode).name if done.returncode < 0 else "exit"
                yield Fate(int(index), f"{name} {damage}", SECONDS, 0, f"{died}: {done.stderr}")
        if done.returncode == 0:
            yield Fate(stop, "stderr", 0, 0, done.stderr.strip() or "loaded")
        elif not done.stdout:
            raise RuntimeError(done.stderr)


def check(start: int, stop: int) -> None:
    seen = list(fates(start, stop))
    assert [fate for fate in seen if fate.outcome not in ("loaded", "refused")] == []
    assert [fate.index for fate in seen] == list(range(start, stop + 1))


def test_some_hundred_damaged_images() -> None:
    check(0, 342)


@pytest.mark.slow
def test_five_thousand_damaged_images() -> None:
    check(342, 5342)


if __name__ == "__main__":
    load_them(int(sys.argv[1]), int(sys.argv[2]))
