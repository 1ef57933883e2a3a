"""The one image loader: whatever the file, upright 8-bit sRGB comes out, or one clear error."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ppdcli.errors import InputError, UsageError, shown
from ppdcli.files.source import read_file, read_stream
from ppdcli.images import pnm
from ppdcli.images.arrays import as_rgb
from ppdcli.images.decode import Decoded, decode, several_note
from ppdcli.images.opening import check_size

# fmt: off
IMAGE_SUFFIXES = frozenset((
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".tif", ".tiff",
    ".bmp", ".dib", ".gif", ".jp2", ".j2k", ".j2c", ".jpf", ".jpx", ".ppm", ".pgm", ".pbm", ".pnm",
    ".heic", ".heics", ".heif", ".heifs", ".hif", ".avif", ".avifs",
))
# fmt: on
"""Lower-case file suffixes that a search through a folder takes for photos."""


@dataclass(frozen=True, eq=False)
class Photo:
    """A decoded photo.

    Any array of a picture may be given: (H, W, 3), (H, W, 1) or (H, W) of uint8, uint16 or floats
    in 0..1 becomes (H, W, 3) uint8 (``images.arrays.as_rgb``).

    Attributes:
        rgb: (H, W, 3) uint8 sRGB, upright (EXIF orientation applied).
        name: what messages call it: the path as given, or what the caller said.
        focal_35mm: EXIF FocalLengthIn35mmFilm in millimetres, None where absent.
        path: the file, None for a stream.
        orientation: EXIF orientation 1..8 that was undone to make it upright, by this loader or,
            for HEIC, by the decoder.
        opaque: (H, W) bool, False where alpha is 0: such a pixel shows nothing, and gets no depth
            and no point. None where all can be seen.
        projection: of a panorama that says so, such as "equirectangular"; None for all else.
        notes: lines for the user on how the file was read, each naming it.

    Raises:
        UsageError: pixels of another shape or type, or a mask of another size.
    """

    rgb: np.ndarray
    name: str
    focal_35mm: float | None = None
    path: Path | None = None
    orientation: int = 1
    opaque: np.ndarray | None = None
    projection: str | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "rgb", as_rgb(self.rgb, self.name))
        if self.opaque is not None and self.opaque.shape != self.rgb.shape[:2]:
            raise UsageError(
                f"{self.name}: the mask of what can be seen is {self.opaque.shape}, but the photo "
                f"is {self.rgb.shape[:2]}; give one of the photo's size"
            )

    def require_visible(self) -> None:
        """Refuse a photo of which nothing can be seen.

        Raises:
            InputError: every pixel is transparent.
        """
        if self.opaque is not None and not self.opaque.any():
            raise InputError(
                f"{self.name}: every pixel is transparent, so there is nothing to see; save it "
                "without its alpha channel"
            )


def load_photo(source: str | Path | BinaryIO, name: str | None = None) -> Photo:
    """Decode one photo: the first frame of an animation, the main picture of several.

    EXIF orientation is applied, or the container's in HEIC and AVIF. Transparent pixels are
    composited over white, as viewers show them: whatever colour lies beneath is not seen. Deeper
    than 8 bit is brought to 8 bit by value (16-bit grey: v / 257; float: 0..1). An embedded ICC
    profile for RGB or CMYK is converted to sRGB; without a readable one the pixels are taken as
    sRGB.

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
            decoded = Decoded(pnm.decode(data), is_deep=pnm.is_deep(data), notes=several_note(data))
        else:
            decoded = decode(data, name)
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(f"{name}: does not fit into memory; scale it down first") from error
    except Exception as error:
        # Decoders raise OSError, SyntaxError, struct.error and more on damaged data.
        raise InputError(
            f"{name}: is damaged or truncated ({_one_line(error)}); copy or download it again"
        ) from error
    return Photo(
        decoded.rgb,
        name,
        decoded.focal_35mm,
        path,
        decoded.orientation,
        decoded.opaque,
        decoded.projection,
        tuple(f"{name}: {note}" for note in decoded.all_notes()),
    )


def _one_line(error: Exception) -> str:
    return shown(" ".join(str(error)[:2000].split()) or type(error).__name__)
