"""Makes the depth of one frame after another consistent. It knows no file and no network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from ppdcli.errors import UsageError
from ppdcli.films.alignment import LEAK, Line, fit_to_past, fit_to_present, some
from ppdcli.films.consistency import Consistency
from ppdcli.films.motion import Motion, carried, motion_between
from ppdcli.films.regions import correction
from ppdcli.films.smoothing import edge_of, smoothed

REGION_GAIN = 0.95
"""How much of a region's correction is made. What is left lets slow changes pass, which are real
where a camera moves."""
MEDIAN = 3  # pixels across, of the guess for a warm start


@dataclass(frozen=True, eq=False)
class Stable:
    """The consistent depth of a frame.

    Attributes:
        values: (H, W) float32, in the network's unit.
        scale, shift: scale * the network's depth + shift is its depth before regions and filter.
        is_cut: a new scene begins here. The first frame is no cut.
        followed: share of the pixels whose point is seen in the frame before, too.
    """

    values: np.ndarray
    scale: float
    shift: float
    is_cut: bool
    followed: float


class Stabilizer:
    """Takes frames in their order: ``begin`` before the network, ``settle`` after it."""

    def __init__(self, consistency: Consistency) -> None:
        self.consistency = consistency
        self._rgb: np.ndarray | None = None  # of the frame that was begun last
        self._past: np.ndarray | None = None  # its consistent depth, after ``settle``
        self._line = Line()
        self._motion: Motion | None = None
        self._carried: np.ndarray | None = None
        self._warm = 0  # frames in a row that did not start from noise

    def begin(self, rgb: np.ndarray, motion: Motion | None = None) -> np.ndarray | None:
        """Carries the past to the next frame.

        Args:
            rgb: (H, W, 3) uint8, the frame at the network's size.
            motion: from the frame before, if it was computed ahead.

        Returns:
            What the network may start from, (H, W) in its own unit; None if it should start from
            noise.

        Raises:
            UsageError: the frame has another size than the one before.
        """
        before, self._rgb = self._rgb, rgb
        self._motion = self._carried = None
        warm, self._warm = self._warm, 0
        wanted = self.consistency
        if before is None or not (wanted.looks_back or wanted.cuts):
            return None
        if before.shape != rgb.shape:
            raise UsageError(f"frames of one film have one size, {before.shape[:2]}; resize them")
        self._motion = motion_between(before, rgb) if motion is None else motion
        if self._past is None or (wanted.cuts and self._motion.is_cut):
            return None
        self._carried = carried(self._past, self._motion.back, edge_of(self._past))
        if not wanted.warm_start or warm + 1 == wanted.key_frames:
            return None
        self._warm = warm + 1
        # Single wrong pixels beside an edge would be carried on and grow in number: on a film of 20
        # frames a median halves them. A larger one takes more of the true edges.
        return self._line.back(cv2.medianBlur(self._carried, MEDIAN))

    def settle(self, depth: np.ndarray) -> Stable:
        """Makes the network's depth of the frame consistent with the past.

        Args:
            depth: (H, W), finite, in the network's unit.
        """
        values: np.ndarray = np.asarray(depth, np.float32)
        motion, past, wanted = self._motion, self._carried, self.consistency
        is_cut = wanted.cuts and motion is not None and motion.is_cut
        if past is None or motion is None or self._rgb is None:
            self._line = Line()
        else:
            points = some(motion.followed)
            present = values.reshape(-1)[points]
            before = past.reshape(-1)[points]
            if wanted.align:
                line, centre = fit_to_past(present, before, self._line)
                self._line = line.leaked(centre, LEAK)
            values = self._line.at(values)
            if wanted.regions:
                correcting = correction(values, past, self._rgb, points)
                values = values + np.float32(REGION_GAIN) * correcting
            if wanted.smooth:
                # What alignment lets pass, regions have taken out; else the past moves along.
                newer = Line() if wanted.regions else fit_to_present(before, self._line.at(present))
                values = smoothed(values, newer.at(past), motion.followed)
        self._past = values
        followed = 0.0 if motion is None else float(motion.followed.mean())
        return Stable(values, self._line.scale, self._line.shift, is_cut, followed)

    def state(self) -> dict[str, np.ndarray]:
        """What the next frame depends on, to be stored."""
        if self._rgb is None or self._past is None:
            return {}
        line = np.array(self._line, np.float64)
        warm = np.array(self._warm, np.int64)
        return {"rgb": self._rgb, "past": self._past, "line": line, "warm": warm}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Goes on after the frame that ``state`` was taken at."""
        if state:
            self._rgb, self._past = state["rgb"], state["past"]
            scale, shift = state["line"].tolist()
            self._line = Line(scale, shift)
            self._warm = int(state["warm"])
