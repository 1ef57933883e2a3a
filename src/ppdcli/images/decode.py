"""Decodes a file to a photo: the main picture, complete, upright, in 8-bit sRGB."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from ppdcli.errors import InputError
from ppdcli.images import kinds, tiff, tiff_planes
from ppdcli.images.exif import read_exif
from ppdcli.images.opening import open_image, unreadable_pixels
from ppdcli.images.pixels import to_rgb
from ppdcli.images.projection import read_projection
from ppdcli.images.several import count_pictures
from ppdcli.images.whole import require_data, require_whole, with_its_end

_LONGEST_BOXES = 1 << 20  # bytes at the start of a HEIC file that contain its boxes
_DARK = 64  # of 255; the largest value of 14 bits that are stored in 16


@dataclass(frozen=True, eq=False)
class Decoded:
    """A photo without its name.

    Attributes:
        rgb, focal_35mm, orientation, opaque, projection: as in ``ppdcli.photo.Photo``.
        is_deep: whether the file has 16 bits per sample.
        notes: lines for the user about how it was read, without the file's name.
    """

    rgb: np.ndarray
    focal_35mm: float | None = None
    orientation: int = 1
    opaque: np.ndarray | None = None
    is_deep: bool = False
    projection: str | None = None
    notes: tuple[str, ...] = field(default=())

    def all_notes(self) -> Iterator[str]:
        """Yields the notes, and one about a picture that is too dark."""
        yield from self.notes
        most = int(self.rgb.max()) if self.is_deep else 0
        if 0 < most <= _DARK:
            yield (
                f"is dark: no pixel is above {(most + 1) / 256:.0%} of what its 16 bits hold, as "
                "when 12 bits are stored in 16; stretch it to the full range first, for example "
                "with magick -auto-level"
            )


def decode(data: bytes, name: str) -> Decoded:
    """Decodes a file that Pillow or its plugins can read.

    Args:
        data: the file.
        name: the file's name for messages.

    Raises:
        InputError: the file is of a kind that cannot be read, or is too large.
        Exception: of any kind, if the file is damaged.
    """
    if (start := kinds.start_of_jpeg(data[: kinds.HEAD])) > 0:
        data = data[start:]
    found = tiff.directories(data)
    if (raw := kinds.raw_kind(data, found)) is not None:
        raise InputError(f"{name}: {kinds.way_of_raw(raw)}")
    if found:
        return _decode_tiff(data, name, found)
    with open_image(data, name) as image:
        notes = (*_frames_note(image), *several_note(data))
        is_deep = _is_deep(image)
        require_data(image, data)
        try:
            image.load()
        except OSError:
            ended = with_its_end(data)
            if ended is None:
                raise
            return decode(ended, name)
        require_whole(image, data)
        orientation, focal_35mm = read_exif(image)
        projection = read_projection(image)
        rgb, opaque = to_rgb(image, orientation, name)
        turned = _turned_by_decoder(image, data) or orientation
    return Decoded(rgb, focal_35mm, turned, opaque, is_deep, projection, notes)


def _decode_tiff(data: bytes, name: str, found: list[tiff.Directory]) -> Decoded:
    main = tiff.main_picture(found)
    whole = data if main is found[0] else tiff.beginning_with(data, main.offset)
    with open_image(whole, name) as image:
        _, focal_35mm = read_exif(image)
        projection = read_projection(image)
        if tiff_planes.is_mixed_up(main):
            if tiff_planes.mode_of(main) is None:
                raise InputError(f"{name}: {unreadable_pixels(main)}")
            pixels = tiff_planes.merged(whole, main, lambda plane: _grey(plane, name))
            pixels.info["icc_profile"] = image.info.get("icc_profile")
        else:
            image.load()  # also turns it by its own orientation
            require_whole(image, whole)
            pixels = image
        # Pillow turns a TIFF while it loads it, by the orientation in the picture's own directory.
        turned = pixels is image and 1 < main.number(tiff.ORIENTATION) <= 8
        orientation = _orientation(main, found)
        rgb, opaque = to_rgb(pixels, 1 if turned else orientation, name)
    if focal_35mm is None and main is not found[0]:
        with open_image(data, name) as first:
            _, focal_35mm = read_exif(first)
    notes = _pages_note(found, main)
    return Decoded(rgb, focal_35mm, orientation, opaque, main.bits == 16, projection, notes)


def _orientation(main: tiff.Directory, found: list[tiff.Directory]) -> int:
    """Returns the picture's orientation, or that of the first picture, which holds for the file."""
    stated = main.number(tiff.ORIENTATION) or found[0].number(tiff.ORIENTATION)
    return stated if 1 <= stated <= 8 else 1


def _grey(data: bytes, name: str) -> np.ndarray:
    """Returns the (H, W) pixels of a TIFF with one plane."""
    with open_image(data, name, ("TIFF",)) as image:
        image.load()
        return np.asarray(image)


def _pages_note(found: list[tiff.Directory], main: tiff.Directory) -> tuple[str, ...]:
    pages = sum(directory.is_page and not directory.is_reduced for directory in found)
    if pages < 2 or main.is_reduced:
        return ()
    return (f"holds {pages} pages; one of them, {main.size[0]}x{main.size[1]}, is taken",)


def _frames_note(image: Image.Image) -> tuple[str, ...]:
    if image.format in ("MPO", "HEIF") or not getattr(image, "is_animated", False):
        return ()
    return ("is animated; its first frame is taken",)


def several_note(data: bytes) -> tuple[str, ...]:
    """Returns a line for the user if more pictures follow the first."""
    count = count_pictures(data)
    return (f"holds {count} pictures one after another; the first is taken",) if count > 1 else ()


def _is_deep(image: Image.Image) -> bool:
    """Whether the file's samples have 16 bits. The image need not be decoded."""
    return image.mode.startswith("I;16") or any(
        ";16" in str(tile[3]) for tile in getattr(image, "tile", ())
    )


def _turned_by_decoder(image: Image.Image, data: bytes) -> int | None:
    """Returns the EXIF orientation that a HEIC decoder has already applied; None if it has not.

    The decoder follows the container's boxes. Phones write the same orientation there and in EXIF.
    """
    head = data[:_LONGEST_BOXES]
    if image.format != "HEIF" or not (b"irot" in head or b"imir" in head):
        return None
    orientation = image.info.get("original_orientation")
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else None
