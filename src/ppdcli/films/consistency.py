"""What is done so that depth does not flicker: each measure is a choice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Consistency:
    """What keeps the depth of a film steady.

    Attributes:
        same_noise: start every frame from the same noise. Otherwise the seed grows by one from
            frame to frame.
        align: fit scale and shift of a frame to the frames before it.
        regions: fit regions of a frame to the frames before it, too, in layers of brightness.
        smooth: average along the motion, within a surface.
        warm_start: start sampling from the frame before, which takes half of the steps and some
            more of the flicker, at the cost of edges.
        key_frames: with a warm start, each n-th frame of a scene starts from noise all the same,
            which repairs edges; 0: its first frame alone.
        cuts: find scene cuts, and carry nothing over them.
    """

    same_noise: bool = True
    align: bool = True
    regions: bool = True
    smooth: bool = True
    warm_start: bool = False
    key_frames: int = 6
    cuts: bool = True

    @property
    def looks_back(self) -> bool:
        """Whether a frame needs those before it."""
        return self.align or self.regions or self.smooth or self.warm_start


FRAME_BY_FRAME = Consistency(
    same_noise=False, align=False, regions=False, smooth=False, warm_start=False, cuts=False
)
"""No measure at all: what a loop over single photos gives, each with noise of its own."""
