"""The one image loader: whatever the file, upright 8-bit sRGB comes out, or one clear error."""

from __future__ import annotations

import io
import math
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, ImageCms

from ppdcli.errors import InputError

# fmt: off
IMAGE_SUFFIXES = frozenset((
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".tif", ".tiff", ".bmp", ".dib",
    ".gif", ".jp2", ".j2k", ".jpx", ".ppm", ".pgm", ".pbm", ".pnm",
))
# fmt: on
"""Lower-case file suffixes that a search through a folder takes for photos."""

MAX_PIXELS = 250_000_000
"""Larger images are refused by their header: decoding them would take more than 2 GB."""

# Only these decoders run on users' files: some of Pillow's others start programs (EPS).
_FORMATS = ("BMP", "DIB", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
_FORMAT_NAMES = "JPEG, PNG, WebP, TIFF, BMP, GIF, JPEG 2000 or PPM"

# EXIF orientation: how the stored picture must be turned to stand upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_pillow_limit_lock = threading.Lock()


@dataclass(frozen=True, eq=False)
class Photo:
    """A decoded photo.

    Attributes:
        rgb: (H, W, 3) uint8 sRGB, upright (EXIF orientation applied).
        name: what messages call it: the path as given, or what the caller said.
        focal_35mm: EXIF FocalLengthIn35mmFilm in millimetres, None where absent.
        path: the file, None for a stream.
        orientation: EXIF orientation 1..8 that was undone to make it upright.
    """

    rgb: np.ndarray
    name: str
    focal_35mm: float | None = None
    path: Path | None = None
    orientation: int = 1


def load_photo(source: str | Path | BinaryIO, name: str | None = None) -> Photo:
    """Decode one photo (the first frame of an animation).

    EXIF orientation is applied. Transparent pixels are composited over white. Deeper than 8 bit
    is brought to 8 bit by value (16-bit grey: v / 257; float: 0..1). An embedded ICC profile of
    an RGB or CMYK image is converted to sRGB; without a readable one the pixels are taken as
    sRGB.

    Args:
        source: a file, or a binary stream, which need not be seekable.
        name: what messages call it; the path, or "image", if not given.

    Raises:
        InputError: the file is missing, a folder, empty, truncated, larger than 250 megapixels,
            no image, or of a pixel type without an agreed range.
    """
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        name = name or str(path)
        try:
            with path.open("rb") as stream:
                return _decode(stream, name, path)
        except FileNotFoundError:
            raise InputError(f"{name}: no such file; check the path") from None
        except IsADirectoryError:
            raise InputError(f"{name}: is a folder, not an image; name a file in it") from None
        except OSError as error:
            raise InputError(
                f"{name}: cannot be read ({error.strerror or error}); check the file's permissions"
            ) from error
    return _decode(source, name or "image", None)


def _decode(stream: BinaryIO, name: str, path: Path | None) -> Photo:
    if not stream.seekable():
        stream = io.BytesIO(stream.read())
    if not stream.read(1):
        raise InputError(f"{name}: is empty; copy or download it again")
    stream.seek(0)
    with _open(stream, name) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise InputError(
                f"{name}: {width}x{height} is {width * height / 1e6:.0f} megapixels, more than the "
                f"{MAX_PIXELS / 1e6:.0f} that are allowed; scale it down first"
            )
        try:
            image.load()
        except Exception as error:
            # Decoders raise OSError, SyntaxError, struct.error and more on damaged data.
            raise InputError(
                f"{name}: is damaged or truncated ({_one_line(error)}); copy or download it again"
            ) from error
        # After load(): Pillow turns TIFFs while loading, and then drops their orientation.
        orientation, focal_35mm = _read_exif(image)
        rgb_image = _to_rgb(image, name)
        if orientation in _UPRIGHT:
            rgb_image = rgb_image.transpose(_UPRIGHT[orientation])
        else:
            orientation = 1
        return Photo(np.array(rgb_image), name, focal_35mm, path, orientation)


def _open(stream: BinaryIO, name: str) -> Image.Image:
    try:
        with _own_pixel_limit():
            return Image.open(stream, formats=_FORMATS)
    except Exception as error:
        raise InputError(
            f"{name}: is not an image that can be read; give {_FORMAT_NAMES}"
        ) from error


@contextmanager
def _own_pixel_limit() -> Iterator[None]:
    """Lift Pillow's pixel limit while a header is parsed: ours is checked right after."""
    with _pillow_limit_lock:
        limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _read_exif(image: Image.Image) -> tuple[int, float | None]:
    """Orientation (1 if unknown) and FocalLengthIn35mmFilm; a broken EXIF block counts as none."""
    try:
        exif = image.getexif()
        orientation = exif.get(ExifTags.Base.Orientation, 1)
        focal = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.FocalLengthIn35mmFilm)
        focal_35mm = float(focal) if focal is not None else 0.0
    except Exception:
        return 1, None
    if not (math.isfinite(focal_35mm) and focal_35mm > 0):
        return orientation, None
    return orientation, focal_35mm


def _to_rgb(image: Image.Image, name: str) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_deep_grey_to_8bit(np.asarray(image), name)).convert("RGB")
    profile = image.info.get("icc_profile")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        image = Image.alpha_composite(white, rgba).convert("RGB")
    if profile and image.mode in ("RGB", "CMYK"):
        image = _to_srgb(image, profile)
    try:
        return image.convert("RGB")
    except ValueError as error:
        raise InputError(
            f"{name}: colour mode {image.mode} is not supported; save it as RGB"
        ) from error


def _deep_grey_to_8bit(grey: np.ndarray, name: str) -> np.ndarray:
    """Grey of more than 8 bit to uint8 by value; Pillow's own conversion would clip it."""
    if grey.dtype.kind == "f":
        if not (grey.min() >= 0 and grey.max() <= 1):
            raise InputError(
                f"{name}: float pixels outside 0..1 have no agreed brightness; save it as 8 or 16"
                " bit"
            )
        return np.rint(grey * 255).astype(np.uint8)
    if grey.min() < 0 or grey.max() > 65535:
        raise InputError(f"{name}: 32-bit pixels have no agreed brightness; save it as 8 or 16 bit")
    return ((grey.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert from an embedded ICC profile; leave the image as it is if that does not work."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        # What calls itself sRGB keeps its pixels exactly, whatever lcms makes of its curves.
        if "srgb" in ImageCms.getProfileDescription(source).lower():
            return image
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return image
    return converted if converted is not None else image


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
