"""16-bit grey PNG: depth in steps, with what a step means inside the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isfinite
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np

from ppdcli.depth_data import PROGRAM, PROVENANCE, DepthData, Kind
from ppdcli.errors import InputError, UsageError, shown
from ppdcli.files.choices import PngScale, Scale
from ppdcli.files.decoding import decoding
from ppdcli.files.depth_scale import STEPS_PER_METRE, metres_per_step
from ppdcli.files.foreign import read_regular
from ppdcli.files.png_encoder import rows_a_band, write_png
from ppdcli.geometry.upright import turned_upright
from ppdcli.images.exif import read_exif
from ppdcli.images.opening import open_image
from ppdcli.images.whole import require_data, require_whole

SUFFIX = ".png"
TOP = 65535
MAX_BYTES = 600_000_000
"""Of a file: more than 250 megapixels of 16 bits, not compressed."""


def write(path: Path, depth_map: DepthData, scale: PngScale) -> str | None:
    """Write a 16-bit PNG whose text chunks carry ``DepthData.facts()``, scale and offset.

    Depth = pixel * ``scale`` + ``offset``, in the chunk's ``unit``.

    Args:
        path: the file to write.
        depth_map: ``mm``, ``kitti`` and ``tum`` need metric depth.
        scale: ``mm`` (pixel = 1000 m, 65.535 m at most), ``kitti`` (256 m, 255.99 m) and ``tum``
            (5000 m, 13.1 m) round to the nearest step, 0 is no depth, more than the most
            saturates. ``normalized``: (d - min) / (max - min) * 65535 without an invalid value;
            where the map has holes, they are 0 and depth starts at 1.

    Returns:
        A line for the user when pixels saturated, else None.

    Raises:
        UsageError: an unknown scale, or one in metres for a relative map.
        OutputError: the file cannot be written.
    """
    if scale not in get_args(PngScale):
        raise UsageError(f"PNG scale {scale!r}: give one of {', '.join(get_args(PngScale))}")
    if scale == "normalized":
        code = _normalization(depth_map.values)
    elif depth_map.kind == "metric":
        code = _in_steps(STEPS_PER_METRE[scale])
    else:
        raise UsageError(
            f"PNG scale {scale!r} is in metres but the depth is relative; "
            "use normalized, or make the depth metric"
        )
    facts = {"scale": repr(code.step), "offset": repr(code.offset)}
    facts |= {"invalid": code.invalid, "encoding": scale}
    saturated = 0

    def bands() -> Iterator[np.ndarray]:
        nonlocal saturated
        rows = rows_a_band(2 * depth_map.values.shape[1])
        for start in range(0, len(depth_map.values), rows):
            pixels = code.pixels(depth_map.values[start : start + rows])
            saturated += int(np.count_nonzero(pixels > TOP))
            yield np.minimum(pixels, TOP, out=pixels).astype(np.uint16)

    write_png(path, depth_map.values.shape, bands(), depth_map.facts() | facts)
    if saturated == 0:
        return None
    return (
        f"{path}: {saturated} of {depth_map.values.size} pixels are farther than the "
        f"{TOP * code.step:.2f} m that PNG scale {scale!r} holds and were cut there; "
        "use another scale, or EXR"
    )


def read(path: Path, scale: Scale | None = None) -> DepthData:
    """Read a 16-bit PNG back to float32 depth, NaN where the pixel says that there is none.

    Args:
        path: a file of ours, or anybody's in a known scale.
        scale: of a file that does not carry its own: a name, or metres per step; ``normalized``
            is relative, 65535 far.

    Raises:
        InputError: missing, damaged, not 16-bit grey, or of unknown scale.
    """
    pixels, text, orientation = _content(path)
    kind: Kind = "relative" if text.get("kind") == "relative" else "metric"
    try:
        if _has_scale(text):
            step, offset = float(text["scale"]), float(text["offset"])
            if not (isfinite(step) and isfinite(offset) and step):
                raise ValueError
            invalid = text.get("invalid") == "0"
        elif (metres := metres_per_step(scale)) is not None:
            step, offset, invalid = metres, 0.0, True
        elif scale == "normalized":
            kind, step, offset, invalid = "relative", 1 / 65535, 0.0, False
        else:
            raise InputError(
                f"{path}: does not say what its pixels mean; name its scale: mm, kitti or tum"
            )
    except ValueError as error:
        raise InputError(f"{path}: its scale is not a number; name it: mm, kitti or tum") from error
    values = (pixels * np.float64(step) + offset).astype(np.float32)
    if invalid:
        values[pixels == 0] = np.nan
    provenance = {key: shown(text[key]) for key in PROVENANCE if key in text}
    if orientation > 1:
        return DepthData(
            np.ascontiguousarray(turned_upright(values, orientation)),
            kind,
            provenance=provenance,
            notes=(f"{path}: is turned by its own EXIF orientation {orientation}",),
        )
    return DepthData(values, kind, provenance=provenance, as_shown=PROGRAM in text)


def states_scale(path: Path) -> bool:
    """Whether the file carries its scale.

    Raises:
        InputError: missing or damaged.
    """
    return _has_scale(_content(path)[1])


def _has_scale(text: dict[str, str]) -> bool:
    return "scale" in text and "offset" in text


def _content(path: Path) -> tuple[np.ndarray, dict[str, str], int]:
    """The pixels of 16-bit grey, the texts, and the EXIF orientation."""
    with decoding(path, "PNG"):
        data = read_regular(path, MAX_BYTES)
        with open_image(data, str(path), ("PNG",)) as image:
            if not image.mode.startswith("I"):
                raise InputError(
                    f"{path}: is no 16-bit grey PNG (its mode is {image.mode}); give a depth file"
                )
            require_data(image, data)
            pixels = np.array(image)  # which also finds texts after them
            require_whole(image, data)
            return pixels, getattr(image, "text", {}), read_exif(image)[0]


class _Code(NamedTuple):
    """How depth becomes pixels.

    Attributes:
        pixels: of rows of depth, float64, whole numbers from 0 on.
        step, offset: depth = pixel * step + offset.
        invalid: which pixel is none.
    """

    pixels: Callable[[np.ndarray], np.ndarray]
    step: float
    offset: float
    invalid: Literal["0", "none"]


def _in_steps(steps_per_metre: int) -> _Code:
    def pixels(depth: np.ndarray) -> np.ndarray:
        valid = np.isfinite(depth) & (depth > 0)
        steps = np.where(valid, depth, 0).astype(np.float64)
        steps *= steps_per_metre
        # The nearest depths must not round to 0, which means that there is none.
        np.maximum(np.rint(steps, out=steps), 1, out=steps)
        steps[~valid] = 0
        return steps

    return _Code(pixels, 1 / steps_per_metre, 0.0, "0")


def _normalization(values: np.ndarray) -> _Code:
    low, high = float(values.min()), float(values.max())  # NaN if there is one
    whole = isfinite(low) and isfinite(high)
    if not whole:
        valid = values[np.isfinite(values)]
        if not valid.size:
            return _Code(lambda depth: np.zeros(depth.shape), 1.0, 0.0, "0")
        low, high = float(valid.min()), float(valid.max())
    first = 0 if whole else 1
    step = (high - low) / (TOP - first) or 1.0

    def pixels(depth: np.ndarray) -> np.ndarray:
        steps = depth.astype(np.float64)
        hole = None if whole else ~np.isfinite(steps)
        steps -= low
        steps /= step
        np.rint(steps, out=steps)
        if hole is not None:
            steps += first
            steps[hole] = 0
        return steps

    return _Code(pixels, step, low - first * step, "none" if whole else "0")
