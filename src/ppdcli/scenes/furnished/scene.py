"""A scene: placed models and shells with their light, ready for pictures."""

from __future__ import annotations

import copy
from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np

from ppdcli.scenes.furnished import shading
from ppdcli.scenes.furnished.embree import PlacedMeshes
from ppdcli.scenes.furnished.models.library import Library
from ppdcli.scenes.furnished.noise import noise_levels
from ppdcli.scenes.furnished.parts import Part, part_of

Placed = tuple[int, np.ndarray, np.ndarray]
"""A placed part: its number among the parts, its (3, 4) transform, and a factor of its colours."""

_KEPT = 160  # parts of models that stay in memory

LINEAR = ((np.arange(256) / 255.0) ** 2.2).astype(np.float32)


class Store:
    """Parts of a library's models, prepared when they are first placed."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._parts: OrderedDict[tuple[int, float], Part] = OrderedDict()

    def part(self, number: int, glow: float = 0.0) -> Part:
        """Returns the part of a model; ``glow`` is the light of its glass."""
        key = (number, glow)
        if key not in self._parts:
            self._parts[key] = part_of(self.library.model(number), glow)
            if len(self._parts) > _KEPT:
                self._parts.popitem(last=False)
        self._parts.move_to_end(key)
        return self._parts[key]


@dataclass
class Sky:
    """The sky and the ambient light.

    Attributes:
        outdoors: Whether rays that hit nothing nearby see the sky.
        reach: Distance in metres within which objects block ambient light.
        ambient: RGB of the ambient light; outdoors a factor of the sky's light.
        bounce: RGB of the light reflected by nearby objects.
        low, high: RGB of the sky at the horizon and above.
        clouds: 0 for none, 1 for a covered sky.
        fog: 1 / metres over which the light falls to a third.
        glare: Brightness of the halo around the sun.
    """

    outdoors: bool = False
    reach: float = 2.0
    ambient: np.ndarray = field(default_factory=lambda: np.full(3, 0.5))
    bounce: np.ndarray = field(default_factory=lambda: np.full(3, 0.1))
    low: np.ndarray = field(default_factory=lambda: np.array([0.75, 0.85, 1.0]))
    high: np.ndarray = field(default_factory=lambda: np.array([0.25, 0.45, 0.9]))
    clouds: float = 0.0
    fog: float = 0.0
    glare: float = 0.0


def sun(direction: np.ndarray, power: np.ndarray, spread: float) -> np.ndarray:
    """Returns a light's row: a sun towards ``direction`` with a radius of ``spread`` radians."""
    row = np.zeros(shading.LIGHT)
    row[shading.KIND] = shading.SUN
    row[shading.PLACE : shading.PLACE + 3] = direction / np.linalg.norm(direction)
    row[shading.SIDE_A] = spread
    row[shading.POWER : shading.POWER + 3] = power
    return row


def ball(place: np.ndarray, power: np.ndarray, radius: float) -> np.ndarray:
    """Returns a light's row: a lamp of some radius in metres; ``power`` is the light at 1 m."""
    row = np.zeros(shading.LIGHT)
    row[shading.KIND] = shading.BALL
    row[shading.PLACE : shading.PLACE + 3] = place
    row[shading.SIDE_A] = radius
    row[shading.POWER : shading.POWER + 3] = power
    return row


def panel(corner: np.ndarray, a: np.ndarray, b: np.ndarray, power: np.ndarray) -> np.ndarray:
    """Returns a light's row: a rectangle from a corner along two sides of brightness ``power``."""
    row = np.zeros(shading.LIGHT)
    row[shading.KIND] = shading.PANEL
    row[shading.PLACE : shading.PLACE + 3] = corner
    row[shading.SIDE_A : shading.SIDE_A + 3] = a
    row[shading.SIDE_B : shading.SIDE_B + 3] = b
    row[shading.POWER : shading.POWER + 3] = power
    return row


def turned(place: tuple[float, float, float], angle: float, scale: float = 1.0) -> np.ndarray:
    """Returns a (3, 4) transform: scale, turn about the upright axis (+z towards +x), move."""
    c, s = np.cos(angle) * scale, np.sin(angle) * scale
    return np.array(
        [[c, 0, s, place[0]], [0, scale, 0, place[1]], [-s, 0, c, place[2]]], np.float64
    )


class Scene:
    """All geometry and light of a place: x is to the right, y up, z ahead, in metres.

    Attributes:
        sky: Set it before pictures are taken.
        lights: Rows made by ``sun``, ``ball`` and ``panel``.
    """

    def __init__(self) -> None:
        self.sky = Sky()
        self.lights: list[np.ndarray] = []
        self._parts: list[Part] = []
        self._placed: list[Placed] = []
        self._numbers: dict[int, int] = {}
        self._arrays: SceneArrays | None = None

    def place(self, part: Part, transform: np.ndarray, tint: np.ndarray | None = None) -> int:
        """Places a part and returns its number; ``tint`` is a factor of its colours."""
        number = self._numbers.get(id(part))
        if number is None:
            number = self._numbers[id(part)] = len(self._parts)
            self._parts.append(part)
        self._placed.append((number, transform, np.ones(3) if tint is None else tint))
        return len(self._placed) - 1

    def moved(self, motions: dict[int, np.ndarray]) -> Scene:
        """Returns this scene with some placed parts moved.

        Args:
            motions: By the number of a placed part, the (4, 4) motion from where it was placed.
        """
        scene = copy.copy(self)
        scene._placed = list(self._placed)
        for number, motion in motions.items():
            part, transform, tint = self._placed[number]
            there = motion[:3, :3] @ transform
            there[:, 3] += motion[:3, 3]
            scene._placed[number] = part, there, tint
        scene._arrays = self.arrays().moved(self._parts, scene._placed)
        return scene

    def arrays(self) -> SceneArrays:
        """Returns the scene as arrays for compiled code. Place nothing afterwards."""
        if self._arrays is None:
            self._arrays = SceneArrays(self._parts, self._placed)
        return self._arrays

    def world(self) -> np.ndarray:
        """Returns the sky as numbers for compiled code."""
        sky, row = self.sky, np.zeros(shading.WORLD)
        row[shading.OUTDOORS] = sky.outdoors
        row[shading.REACH] = sky.reach
        for at, values in (
            (shading.AMBIENT, sky.ambient),
            (shading.SKY_LOW, sky.low),
            (shading.SKY_HIGH, sky.high),
            (shading.BOUNCE, sky.bounce),
        ):
            row[at : at + 3] = values
        row[shading.CLOUDS], row[shading.FOG], row[shading.GLARE] = sky.clouds, sky.fog, sky.glare
        suns = [light for light in self.lights if light[shading.KIND] == shading.SUN]
        if suns:
            row[shading.SUN_AT : shading.SUN_AT + 3] = suns[0][shading.PLACE : shading.PLACE + 3]
        return row


class SceneArrays:
    """The arrays of a scene."""

    def __init__(self, parts: list[Part], placed: list[Placed]) -> None:
        counts = [len(part.material) for part in parts]
        first = np.concatenate([[0], np.cumsum(counts)])
        first_row = np.concatenate([[0], np.cumsum([len(part.rows) for part in parts])])
        # Noise for clouds and grain comes first, because every scene has it.
        common = noise_levels()
        starts, texture = len(common.table), len(common.places)
        rows, places, tables = [], [common.places], [common.table]
        for part in parts:
            shifted = part.rows.copy()
            has = shifted[:, shading.TEXTURE] >= 0
            shifted[has, shading.TEXTURE] += texture
            rows.append(shifted)
            moved = part.texels.places.copy()
            moved[..., 0] += starts
            places.append(moved)
            tables.append(part.texels.table)
            starts += len(part.texels.table)
            texture += len(part.texels.places)
        numbers = np.array([number for number, _, _ in placed])
        materials = np.concatenate(rows)
        self.meshes = _placed_meshes(parts, placed)
        self.geometry = (
            first[numbers].astype(np.int64),
            first_row[numbers].astype(np.int64),
            np.concatenate([part.material for part in parts]),
            np.concatenate([part.uv for part in parts]),
            materials,
            np.concatenate(tables),
            np.concatenate(places),
        )
        self.shape = (
            _transforms(placed),
            np.concatenate([part.normals for part in parts]),
            np.concatenate([part.density for part in parts]),
            np.array([tint for _, _, tint in placed]),
        )
        self.cutouts = bool(materials[:, shading.CUTOUT].any())
        self.triangles = int(sum(counts[number] for number, _, _ in placed))

    def moved(self, parts: list[Part], placed: list[Placed]) -> SceneArrays:
        """Returns the arrays of the same parts at other places; they share all textures."""
        arrays = copy.copy(self)
        arrays.meshes = _placed_meshes(parts, placed)
        arrays.shape = (_transforms(placed), *self.shape[1:])
        return arrays


def _placed_meshes(parts: list[Part], placed: list[Placed]) -> PlacedMeshes:
    return PlacedMeshes([(parts[number].mesh, transform) for number, transform, _ in placed])


def _transforms(placed: list[Placed]) -> np.ndarray:
    """Returns (placed parts, 12)."""
    return np.array([transform.reshape(12) for _, transform, _ in placed])
