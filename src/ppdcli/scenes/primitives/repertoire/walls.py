"""Positions for things in a room."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.primitives.shapes import Scene, rotation


class Walls:
    """Positions on the walls and the floor of a scene's room."""

    def __init__(self, scene: Scene) -> None:
        assert scene.room is not None
        self.center, self.half, self.yaw = scene.room

    def floor(self, u: float, w: float) -> np.ndarray:
        """Returns a floor point; u, w in -1..1 across and along the room."""
        axes = rotation(self.yaw)
        spot = self.center + axes[:, 0] * u * self.half[0] + axes[:, 2] * w * self.half[2]
        return spot * [1, 0, 1]

    def wall(self, side: int, along: float, inset: float) -> tuple[np.ndarray, np.ndarray]:
        """Returns a floor point ``inset`` metres before the far (0), left (1) or right (2) wall,
        and axes of which the third points into the wall."""
        if side == 0:
            return self.floor(along, 1 - inset / self.half[2]), rotation(self.yaw)
        sign = 2 * side - 3
        spot = self.floor(sign * (1 - inset / self.half[0]), along)
        return spot, rotation(self.yaw + sign * np.pi / 2)
