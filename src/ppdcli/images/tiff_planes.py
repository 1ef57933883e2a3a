"""Reads TIFFs with separate colour planes of more than 8 bits, which Pillow decodes wrongly."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
from PIL import Image

from ppdcli.images import tiff
from ppdcli.images.tiff import Directory, layout_of

_APART = 2  # the planar configuration of separate planes
_COPIED = (
    *(tiff.WIDTH, tiff.HEIGHT, tiff.COMPRESSION, tiff.FILL_ORDER, tiff.ROWS_PER_STRIP),
    *(tiff.PREDICTOR, tiff.TILE_WIDTH, tiff.TILE_HEIGHT),
)
_PLACES = (tiff.STRIP_OFFSETS, tiff.STRIP_BYTES, tiff.TILE_OFFSETS, tiff.TILE_BYTES)
_RGB = 2  # the photometric interpretation
_MODES = {  # by the number of samples, and the kind of the first extra sample
    (3, None): "RGB",
    (4, None): "RGB",  # the kind of the fourth sample is not stated
    (4, 0): "RGB",
    (4, 1): "RGBa",  # colours multiplied by alpha
    (4, 2): "RGBA",
}


def is_mixed_up(directory: Directory) -> bool:
    """Whether the picture has separate planes of more than 8 bits."""
    apart = directory.number(tiff.PLANAR, 1) == _APART
    return apart and directory.samples > 1 and directory.bits > 8


def mode_of(directory: Directory) -> str | None:
    """Returns Pillow's mode for all planes; None for a picture that cannot be read."""
    unsigned = directory.number(tiff.SAMPLE_FORMAT, 1) in tiff.UNSIGNED
    if directory.bits != 16 or not unsigned or directory.number(tiff.PHOTOMETRIC) != _RGB:
        return None
    extra = directory.values.get(tiff.EXTRA_SAMPLES)
    first = int(extra[0]) if extra is not None and len(extra) else None
    return _MODES.get((directory.samples, first))


def merged(data: bytes, directory: Directory, decode: Callable[[bytes], np.ndarray]) -> Image.Image:
    """Returns the picture in 8 bits, with all its planes.

    Args:
        data: the file.
        directory: a picture for which ``is_mixed_up`` holds, and that has a mode.
        decode: takes a file with one grey picture; returns its (H, W) pixels.

    Raises:
        ValueError: the file does not state the positions of all planes.
    """
    mode = mode_of(directory)
    assert mode is not None
    planes = [_in_8_bit(decode(_plane_alone(data, directory, index))) for index in range(len(mode))]
    whole = Image.merge(mode, planes)
    return whole.convert(mode.upper()) if mode != mode.upper() else whole


def _in_8_bit(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8))


def _plane_alone(data: bytes, directory: Directory, index: int) -> bytes:
    """Returns the file with a new first directory, which describes one plane as a grey picture."""
    layout = layout_of(data)
    assert layout is not None
    tags: dict[int, list[int]] = {
        tiff.BITS: [16],
        tiff.PHOTOMETRIC: [1],
        tiff.SAMPLES: [1],
        tiff.PLANAR: [1],
    }
    for tag in _COPIED:
        if tag in directory.values:
            tags[tag] = [directory.number(tag)]
    for tag in _PLACES:
        places = directory.values.get(tag)
        if places is not None:
            each, left = divmod(len(places), directory.samples)
            if left or not each:
                raise ValueError("its planes are not all there")
            tags[tag] = places[index * each : (index + 1) * each].tolist()
    body, extra = struct.pack(layout.count, len(tags)), b""
    start = len(data) + len(data) % 2
    behind = start + len(body) + len(tags) * layout.entry.itemsize + struct.calcsize(layout.offset)
    for tag, values in sorted(tags.items()):
        numbers = struct.pack(f"{layout.order}{len(values)}{layout.offset[-1]}", *values)
        value = numbers if len(values) == 1 else struct.pack(layout.offset, behind + len(extra))
        extra += numbers if len(values) > 1 else b""
        form = f"{layout.order}HH{layout.offset[-1]}"
        body += struct.pack(form, tag, 16 if layout.big else 4, len(values)) + value
    added = body + struct.pack(layout.offset, 0) + extra
    return tiff.beginning_with(b"".join((data, bytes(len(data) % 2), added)), start)
