"""The elements of a rendered scene: a few kinds of solids, each an affinely mapped unit shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ppdcli.scenes.lens import Focus

# CONE includes cylinders (taper 0). LEAFY is an ellipsoid's skin of leaves with gaps.
BOX, ELLIPSOID, CONE, CARD, LEAFY = range(5)
# Cut-outs of a card: all, lines, a ragged blob, leaves, blades of grass, the area below a ridge.
SOLID, GRID, BLOB, LEAVES, BLADES, RIDGE = range(6)
MATERIAL = 15  # length of a material's row


def rotation(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """Returns a (3, 3) rotation; its columns are the turned axes; y is up, angles in radians."""
    cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw, pitch, roll) for f in (np.cos, np.sin))
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return about_y @ about_x @ about_z


@dataclass(frozen=True)
class Material:
    """Appearance of a surface: two colours mixed by one texture, with the grain of another.

    Attributes:
        cells: (across, down) cells per tile, if each has its own colour: books, tiles, flowers.
        variety: Difference of the cells' colours from the surface's, 0 to 1.
    """

    color_a: np.ndarray
    color_b: np.ndarray
    texture: int
    grain: int
    period: float  # metres per tile
    grain_strength: float = 0.3
    gloss: float = 0.0
    glow: float = 0.0
    cells: tuple[float, float] = (0.0, 0.0)
    variety: float = 0.0

    def row(self) -> np.ndarray:
        """Returns the material as ``MATERIAL`` numbers, in the order that the renderer reads."""
        tail = (self.texture, self.grain, self.period, self.grain_strength, self.gloss, self.glow)
        return np.concatenate([self.color_a, self.color_b, tail, self.cells, [self.variety]])


@dataclass
class Shape:
    """A unit shape (cube |x|,|y|,|z| <= 1; ball; cone along y; card in z = 0) in the world.

    Attributes:
        axes: (3, 3) rotation; the columns are the shape's axes.
        half: (3,) half extents in metres.
        cut: For a cone, its taper (0 cylinder .. 1 pointed). For a leafy skin, leaves per radius,
            covered share, 0. For a card, its cut-out and two numbers: GRID cells and line width;
            BLOB threshold and noise texture; LEAVES leaves per half width and covered share;
            BLADES blades across and highest gap; RIDGE row of the texture table and how much of it
            spans the card, negative for steps.
    """

    kind: int
    center: np.ndarray
    half: np.ndarray
    axes: np.ndarray
    material: Material
    cut: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Lamp:
    """A light besides the scene's main one. It casts no shadows."""

    place: np.ndarray
    color: np.ndarray  # of the light close to the lamp
    reach: float  # metres over which the light falls to a fraction


@dataclass
class Scene:
    """One scene: y is up, the camera is at (x, height, z) and looks along +z.

    Attributes:
        x, z: The camera's place over the ground in metres; a scene is composed around (0, 0).
        yaw: The camera's turn towards +x, in radians.
        room: (centre, half extents, yaw) of the room around the camera, or None outdoors.
        light: Position of the lamp or sun.
        lamp_reach: Reach of the lamp in metres; 0 for the sun.
        fog: Fog per metre.
        sky: (2, 3) colours at the horizon and above.
        creases: Darkness of corners and contacts, 0 to 1.
        glare: Brightness of the sky around the sun.
        mirror: Share of the light that the ground reflects when seen from above, 0 to 1. Unless it
            is 0, the ground reflects all light at a grazing angle.
        ripples: Waviness of the reflection, in radians.
    """

    height: float
    pitch: float
    roll: float
    fov: float  # horizontal, degrees, of a 4:3 picture
    ground: Material
    room: tuple[np.ndarray, np.ndarray, float] | None = None
    walls: Material | None = None
    light: np.ndarray = field(default_factory=lambda: np.array([300.0, 800.0, -200.0]))
    light_color: np.ndarray = field(default_factory=lambda: np.ones(3))
    lamp_reach: float = 0.0
    shadow: float = 0.8
    ambient: np.ndarray = field(default_factory=lambda: np.full(3, 0.4))
    fog: float = 0.0
    sky: np.ndarray = field(default_factory=lambda: np.array([[0.8, 0.85, 0.9], [0.3, 0.5, 0.9]]))
    clouds: float = 0.5
    creases: float = 0.0
    glare: float = 0.0
    mirror: float = 0.0
    ripples: float = 0.0
    lamps: list[Lamp] = field(default_factory=list)
    focus: Focus | None = None
    shapes: list[Shape] = field(default_factory=list)
    x: float = 0.0
    z: float = 0.0
    yaw: float = 0.0

    def add(
        self,
        kind: int,
        center: tuple[float, float, float] | np.ndarray,
        half: tuple[float, float, float] | np.ndarray,
        material: Material,
        axes: np.ndarray | None = None,
        cut: tuple[float, float, float] = (0.0, 0.0, 0.0),
    ) -> None:
        """Adds one shape to the scene."""
        self.shapes.append(
            Shape(
                kind,
                np.asarray(center, float),
                np.maximum(np.asarray(half, float), 1e-3),
                np.eye(3) if axes is None else axes,
                material,
                cut,
            )
        )

    def rod(
        self,
        start: np.ndarray | tuple[float, float, float],
        end: np.ndarray | tuple[float, float, float],
        radius: float,
        material: Material,
        taper: float = 0.0,
    ) -> None:
        """Adds a cylinder or cone from ``start`` to ``end``: poles, legs, trunks, wires."""
        a, b = np.asarray(start, float), np.asarray(end, float)
        along = b - a
        length = math.sqrt(along.dot(along))
        y = along / length if length > 1e-6 else np.array([0.0, 1.0, 0.0])
        x = _cross(y, (0.0, 0.0, 1.0) if abs(y[2]) < 0.9 else (1.0, 0.0, 0.0))
        x /= math.sqrt(x.dot(x))
        axes = np.stack([x, y, _cross(x, y)], axis=1)
        self.add(CONE, (a + b) / 2, (radius, length / 2, radius), material, axes, (taper, 0.0, 0.0))


def _cross(a: Sequence[float] | np.ndarray, b: Sequence[float] | np.ndarray) -> np.ndarray:
    """Returns the cross product of two vectors; numpy's takes longer than the rest of a rod."""
    ax, ay, az, bx, by, bz = *map(float, a), *map(float, b)
    return np.array([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])
