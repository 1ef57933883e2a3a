"""16-bit grey PNG: depth in steps. The file states what a step means."""

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
"""Largest size of a file: more than 250 megapixels of 16 bits, not compressed."""


def write(
    path: Path,
    depth_map: DepthData,
    scale: PngScale,
    value_range: tuple[float, float] | None = None,
) -> str | None:
    """Writes a 16-bit PNG. Its text chunks hold ``DepthData.facts()``, scale and offset.

    Depth = pixel * ``scale`` + ``offset``, in the chunk's ``unit``.

    Args:
        path: the file to write.
        depth_map: the map. The scales ``mm``, ``kitti`` and ``tum`` need metric depth.
        scale: ``mm`` has 1000 steps per metre (65.535 m at most), ``kitti`` 256 (255.99 m) and
            ``tum`` 5000 (13.1 m). Values are rounded to the nearest step; 0 means no depth; larger
            values are cut at the largest. ``normalized`` is (d - min) / (max - min) * 65535. If the
            map has holes, they are 0, and depth starts at 1; else no value means a hole.
        value_range: min and max of ``normalized``, such as those of a whole film; the map's own if
            None. Values beyond are cut.

    Returns:
        A line for the user if values were cut, else None.

    Raises:
        UsageError: an unknown scale, or one in metres for a relative map.
        OutputError: the file cannot be written.
    """
    if scale not in get_args(PngScale):
        raise UsageError(f"PNG scale {scale!r}: give one of {', '.join(get_args(PngScale))}")
    if scale == "normalized":
        code = _normalization(depth_map.values, value_range)
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
    """Reads a 16-bit PNG as float32 depth, NaN where the pixel means no depth.

    Args:
        path: one of our files, or any file with a known scale.
        scale: the scale of a file that does not state its own: a name, or metres per step.
            ``normalized`` gives relative depth, in which 65535 is far.

    Raises:
        InputError: the file is missing or damaged, is not 16-bit grey, or its scale is unknown.
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
    """Whether the file states its scale.

    Raises:
        InputError: the file is missing or damaged.
    """
    return _has_scale(_content(path)[1])


def _has_scale(text: dict[str, str]) -> bool:
    return "scale" in text and "offset" in text


def _content(path: Path) -> tuple[np.ndarray, dict[str, str], int]:
    """Returns the 16-bit grey pixels, the texts, and the EXIF orientation."""
    with decoding(path, "PNG"):
        data = read_regular(path, MAX_BYTES)
        with open_image(data, str(path), ("PNG",)) as image:
            if not image.mode.startswith("I"):
                raise InputError(
                    f"{path}: is no 16-bit grey PNG (its mode is {image.mode}); give a depth file"
                )
            require_data(image, data)
            pixels = np.array(image)  # this also reads the texts after the pixels
            require_whole(image, data)
            return pixels, getattr(image, "text", {}), read_exif(image)[0]


class _Code(NamedTuple):
    """How depth becomes pixels.

    Attributes:
        pixels: takes rows of depth; returns float64 whole numbers >= 0.
        step, offset: depth = pixel * step + offset.
        invalid: the pixel that means no depth.
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
        # Small depths must not round to 0, which means no depth.
        np.maximum(np.rint(steps, out=steps), 1, out=steps)
        steps[~valid] = 0
        return steps

    return _Code(pixels, 1 / steps_per_metre, 0.0, "0")


def _normalization(values: np.ndarray, value_range: tuple[float, float] | None) -> _Code:
    low, high = float(values.min()), float(values.max())  # NaN if any value is NaN
    whole = isfinite(low) and isfinite(high)
    if value_range is not None:
        low, high = value_range
    elif not whole:
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
        return np.maximum(steps, 0, out=steps)

    return _Code(pixels, step, low - first * step, "none" if whole else "0")
