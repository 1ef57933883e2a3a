"""A room's plan: its walls, and points and directions along them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BACK, RIGHT, FRONT, LEFT = range(4)  # walls at z = D, x = W / 2, z = 0, x = -W / 2
ANGLES = (np.pi, -np.pi / 2, 0.0, np.pi / 2)  # of a model with its back to the wall


@dataclass(frozen=True)
class Room:
    """A room over x in [-W / 2, W / 2], y in [0, H], z in [0, D], in metres."""

    width: float
    depth: float
    height: float

    def length(self, wall: int) -> float:
        """Returns the length of a wall."""
        return self.width if wall in (BACK, FRONT) else self.depth

    def point(self, wall: int, along: float, off: float) -> np.ndarray:
        """Returns a floor point ``off`` metres before a wall, ``along`` metres from its middle."""
        if wall == BACK:
            return np.array([along, 0, self.depth - off])
        if wall == FRONT:
            return np.array([-along, 0, off])
        if wall == RIGHT:
            return np.array([self.width / 2 - off, 0, self.depth / 2 - along])
        return np.array([-self.width / 2 + off, 0, self.depth / 2 + along])

    def along(self, wall: int) -> np.ndarray:
        """Returns the unit vector along a wall."""
        return self.point(wall, 1, 0) - self.point(wall, 0, 0)

    def inward(self, wall: int) -> np.ndarray:
        """Returns the unit vector from a wall into the room."""
        return self.point(wall, 0, 1) - self.point(wall, 0, 0)
