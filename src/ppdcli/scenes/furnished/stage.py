"""A furnished place to film: a camera can move in it, and some of its models move too."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.camera_path import Rng, View
from ppdcli.scenes.furnished.camera import Camera, cast, take
from ppdcli.scenes.furnished.places.site import Place, Placement
from ppdcli.scenes.furnished.scene import Scene
from ppdcli.scenes.furnished.series import Furnished, camera_for
from ppdcli.scenes.motion import Motion

_AREA = (0.004, 0.15)  # smallest and largest share of the picture of a thing that moves
_GLANCE = (48, 64)  # size of the picture that finds these things


class FurnishedStage:
    """A furnished place with moving models; see ``scenes.sequences.Stage``."""

    def __init__(
        self, place: Place, camera: Camera, things: list[tuple[list[int], Motion]]
    ) -> None:
        """Takes a place.

        Args:
            place: The place.
            camera: The camera of the first view; its field of view is that of all.
            things: The numbers of the placed parts of each moving thing, and its motion.
        """
        self._place, self._things = place, things
        self._fov = camera.fov
        self.start = View(camera.place, 0.0, 0.0, camera.roll).towards(camera.target)
        self._owner: dict[int, int] = {
            part: number for number, (parts, _) in enumerate(things, 1) for part in parts
        }
        self._scenes: dict[float, Scene] = {}

    def focal(self, height: int, width: int) -> float:
        """Returns the focal length in pixels of a picture."""
        return self._camera(self.start).focal(height, width)

    def motions(self, time: float) -> np.ndarray:
        """Returns (1 + things, 4, 4) motions from time 0."""
        return np.array([np.eye(4), *(motion.at(time) for _, motion in self._things)])

    def picture(
        self, view: View, time: float, height: int, width: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns light (H, W, 3) and depth (H, W)."""
        return take(self._scene(time), self._camera(view), height, width, self._place.hard)

    def cast(
        self, view: View, time: float, directions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns depth (N,) and the moving things hit (N,), 0 for all else."""
        depth, parts = cast(self._scene(time), self._camera(view), directions)
        things = np.zeros(parts.shape, np.int64)
        for part, number in self._owner.items():
            things[parts == part] = number
        return depth, things

    def parts(self, height: int, width: int) -> np.ndarray:
        """Returns the placed part at each pixel of the first view (H, W), -1 for the sky."""
        focal, axes = self.focal(height, width), self.start.axes()
        v, u = np.mgrid[:height, :width].reshape(2, -1)
        right, up = (u - (width - 1) / 2) / focal, ((height - 1) / 2 - v) / focal
        rays = np.stack([right, up, np.ones(u.shape)], -1) @ axes.T
        return cast(self._scene(0), self._camera(self.start), rays)[1].reshape(height, width)

    def _camera(self, view: View) -> Camera:
        return Camera(view.place, view.place + view.axes()[:, 2], view.roll, self._fov)

    def _scene(self, time: float) -> Scene:
        if not self._things:
            return self._place.scene
        if time not in self._scenes:
            motions = {part: motion.at(time) for parts, motion in self._things for part in parts}
            self._scenes[time] = self._place.scene.moved(motions)
        return self._scenes[time]


def furnished_stage(
    maker: Furnished, seed: int, number: int, shape: tuple[int, int], things: int
) -> FurnishedStage:
    """Arranges a place to film. Equal arguments give equal places.

    Args:
        maker: The models.
        seed, number: The series, and the place in it.
        shape: (height, width) of the pictures, for which the first view is chosen.
        things: Number of things in the view that move, if there are as many that can.
    """
    place = maker.arrange(seed, number)
    camera, _ = camera_for(place, (seed, number, 0), shape)
    still = FurnishedStage(place, camera, [])
    rng = np.random.default_rng([seed, number, 3])
    shown = still.parts(*_GLANCE)
    share = np.bincount(shown[shown >= 0], minlength=1) / shown.size
    # People, pets and vehicles move first.
    free = sorted(
        (p for p in place.site.placements if _can_move(p, share)),
        key=lambda p: (p.entry.category not in ("Characters", "Vehicles"), rng.random()),
    )
    moving = [
        (_with_load(place.site.placements, p), _motion(p, still.start, rng)) for p in free[:things]
    ]
    return FurnishedStage(place, camera, moving)


def _can_move(placed: Placement, share: np.ndarray) -> bool:
    entry = placed.entry
    seen = share[placed.number] if placed.number < len(share) else 0.0
    stands = entry.elevation <= 0.05 and not entry.opening and entry.size[1] > 0.02
    return stands and _AREA[0] <= seen <= _AREA[1]


def _with_load(placements: list[Placement], thing: Placement) -> list[int]:
    """Returns the numbers of a thing and of what stands on it or hangs over it."""
    apart = [(p.place - thing.place, p.number) for p in placements if p is not thing]
    half = thing.half
    load = [n for d, n in apart if d[1] > 0.05 and abs(d[0]) < half[0] and abs(d[2]) < half[1]]
    return [thing.number, *load]


def _motion(placed: Placement, view: View, rng: Rng) -> Motion:
    """Draws a motion across the view, and a little towards or away from it."""
    ahead = placed.place - view.place
    away = float(np.hypot(ahead[0], ahead[2]))
    ahead = np.array([ahead[0], 0, ahead[2]]) / max(away, 1e-6)
    aside = np.array([ahead[2], 0, -ahead[0]])
    step = rng.choice([-1, 1]) * aside + rng.normal(0, 0.5) * ahead
    return Motion(placed.place, step * away * rng.uniform(0.005, 0.02), float(rng.normal(0, 0.03)))
