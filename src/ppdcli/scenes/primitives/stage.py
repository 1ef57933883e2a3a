"""A scene of simple shapes to film: a camera can move in it, and people or balls move too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ppdcli.scenes.camera_path import Rng, View
from ppdcli.scenes.motion import Motion
from ppdcli.scenes.primitives.compositions import BENCHMARK, compose
from ppdcli.scenes.primitives.lighting import illuminate
from ppdcli.scenes.primitives.render import cast, focal_length, render
from ppdcli.scenes.primitives.repertoire.benchmark.figures import creature, person
from ppdcli.scenes.primitives.repertoire.painter import Painter
from ppdcli.scenes.primitives.series import texture_bank
from ppdcli.scenes.primitives.shapes import ELLIPSOID, Scene, Shape, rotation
from ppdcli.scenes.primitives.textures import TextureBank
from ppdcli.scenes.samples import SKY_DEPTH


class PrimitiveStage:
    """A scene of simple shapes with moving things; see ``scenes.sequences.Stage``."""

    def __init__(self, scene: Scene, bank: TextureBank, things: list[tuple[range, Motion]]) -> None:
        """Takes a scene.

        Args:
            scene: The scene.
            bank: Its textures.
            things: The numbers of the shapes of each moving thing, and its motion.
        """
        self._scene, self._bank, self._things = scene, bank, things
        place = np.array([scene.x, scene.height, scene.z])
        self.start = View(place, scene.yaw, scene.pitch, scene.roll)
        # What was hit, from -3 (the room) on; all but the moving things is 0.
        self._owner = np.zeros(len(scene.shapes) + 3, np.int64)
        for number, (shapes, _) in enumerate(things, 1):
            self._owner[3 + shapes.start : 3 + shapes.stop] = number

    def focal(self, height: int, width: int) -> float:
        """Returns the focal length in pixels of a picture."""
        return focal_length(self._scene.fov, height, width)

    def motions(self, time: float) -> np.ndarray:
        """Returns (1 + things, 4, 4) motions from time 0."""
        return np.array([np.eye(4), *(motion.at(time) for _, motion in self._things)])

    def picture(
        self, view: View, time: float, height: int, width: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns light (H, W, 3) and depth (H, W)."""
        scene = self._seen(view, time)
        light, depth = render(scene, height, width, self._bank)
        return illuminate(scene, light, depth, self._bank), depth

    def cast(
        self, view: View, time: float, directions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns depth (N,) and the moving things hit (N,), 0 for all else."""
        depth, met = cast(self._seen(view, time), self._bank, directions)
        return depth, self._owner[met + 3]

    def _seen(self, view: View, time: float) -> Scene:
        shapes = list(self._scene.shapes)
        for own, motion in self._things:
            at = motion.at(time)
            shapes[own.start : own.stop] = [_moved(s, at) for s in shapes[own.start : own.stop]]
        x, height, z = map(float, view.place)
        return replace(
            self._scene, shapes=shapes, x=x, z=z, height=height,
            yaw=view.yaw, pitch=view.pitch, roll=view.roll,
        )  # fmt: skip


def _moved(shape: Shape, motion: np.ndarray) -> Shape:
    turn, shift = motion[:3, :3], motion[:3, 3]
    return replace(shape, center=turn @ shape.center + shift, axes=turn @ shape.axes)


def primitive_stage(seed: int, index: int, bank: int, things: int) -> PrimitiveStage:
    """Composes a scene of the benchmark's families to film. Equal arguments give equal scenes.

    Args:
        seed, index: The series, and the scene in it.
        bank: Number of the set of textures.
        things: Number of things that move through the view.
    """
    textures = texture_bank(bank, BENCHMARK.textures)
    scene = compose(seed, index, textures.count, BENCHMARK)
    rng = np.random.default_rng([seed, index, 3])
    stage = PrimitiveStage(scene, textures, [])
    shown = stage.picture(stage.start, 0, 24, 32)[1]
    shown = shown[12:][shown[12:] < SKY_DEPTH]
    distance = float(np.quantile(shown, 0.6)) if shown.size else 5.0
    paint = Painter(rng, textures.count)
    return PrimitiveStage(
        scene, textures, [_add_thing(scene, rng, paint, distance) for _ in range(things)]
    )


def _add_thing(scene: Scene, rng: Rng, paint: Painter, distance: float) -> tuple[range, Motion]:
    """Adds a person, a creature or a ball on the ground, which moves across the view."""
    away = distance * rng.uniform(0.5, 0.9)
    aside = away * rng.uniform(-0.35, 0.35)
    foot = np.array([scene.x, 0, scene.z]) + rotation(scene.yaw) @ [aside, 0, away]
    first = len(scene.shapes)
    if away > 2.5 and rng.random() < 0.6:
        person(scene, rng, paint, foot[0], foot[2])
    elif rng.random() < 0.5:
        creature(scene, rng, paint, foot, away * rng.uniform(0.15, 0.3))
    else:
        radius = away * rng.uniform(0.06, 0.12)
        scene.add(
            ELLIPSOID, foot + [0, radius, 0], np.full(3, radius), paint.material(period=radius)
        )
    step = rotation(scene.yaw) @ [-np.copysign(away, aside), 0, away * rng.normal(0, 0.5)]
    motion = Motion(foot, step * rng.uniform(0.01, 0.025), float(rng.normal(0, 0.03)))
    return range(first, len(scene.shapes)), motion
