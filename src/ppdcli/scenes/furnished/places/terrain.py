"""Ground with gentle slopes, for meadows and parks."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.furnished.finishes import Finish
from ppdcli.scenes.furnished.places.site import Rng
from ppdcli.scenes.furnished.shell import Shell


class Terrain:
    """Smooth hills, level around the camera."""

    def __init__(self, rng: Rng, steep: float) -> None:
        """Draws the hills; ``steep`` is the height of the largest, in metres."""
        count = 5
        self._waves = rng.normal(0, 1, (count, 2)) / rng.uniform(8, 40, (count, 1))
        self._phase = rng.uniform(0, 2 * np.pi, count)
        self._high = steep * rng.uniform(0.2, 1, count) / count

    def height(self, x: np.ndarray | float, z: np.ndarray | float) -> np.ndarray:
        """Returns the height above the camera's ground in metres."""
        x, z = np.asarray(x, np.float64), np.asarray(z, np.float64)
        at = x[..., None] * self._waves[:, 0] + z[..., None] * self._waves[:, 1]
        hills = (np.sin(at + self._phase) * self._high).sum(-1)
        away = np.clip((np.hypot(x, z - 3) - 4) / 12, 0, 1)
        return np.asarray(hills * away)

    def build(self, shell: Shell, finish: Finish) -> None:
        """Adds the ground: fine nearby, coarse far away."""
        step = np.sinh(np.linspace(-4.2, 4.2, 61)) * 6
        x, z = np.meshgrid(step, step + 10)
        points = np.stack([x, self.height(x, z), z], -1)
        a, b, c, d = points[:-1, :-1], points[:-1, 1:], points[1:, 1:], points[1:, :-1]
        for triangle in np.stack([a, b, c, a, c, d], -2).reshape(-1, 3, 3):
            shell.triangle(triangle, finish, level=True)

    def path(self, shell: Shell, finish: Finish, start: float, slant: float, half: float) -> None:
        """Adds a path from x = ``start`` ahead, ``half`` metres wide to each side."""
        z = np.linspace(-4, 60, 80)
        middle = start + slant * z + 1.5 * np.sin(z * 0.12 + self._phase[0])
        left, right = middle - half, middle + half
        a = np.stack([left, self.height(left, z) + 0.03, z], -1)
        b = np.stack([right, self.height(right, z) + 0.03, z], -1)
        for k in range(len(z) - 1):
            shell.triangle(np.array([a[k], b[k], b[k + 1]]), finish, level=True)
            shell.triangle(np.array([a[k], b[k + 1], a[k + 1]]), finish, level=True)
