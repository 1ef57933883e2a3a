"""Photos that a program has in memory already: NumPy arrays, Pillow images and PyTorch tensors."""

from __future__ import annotations

import sys
from typing import Any, Protocol

import numpy as np
from PIL import Image

from ppdcli.errors import InputError, UsageError, shown
from ppdcli.images.arrays import as_levels
from ppdcli.images.decode import Decoded
from ppdcli.images.exif import read_exif
from ppdcli.images.opening import check_size
from ppdcli.images.pixels import to_rgb
from ppdcli.images.projection import read_projection

_CHANNELS = (1, 3, 4)


class Tensor(Protocol):
    """A PyTorch tensor; PyTorch itself is never imported for one."""

    def numpy(self, *, force: bool = False) -> np.ndarray: ...


def is_tensor(source: object) -> bool:
    """Whether this is a PyTorch tensor: where PyTorch was not imported, nothing is."""
    kind = getattr(sys.modules.get("torch"), "Tensor", None)
    return kind is not None and isinstance(source, kind)


def from_array(pixels: np.ndarray, name: str) -> Decoded:
    """A photo from an array; ``arrays.as_levels`` says what its numbers mean.

    A fourth channel is alpha, as in a PNG: transparent pixels are put over white.

    Args:
        pixels: (H, W, 3), (H, W, 4), (H, W, 1) or (H, W), sRGB. It is copied.
        name: what messages call it.

    Raises:
        UsageError: another shape or type, or floats outside 0..1.
        InputError: too large.
    """
    levels = as_levels(pixels, name)
    height, width, channels = levels.shape
    check_size(width, height, name)
    is_deep = pixels.dtype.kind == "u" and pixels.dtype.itemsize == 2
    if channels == 4:
        rgb, opaque = to_rgb(Image.fromarray(np.ascontiguousarray(levels)), 1, name)
        return Decoded(rgb, opaque=opaque, is_deep=is_deep)
    if channels == 1:
        return Decoded(np.repeat(levels, 3, axis=2), is_deep=is_deep)
    return Decoded(np.array(levels, order="C"), is_deep=is_deep)


def from_tensor(tensor: Any, name: str) -> Decoded:
    """A photo from a PyTorch tensor on any device, by the rule for arrays.

    Args:
        tensor: (3, H, W), (H, W, 3) or (H, W), also with 1 or 4 channels.
        name: what messages call it.

    Raises:
        UsageError: another shape or type, floats outside 0..1, or a shape that can be read in two
            ways, such as (3, H, 3).
        InputError: too large.
    """
    shape = tuple(tensor.shape)
    if len(shape) not in (2, 3):
        way_on = "give one photo of the batch, such as batch[0]" if len(shape) == 4 else _forms()
        raise UsageError(f"{name}: a tensor of shape {shape} is no picture; {way_on}")
    first, last = shape[0] in _CHANNELS, shape[-1] in _CHANNELS
    if len(shape) == 3 and first == last:
        what = "can be read in two ways" if first else "is no picture"
        way_on = "give it as a NumPy array of (H, W, 3)" if first else _forms()
        raise UsageError(f"{name}: a tensor of shape {shape} {what}; {way_on}")
    try:
        pixels = _values(tensor)
    except (RuntimeError, TypeError, NotImplementedError) as error:
        cause = shown(" ".join(str(error).split()), 80)
        raise UsageError(
            f"{name}: this tensor has no values that can be read ({cause}); give a dense one"
        ) from error
    if len(shape) == 3 and first:
        pixels = pixels.transpose(1, 2, 0)
    return from_array(pixels, name)


def _forms() -> str:
    return "give (3, H, W), (H, W, 3) or (H, W)"


def _values(tensor: Any) -> np.ndarray:
    try:
        return np.asarray(tensor.numpy(force=True))
    except TypeError:  # NumPy has no such type: bfloat16, or 8-bit floats
        return np.asarray(tensor.float().numpy(force=True))


def from_pillow(image: Image.Image, name: str) -> Decoded:
    """A photo from a Pillow image, as if its file were read.

    It is turned by the EXIF orientation that it still has: an image that was opened has one,
    what ``ImageOps.exif_transpose`` returns has not. The image itself is not changed.

    Raises:
        InputError: damaged, closed, too large, or pixels without an agreed brightness.
    """
    check_size(*image.size, name)
    if not min(image.size):
        raise InputError(f"{name}: has no pixel; give another image")
    try:
        image.load()
        orientation, focal_35mm = read_exif(image)
        projection = read_projection(image)
        rgb, opaque = to_rgb(image, orientation, name)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # Pillow raises OSError, SyntaxError, ValueError and more
        cause = shown(" ".join(str(error).split()) or type(error).__name__)
        raise InputError(
            f"{name}: this Pillow image cannot be read ({cause}); open it again"
        ) from error
    is_deep = image.mode.startswith("I;16") or image.mode in ("I", "F")
    return Decoded(rgb, focal_35mm, orientation, opaque, is_deep, projection)
