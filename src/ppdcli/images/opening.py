"""Opens images with Pillow. Only safe decoders run, and no header can keep them busy for long."""

from __future__ import annotations

import ctypes
import io
import logging
import math
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
from PIL import Image, features

from ppdcli.errors import InputError
from ppdcli.images import tiff
from ppdcli.images.kinds import AVIF_BRANDS, HEIF_BRANDS, other_kind

MAX_PIXELS = 250_000_000
"""Larger images are refused by their header. Decoding so many pixels takes 2 GB of memory, 4 GB as
WebP, and 5 GB as JPEG 2000."""

MAX_SIDE = 1_000_000
"""Longest side in pixels. No photo is larger, and decoders keep data for each row."""

# Only these decoders run on users' files. Some of Pillow's others start programs (EPS). AVIF comes
# before HEIF: both claim the brands mif1 and msf1, and AVIF's reader passes HEIF on.
_FORMATS = ("BMP", "DIB", "GIF", "JPEG", "JPEG2000", "PNG", "TIFF", "WEBP")
_FORMAT_NAMES = "JPEG, PNG, WebP, HEIC, AVIF, TIFF, BMP, GIF, JPEG 2000 or PPM"
_KINDS = {b"\xff\xd8\xff": "JPEG", b"\x89PNG": "PNG", b"GIF8": "GIF"} | dict.fromkeys(
    tiff.SIGNS, "TIFF"
)

# Pillow reads some formats piece by piece in Python. A sound header takes some hundred reads. The
# largest allowed PNG, in the smallest usual chunks, takes 700,000.
_READS_OF_A_HEADER = 20_000
READS_OF_PIXELS = 1_000_000
BYTES_OF_A_HEADER = 32_000_000  # not for TIFF, because Photoshop keeps all layers in its header
_TIFF_BYTES = (1, 2, 7)  # types that Pillow reads as bytes or text
LONGEST_TIFF_ARRAYS = 4_000_000  # entries, which Pillow converts to Python numbers
_MOST_SCANS = 500  # of a progressive JPEG; each scan may process all pixels again
_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")

_BLOCK_BYTES = 1 << 26  # 16 megapixels

logging.getLogger("PIL").addHandler(logging.NullHandler())  # keeps some errors off stderr
# Pillow allocates a picture's memory in blocks of 16 MB by default. The C library reuses blocks of
# this size, and clears them first. At 12 megapixels this blocks all other Python threads for 30 ms.
# Larger blocks come from the system, which clears them while they are filled.
Image.core.set_block_size(max(_BLOCK_BYTES, Image.core.get_block_size()))


class _Metered(io.BytesIO):
    """A file in memory that allows a limited number of reads."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name
        self.reads = _READS_OF_A_HEADER
        self.bytes: float = math.inf if data.startswith(tiff.SIGNS) else BYTES_OF_A_HEADER

    def header_is_read(self) -> None:
        """Sets the limits for reading the pixels. Call it when the header has been read."""
        self.reads, self.bytes = READS_OF_PIXELS, math.inf

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.reads -= 1
        if size is not None and size >= 0:  # a read of the whole file happens only once
            self.bytes -= len(data)
        if self.reads < 0 or self.bytes < 0:
            raise InputError(
                f"{self.name}: is damaged or truncated (no end of its header's parts); "
                "copy or download it again"
            )
        return data


@contextmanager
def open_image(
    data: bytes, name: str, formats: tuple[str, ...] | None = None
) -> Iterator[Image.Image]:
    """Opens an image with a sound header and an allowed size. Its pixels are not decoded yet.

    Args:
        data: the file.
        name: the file's name for messages.
        formats: Pillow's names of the allowed formats; None for all formats of photos.

    Raises:
        InputError: the file is not an image, is of a kind that cannot be read, or is too large.
    """
    with _OWN_PIXEL_LIMIT:
        _check_tiff(data, name)
        file = _Metered(data, name)
        try:
            image = Image.open(file, formats=formats or _formats(data))
        except (InputError, MemoryError):
            raise
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise InputError(
                f"{name}: has more than the {MAX_PIXELS / 1e6:.0f} megapixels that are allowed; "
                "scale it down first"
            ) from error
        except Exception as error:
            if formats is None:
                raise InputError(f"{name}: {_what_is_wrong(data)}") from error
            kind = " or ".join(formats)
            raise InputError(f"{name}: cannot be read as {kind}; check the file") from error
        with image:
            check_size(*image.size, name)
            if image.format in ("JPEG", "MPO"):
                _check_scans(data, name)
            file.header_is_read()
            yield image


def check_size(width: int, height: int, name: str) -> None:
    """Requires a size of at most ``MAX_PIXELS``, with sides of at most ``MAX_SIDE``.

    Raises:
        InputError: the size is larger.
    """
    if max(width, height) > MAX_SIDE:
        raise InputError(
            f"{name}: {width}x{height} has a side of more than the {MAX_SIDE} pixels that are "
            "allowed; scale it down first"
        )
    if width * height > MAX_PIXELS:
        raise InputError(
            f"{name}: {width}x{height} is {width * height / 1e6:.0f} megapixels, more than the "
            f"{MAX_PIXELS / 1e6:.0f} that are allowed; scale it down first"
        )


def _formats(data: bytes) -> tuple[str, ...]:
    """Returns Pillow's names of the readers that may open the file."""
    brand = data[4:12]
    if data.startswith(tiff.SIGNS):
        _hush_libtiff()
    return (
        *_FORMATS,
        *(("AVIF",) if AVIF_BRANDS.fullmatch(brand) and reads_avif() else ()),
        *(("HEIF",) if HEIF_BRANDS.fullmatch(brand) and reads_heif() else ()),
    )


def _what_is_wrong(data: bytes) -> str:
    """Returns why no reader can open the file."""
    brand = data[4:12]
    if HEIF_BRANDS.fullmatch(brand) and not reads_heif():
        return "is HEIC, which needs the package pillow-heif; install it, or save it as JPEG"
    if AVIF_BRANDS.fullmatch(brand) and not reads_avif():
        return "is AVIF, which this build of Pillow cannot read; save it as JPEG"
    kind = next((kind for start, kind in _KINDS.items() if data.startswith(start)), None)
    if kind is None:
        other = other_kind(data)
        what = "is not an image" if other is None else f"is {other}, not an image"
        return f"{what} that can be read; give {_FORMAT_NAMES}"
    if kind == "TIFF" and (found := tiff.directories(data)):
        directory = tiff.main_picture(found)
        if min(directory.size) > 0 and directory.is_unusual:
            return unreadable_pixels(directory)
    return f"is {kind}, but damaged or of a kind that cannot be read; save it as 8-bit RGB"


def unreadable_pixels(directory: tiff.Directory) -> str:
    """Returns why the pixels of a TIFF cannot be read."""
    return (
        f"is a TIFF of {directory.describe()}, which cannot be read as a photo; save it as grey or "
        "RGB of 8 or 16 bit"
    )


def reads_avif() -> bool:
    """Whether this build of Pillow reads AVIF."""
    return bool(features.check("avif"))


@cache
def reads_heif() -> bool:
    """Makes Pillow read HEIC. Returns False if the package for it is missing."""
    try:
        import pillow_heif
    except ImportError:
        return False
    pillow_heif.register_heif_opener()
    return True


@cache
def _hush_libtiff() -> None:
    """Keeps libtiff's own lines off stderr. Pillow raises errors with the same content."""
    try:
        set_handler = ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler
    except (AttributeError, OSError):  # not available in this build; the lines do no harm
        return
    set_handler.argtypes, set_handler.restype = [ctypes.c_void_p], ctypes.c_void_p
    set_handler(None)


def _check_tiff(data: bytes, name: str) -> None:
    """Refuses long arrays of numbers. No photo has them; Pillow makes Python objects of them."""
    entries = tiff.first_entries(data)  # none in a damaged file, which Pillow then refuses
    arrays = entries["count"][~np.isin(entries["type"], _TIFF_BYTES)]
    if arrays.sum(dtype=np.float64) > LONGEST_TIFF_ARRAYS:
        raise InputError(f"{name}: is damaged (its header is too long); copy or download it again")


def _check_scans(data: bytes, name: str) -> None:
    """Refuses a JPEG with so many scans that decoding takes very long."""
    if data.count(b"\xff\xda") <= _MOST_SCANS:
        return
    # Some of them may be in metadata or after the picture, for example in a phone's short video.
    position, scans = 2, 0
    while scans <= _MOST_SCANS and (marker := _MARKER.search(data, position)):
        position, code = marker.end(), marker[1]
        if code == b"\xd9":
            return
        scans += code == b"\xda"
        if code not in b"\x01\xd8\xda":
            position += int.from_bytes(data[position : position + 2], "big")
    if scans > _MOST_SCANS:
        raise InputError(f"{name}: has more than {_MOST_SCANS} scans; save it again as JPEG or PNG")


class _OwnPixelLimit:
    """Replaces Pillow's pixel limit by ours while any thread is inside."""

    def __init__(self) -> None:
        self._lock, self._inside, self._pillows = threading.Lock(), 0, Image.MAX_IMAGE_PIXELS

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._pillows, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, MAX_PIXELS
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                Image.MAX_IMAGE_PIXELS = self._pillows


_OWN_PIXEL_LIMIT = _OwnPixelLimit()
