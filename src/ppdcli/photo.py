"""The one image loader: whatever the file, upright 8-bit sRGB comes out, or one clear error."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageCms, TiffImagePlugin

from ppdcli.errors import InputError, shown
from ppdcli.files.source import read_file, read_stream
from ppdcli.images import pnm
from ppdcli.images.exif import read_exif
from ppdcli.images.opening import check_size, open_image
from ppdcli.images.whole import require_data, require_whole, with_its_end

# fmt: off
IMAGE_SUFFIXES = frozenset((
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".tif", ".tiff", ".bmp", ".dib",
    ".gif", ".jp2", ".j2k", ".jpx", ".ppm", ".pgm", ".pbm", ".pnm", ".heic", ".heif", ".avif",
))
# fmt: on
"""Lower-case file suffixes that a search through a folder takes for photos."""

_LONGEST_BOXES = 1 << 20  # bytes at a HEIC's start, in which its boxes lie
_BAND = 1 << 18  # pixels that are converted at a time, which stay in the cache

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
_LAST_ROW_FIRST = (3, 4, 6, 7)  # orientations whose first stored row ends at the bottom or right
_SIDEWAYS = (5, 6, 7, 8)  # whose rows become columns


@dataclass(frozen=True, eq=False)
class Photo:
    """A decoded photo.

    Attributes:
        rgb: (H, W, 3) uint8 sRGB, upright (EXIF orientation applied).
        name: what messages call it: the path as given, or what the caller said.
        focal_35mm: EXIF FocalLengthIn35mmFilm in millimetres, None where absent.
        path: the file, None for a stream.
        orientation: EXIF orientation 1..8 that was undone to make it upright, by this loader or,
            for HEIC, by the decoder.
    """

    rgb: np.ndarray
    name: str
    focal_35mm: float | None = None
    path: Path | None = None
    orientation: int = 1


def load_photo(source: str | Path | BinaryIO, name: str | None = None) -> Photo:
    """Decode one photo: the first frame of an animation, the main picture of several.

    EXIF orientation is applied, or the container's in HEIC and AVIF. Transparent pixels are
    composited over white. Deeper than 8 bit is brought to 8 bit by value (16-bit grey: v / 257;
    float: 0..1). An embedded ICC profile for RGB or CMYK is converted to sRGB; without a readable
    one the pixels are taken as sRGB.

    Args:
        source: a file, or a binary stream, read from where it stands to its end.
        name: what messages call it; the path, or "image", if not given.

    Raises:
        InputError: the file is missing, no file, empty, truncated, larger than 250 megapixels or
            2 GB, no image, or of a pixel type without an agreed range.
    """
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        name = name or str(path)
        return _decode(read_file(path, name), name, path)
    name = name or "image"
    return _decode(read_stream(source, name), name, None)


def _decode(data: bytes, name: str, path: Path | None) -> Photo:
    if not data:
        raise InputError(f"{name}: is empty; copy or download it again")
    try:
        if pnm.is_pnm(data):
            check_size(*pnm.size(data), name)
            return Photo(pnm.decode(data), name, None, path)
        with open_image(data, name) as image:
            require_data(image, data)
            try:
                image.load()
            except OSError:
                ended = with_its_end(data)
                if ended is None:
                    raise
                return _decode(ended, name, path)
            require_whole(image, data)
            # After load(): Pillow turns TIFFs while loading, and then drops their orientation.
            orientation, focal_35mm = read_exif(image)
            rgb = _to_rgb(image, orientation, name)
            orientation = _turned_by_decoder(image, data) or orientation
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(f"{name}: does not fit into memory; scale it down first") from error
    except Exception as error:
        # Decoders raise OSError, SyntaxError, struct.error and more on damaged data.
        raise InputError(
            f"{name}: is damaged or truncated ({_one_line(error)}); copy or download it again"
        ) from error
    return Photo(rgb, name, focal_35mm, path, orientation)


def _turned_by_decoder(image: Image.Image, data: bytes) -> int | None:
    """The EXIF orientation that a HEIC's decoder has undone; None if it has turned nothing.

    It follows the container's own boxes, as phones write them beside the same orientation in EXIF.
    """
    head = data[:_LONGEST_BOXES]
    if image.format != "HEIF" or not (b"irot" in head or b"imir" in head):
        return None
    orientation = image.info.get("original_orientation")
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else None


def _to_rgb(image: Image.Image, orientation: int, name: str) -> np.ndarray:
    """(H, W, 3) uint8, upright; each band of rows is converted, turned and put in its place."""
    width, height = image.size
    to_srgb, grey = _srgb_transform(image), _Grey.of(image)
    sideways = orientation in _SIDEWAYS
    rgb = np.empty((width, height, 3) if sideways else (height, width, 3), np.uint8)
    rows = max(1, _BAND // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        band = _band_to_rgb(image.crop((0, top, width, bottom)), to_srgb, grey, name)
        if orientation in _UPRIGHT:
            band = band.transpose(_UPRIGHT[orientation])
        backwards = orientation in _LAST_ROW_FIRST
        place = slice(height - bottom, height - top) if backwards else slice(top, bottom)
        target = rgb[:, place] if sideways else rgb[place]
        target[...] = np.asarray(band)
    return rgb


def _band_to_rgb(
    band: Image.Image, to_srgb: ImageCms.ImageCmsTransform | None, deep: _Grey, name: str
) -> Image.Image:
    if band.mode.startswith("I") or band.mode == "F":
        return Image.fromarray(deep.to_8bit(np.asarray(band), name)).convert("RGB")
    try:
        if band.has_transparency_data:
            rgba = band.convert("RGBA")
            white = Image.new("RGBA", rgba.size, "white")
            band = Image.alpha_composite(white, rgba)
        if to_srgb is None:
            return band.convert("RGB")
        return to_srgb.apply(band.convert(to_srgb.input_mode))
    except ValueError as error:
        raise InputError(
            f"{name}: colour mode {band.mode} is not supported; save it as RGB"
        ) from error


@dataclass(frozen=True)
class _Grey:
    """What grey of more than 8 bit means, which Pillow's own conversion would clip.

    Attributes:
        most: the largest value there can be.
        white_is_zero: whether it is black.
    """

    most: int
    white_is_zero: bool

    @classmethod
    def of(cls, image: Image.Image) -> _Grey:
        """16 bit, black at zero, unless a TIFF says that it is not so."""
        tags = getattr(image, "tag_v2", {})
        bits = tags.get(TiffImagePlugin.BITSPERSAMPLE, (16,))[0]
        inverted = tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0
        return cls(2 ** min(bits, 16) - 1, inverted)

    def to_8bit(self, grey: np.ndarray, name: str) -> np.ndarray:
        """The pixels as uint8, 0 black."""
        if grey.dtype.kind == "f":
            if not (grey.min() >= 0 and grey.max() <= 1):
                raise InputError(
                    f"{name}: float pixels outside 0..1 have no agreed brightness; save it as 8 or"
                    " 16 bit"
                )
            return np.rint((1 - grey if self.white_is_zero else grey) * 255).astype(np.uint8)
        if grey.min() < 0 or grey.max() > self.most:
            raise InputError(
                f"{name}: 32-bit pixels have no agreed brightness; save it as 8 or 16 bit"
            )
        value = grey.astype(np.uint32)
        if self.white_is_zero:
            value = self.most - value
        return ((value * 255 + self.most // 2) // self.most).astype(np.uint8)


def _srgb_transform(image: Image.Image) -> ImageCms.ImageCmsTransform | None:
    """From an embedded ICC profile; None where there is none, or none that works."""
    profile = image.info.get("icc_profile")
    if not profile:
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        # What calls itself sRGB keeps its pixels exactly, whatever lcms makes of its curves.
        if "srgb" in ImageCms.getProfileDescription(source).lower():
            return None
        mode = "CMYK" if image.mode == "CMYK" else "RGB"
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return None


def _one_line(error: Exception) -> str:
    return shown(" ".join(str(error)[:2000].split()) or type(error).__name__)
