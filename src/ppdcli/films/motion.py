"""Motion between two frames: optical flow that is checked in both directions, and scene cuts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

FLOW_AREA = 1 << 18
"""Pixels at which flow is computed at most: finer flow costs more and follows no more points."""
LEAST_SIDE = 16  # pixels; the flow needs a few of its patches
TOLERANCE = 0.5  # pixels at which forward and backward flow may miss each other, and
TOLERANCE_SHARE = 0.05  # this share of the motion
COLOUR_TOLERANCE = 40  # of 255; a followed point keeps its colour
LOST = 0.08  # followed pixels below this share: a cut, or so fast that nothing can be carried over
CUT_FOLLOWED = 0.25  # below this share it is a cut if the colours differ too
CUT_COLOURS = 0.35  # of the pixels that would have to change their colour bin
BINS = 8  # of a channel


@dataclass(frozen=True, eq=False)
class Motion:
    """How a frame comes from the one before it.

    Attributes:
        back: (H, W, 2) float32, where each pixel was: column and row in pixels of the frame before.
        followed: (H, W) bool, the point is seen in both frames: the flow there and back meets, and
            the colour agrees.
        is_cut: the frames are of two scenes.
    """

    back: np.ndarray
    followed: np.ndarray
    is_cut: bool


def motion_between(before: np.ndarray, after: np.ndarray) -> Motion:
    """Finds the motion from one frame to the next, with dense inverse search (Kroeger 2016).

    Args:
        before, after: (H, W, 3) uint8 RGB of one size.
    """
    height, width = after.shape[:2]
    scale = min(1.0, (FLOW_AREA / (height * width)) ** 0.5)
    rows, columns = (max(LEAST_SIDE, round(side * scale)) for side in (height, width))
    greys = [_grey(frame, rows, columns) for frame in (before, after)]
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    unknown: Any = None  # where to start; OpenCV's types do not have it
    ahead = _enlarged(flow.calc(greys[0], greys[1], unknown), height, width)
    behind = _enlarged(flow.calc(greys[1], greys[0], unknown), height, width)
    back = behind + _grid(height, width)
    inside = (
        (back[..., 0] >= 0)
        & (back[..., 1] >= 0)
        & (back[..., 0] <= width - 1)
        & (back[..., 1] <= height - 1)
    )
    returned = _at(ahead, back) + behind
    allowed = TOLERANCE + TOLERANCE_SHARE * np.linalg.norm(behind, axis=-1)
    meets = np.linalg.norm(returned, axis=-1) <= allowed
    difference = np.abs(_at(before, back).astype(np.int16) - after).max(axis=-1)
    followed = inside & meets & (difference <= COLOUR_TOLERANCE)
    return Motion(back, followed, _is_cut(before, after, followed))


def nearest(values: np.ndarray, back: np.ndarray) -> np.ndarray:
    """Takes the value of the nearest pixel at each place; the border repeats.

    Args:
        values: (H, W) of the frame before.
        back: as in ``Motion``.
    """
    height, width = values.shape
    columns = np.clip(np.rint(back[..., 0]), 0, width - 1).astype(np.intp)
    rows = np.clip(np.rint(back[..., 1]), 0, height - 1).astype(np.intp)
    return values[rows, columns]


def carried(values: np.ndarray, back: np.ndarray, edge: float) -> np.ndarray:
    """Carries depth along the motion, and makes no depth between two surfaces.

    Where the four pixels around a place lie within ``edge``, it is their bilinear mean. Elsewhere
    it is the nearest pixel.

    Args:
        values: (H, W) float32 of the frame before.
        back: as in ``Motion``.
        edge: difference of two surfaces, in the unit of ``values``.
    """
    columns, rows = back[..., 0], back[..., 1]
    border = cv2.BORDER_REPLICATE
    smooth = cv2.remap(values, columns, rows, cv2.INTER_LINEAR, borderMode=border)
    kernel = np.ones((2, 2), np.uint8)  # of a pixel and its neighbours to the right and below
    anchor = (0, 0)
    high = cv2.dilate(values, kernel, anchor=anchor, borderType=border)
    low = cv2.erode(values, kernel, anchor=anchor, borderType=border)
    spread = nearest(high - low, np.floor(back))
    return np.where(spread <= edge, smooth, nearest(values, back))


def _grey(frame: np.ndarray, rows: int, columns: int) -> np.ndarray:
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    if grey.shape == (rows, columns):
        return grey
    return cv2.resize(grey, (columns, rows), interpolation=cv2.INTER_AREA)


def _enlarged(flow: np.ndarray, height: int, width: int) -> np.ndarray:
    rows, columns = flow.shape[:2]
    if (rows, columns) == (height, width):
        return flow
    larger = cv2.resize(flow, (width, height), interpolation=cv2.INTER_LINEAR)
    return larger * np.array([width / columns, height / rows], np.float32)


def _grid(height: int, width: int) -> np.ndarray:
    return np.stack(np.meshgrid(*map(np.arange, (width, height))), axis=-1).astype(np.float32)


def _at(picture: np.ndarray, back: np.ndarray) -> np.ndarray:
    columns, rows = np.ascontiguousarray(back[..., 0]), np.ascontiguousarray(back[..., 1])
    return cv2.remap(picture, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _is_cut(before: np.ndarray, after: np.ndarray, followed: np.ndarray) -> bool:
    """Few points can be followed, and the colours are others.

    A fast turn of the camera keeps the colours, and a flash of light lets few points be lost.
    """
    share = float(followed.mean())
    if share >= CUT_FOLLOWED:
        return False
    counts = [
        cv2.calcHist([frame], [0, 1, 2], None, [BINS] * 3, [0, 256] * 3)
        for frame in (before, after)
    ]
    changed = float(np.abs(counts[0] - counts[1]).sum()) / (2 * followed.size)
    return share < LOST or changed > CUT_COLOURS
