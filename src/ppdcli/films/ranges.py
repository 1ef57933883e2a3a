"""One range for a whole film."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

BINS = 4096
LOWEST, HIGHEST = -0.5, 1.5  # of the bins; what is beyond counts in the first or the last one
PERCENTILES = (0.02, 0.98)  # of the depths of a film: the ends of a preview's colours


@dataclass(frozen=True, eq=False)
class DepthRange:
    """The distribution of the depths of some frames.

    Attributes:
        low, high: the least and the greatest depth.
        counts: (BINS,) int64.
    """

    low: float
    high: float
    counts: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> Self:
        """That of an array of depths, all finite."""
        places = (values - np.float32(LOWEST)) * np.float32(BINS / (HIGHEST - LOWEST))
        bins = np.clip(places, 0, BINS - 1).astype(np.intp).reshape(-1)
        return cls(float(values.min()), float(values.max()), np.bincount(bins, minlength=BINS))

    def joined(self, other: DepthRange) -> DepthRange:
        """That of both."""
        return DepthRange(
            min(self.low, other.low), max(self.high, other.high), self.counts + other.counts
        )

    def whole(self) -> tuple[float, float]:
        """The ends of a range that holds every depth, low < high."""
        return self.low, max(self.high, self.low + 1e-6)

    def usual(self) -> tuple[float, float]:
        """The 2nd and 98th percentile, low < high: ends for a picture."""
        shares = np.cumsum(self.counts) / self.counts.sum()
        width = (HIGHEST - LOWEST) / BINS
        low, high = (LOWEST + width * int(np.searchsorted(shares, p)) for p in PERCENTILES)
        return max(low, self.low), max(min(high + width, self.high), max(low, self.low) + 1e-6)
