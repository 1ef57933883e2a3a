"""The one image loader: whatever is given, upright 8-bit sRGB comes out, or one clear error."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image

from ppdcli.errors import InputError, UsageError, shown
from ppdcli.files.source import BinaryStream, read_file, read_stream
from ppdcli.images import pnm
from ppdcli.images.arrays import as_rgb
from ppdcli.images.decode import Decoded, decode, several_note
from ppdcli.images.in_memory import Tensor, from_array, from_pillow, from_tensor, is_tensor
from ppdcli.images.opening import check_size

# fmt: off
IMAGE_SUFFIXES = frozenset((
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".tif", ".tiff",
    ".bmp", ".dib", ".gif", ".jp2", ".j2k", ".j2c", ".jpf", ".jpx", ".ppm", ".pgm", ".pbm", ".pnm",
    ".heic", ".heics", ".heif", ".heifs", ".hif", ".avif", ".avifs",
))
# fmt: on
"""Lower-case file suffixes that a search through a folder takes for photos."""


@dataclass(frozen=True, eq=False, repr=False)
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

    def __repr__(self) -> str:
        height, width = self.rgb.shape[:2]
        return f"<Photo {shown(self.name)!r}, {width}x{height}>"

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


PhotoSource = (
    Photo
    | str
    | os.PathLike[str]
    | bytes
    | bytearray
    | memoryview
    | BinaryStream
    | Image.Image
    | np.ndarray
    | Tensor
)
"""What a photo can be given as."""

_ACCEPTED = (
    "give a path, the bytes of an image file, a file opened in binary mode, a Pillow image, a "
    "NumPy array or a PyTorch tensor"
)


def load_photo(source: PhotoSource, name: str | None = None) -> Photo:
    """A photo from a file, or from what a program has in memory.

    - A path, the bytes of an image file, or a binary stream, read from where it stands to its end:
      the first frame of an animation, the main picture of several.
    - A Pillow image: as if its file were read.
    - A NumPy array, sRGB: (H, W, 3), (H, W, 4) with alpha, or (H, W); uint8, uint16 (0..65535) or
      floating-point numbers (0..1). OpenCV's arrays are BGR: give ``array[..., ::-1]``.
    - A PyTorch tensor of the same types: (3, H, W), (H, W, 3) or (H, W).
    - A ``Photo``, which is returned as it is.

    EXIF orientation is applied, or the container's in HEIC and AVIF. Transparent pixels are
    composited over white, as viewers show them: whatever colour lies beneath is not seen. Deeper
    than 8 bit is brought to 8 bit by value (16-bit grey: v / 257; float: 0..1). An embedded ICC
    profile for RGB or CMYK is converted to sRGB; without a readable one the pixels are taken as
    sRGB.

    Args:
        source: the photo. What is in memory is copied.
        name: what messages call it; its own name (``own_name``), "image" or "the picture" if not
            given.

    Raises:
        InputError: the file is missing, no file, empty, truncated, larger than 250 megapixels or
            2 GB, no image, or of a pixel type without an agreed range.
        UsageError: nothing that a photo can be given as, or an array or a tensor of another shape
            or type, or with floats outside 0..1.
    """
    if isinstance(source, Photo):
        return source
    name = name or own_name(source)
    if isinstance(source, str | os.PathLike):
        path = Path(os.fsdecode(source))
        name = name or str(path)
        return _decode(read_file(path, name), name, path)
    if isinstance(source, bytes | bytearray | memoryview):
        name = name or "image"
        return _decode(read_stream(io.BytesIO(bytes(source)), name), name, None)
    if isinstance(source, Image.Image):
        return _in_memory(from_pillow, source, name or "the picture")
    if isinstance(source, np.ndarray):
        return _in_memory(from_array, source, name or "the picture")
    if is_tensor(source):
        return _in_memory(from_tensor, source, name or "the picture")
    if hasattr(source, "read"):
        name = name or "image"
        return _decode(read_stream(cast(BinaryStream, source), name), name, None)
    raise UsageError(f"an object of type {type(source).__name__} is not a photo; {_ACCEPTED}")


def own_name(source: PhotoSource) -> str | None:
    """The name that a photo brings along, of its file; None where it has none."""
    if isinstance(source, Photo):
        return source.name
    if isinstance(source, str | os.PathLike):
        return str(Path(os.fsdecode(source)))
    file = getattr(source, "filename" if isinstance(source, Image.Image) else "name", None)
    return (file or None) if isinstance(file, str) else None


def each_photo(photos: Iterable[PhotoSource]) -> Iterator[PhotoSource]:
    """The photos of a collection, one by one.

    Arrays, tensors and buffers are copied, since a program may read the next frame into the same
    one.

    Raises:
        UsageError: it is no collection, but a photo itself.
    """
    stacked = isinstance(photos, np.ndarray) or is_tensor(photos)
    alone = isinstance(photos, str | os.PathLike | bytes | bytearray | memoryview | Photo)
    if alone or hasattr(photos, "read") or (stacked and photos.ndim != 4):  # type: ignore[attr-defined]
        raise UsageError(f"this {type(photos).__name__} is one photo; give a list of photos")
    try:
        members = iter(photos)
    except TypeError:
        raise UsageError(
            f"an object of type {type(photos).__name__} holds no photos; give a list of photos"
        ) from None
    return map(_copied, members)


def _copied(photo: Any) -> PhotoSource:
    if isinstance(photo, np.ndarray):
        return photo.copy()
    if isinstance(photo, bytearray | memoryview):
        return bytes(photo)
    return cast(Tensor, photo.clone()) if is_tensor(photo) else cast(PhotoSource, photo)


def load_member(photo: PhotoSource, index: int) -> Photo:
    """``load_photo`` of a collection's member; without a name it is called by its index."""
    return load_photo(photo, own_name(photo) or f"photos[{index}]")


def _in_memory(convert: Callable[[Any, str], Decoded], source: object, name: str) -> Photo:
    try:
        decoded = convert(source, name)
    except MemoryError as error:
        raise InputError(f"{name}: does not fit into memory; scale it down first") from error
    return _photo(decoded, name, None)


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
    return _photo(decoded, name, path)


def _photo(decoded: Decoded, name: str, path: Path | None) -> Photo:
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
