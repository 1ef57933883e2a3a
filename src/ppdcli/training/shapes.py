"""What a rendered scene is made of: a few solid kinds, each a unit shape under an affine map."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

BOX, ELLIPSOID, CONE, CARD = range(4)  # CONE covers cylinders: taper 0
SOLID, GRID, BLOB = 0.0, 1.0, 2.0  # what is cut out of a card


def rotation(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """(3, 3) rotation whose columns are the turned axes; y is up, angles in radians."""
    cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw, pitch, roll) for f in (np.cos, np.sin))
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return about_y @ about_x @ about_z


@dataclass(frozen=True)
class Material:
    """How a surface looks: two colours mixed by one texture, with the grain of another."""

    color_a: np.ndarray
    color_b: np.ndarray
    texture: int
    grain: int
    period: float  # metres a tile
    grain_strength: float = 0.3
    gloss: float = 0.0
    glow: float = 0.0

    def row(self) -> np.ndarray:
        """The material as 12 numbers, in the order that the renderer reads."""
        tail = (self.texture, self.grain, self.period, self.grain_strength, self.gloss, self.glow)
        return np.concatenate([self.color_a, self.color_b, tail])


@dataclass
class Shape:
    """A unit shape (cube |x|,|y|,|z| <= 1; ball; cone along y; card in z = 0) in the world.

    Attributes:
        axes: (3, 3) rotation, columns are the shape's axes.
        half: (3,) half extents in metres.
        cut: taper for a cone (0 cylinder .. 1 pointed); for a card (kind of cut-out,
            cells or threshold, line width or noise texture).
    """

    kind: int
    center: np.ndarray
    half: np.ndarray
    axes: np.ndarray
    material: Material
    cut: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass
class Scene:
    """One scene: y is up, the camera stands at (0, height, 0) and looks along +z.

    Attributes:
        room: (center, half extents, yaw) of the room that the camera is in, or None outdoors.
        light: position of the lamp or sun; ``lamp_reach`` metres for a lamp, 0 for the sun.
        fog: per metre. sky: (2, 3) colours at the horizon and above.
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
    shapes: list[Shape] = field(default_factory=list)

    def add(
        self,
        kind: int,
        center: tuple[float, float, float] | np.ndarray,
        half: tuple[float, float, float] | np.ndarray,
        material: Material,
        axes: np.ndarray | None = None,
        cut: tuple[float, float, float] = (0.0, 0.0, 0.0),
    ) -> None:
        """Puts one shape into the scene."""
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
        """A cylinder or cone from ``start`` to ``end``: poles, legs, trunks, wires."""
        a, b = np.asarray(start, float), np.asarray(end, float)
        length = float(np.linalg.norm(b - a))
        y = (b - a) / length if length > 1e-6 else np.array([0.0, 1.0, 0.0])
        x = np.cross(y, [0.0, 0.0, 1.0] if abs(y[2]) < 0.9 else [1.0, 0.0, 0.0])
        x /= np.linalg.norm(x)
        axes = np.stack([x, y, np.cross(x, y)], axis=1)
        self.add(CONE, (a + b) / 2, (radius, length / 2, radius), material, axes, (taper, 0.0, 0.0))
