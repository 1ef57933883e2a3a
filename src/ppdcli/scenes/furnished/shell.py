"""Procedural geometry: quads, boxes and posts with finishes, as one part of a scene."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.furnished import shading
from ppdcli.scenes.furnished.embree import Mesh
from ppdcli.scenes.furnished.finishes import Finish
from ppdcli.scenes.furnished.parts import Part, density_of, stack_levels

Vector = tuple[float, float, float] | np.ndarray

# Faces of the unit cube: a corner and two sides, oriented to be seen from outside.
_FACES = np.array(
    [
        [[-1, -1, 1], [2, 0, 0], [0, 2, 0]],
        [[1, -1, -1], [-2, 0, 0], [0, 2, 0]],
        [[1, -1, 1], [0, 0, -2], [0, 2, 0]],
        [[-1, -1, -1], [0, 0, 2], [0, 2, 0]],
        [[-1, 1, 1], [2, 0, 0], [0, 0, -2]],
        [[-1, -1, -1], [2, 0, 0], [0, 0, 2]],
    ],
    np.float64,
)


class Shell:
    """Collects faces. ``part`` returns them as one part."""

    def __init__(self) -> None:
        self._finishes: list[Finish] = []
        self._numbers: dict[int, int] = {}
        # Numbers of the added faces; ``part`` processes them together.
        self._quads: list[float] = []
        self._boxes: list[float] = []
        self._triangles: list[np.ndarray] = []
        self._triangle_finishes: list[int] = []
        self._level: list[bool] = []

    def quad(
        self, corner: Vector, a: Vector, b: Vector, finish: Finish, whole: bool = False
    ) -> None:
        """Adds a parallelogram from a corner along two sides.

        Args:
            corner, a, b: Metres.
            finish: The finish; its picture runs along ``a`` and up along ``b``.
            whole: Whether the picture covers the face exactly once.
        """
        self._quads += [*corner, *a, *b, self._number(finish), whole]

    def box(
        self, center: Vector, half: Vector, finish: Finish, angle: float = 0.0, whole: bool = False
    ) -> None:
        """Adds a box, rotated about the upright axis; ``center`` is its middle."""
        self._boxes += [*center, *half, angle, self._number(finish), whole]

    def triangle(self, points: np.ndarray, finish: Finish, level: bool = False) -> None:
        """Adds one triangle (3, 3), as for gables; ``level`` projects the picture from above."""
        self._triangles.append(points)
        self._level.append(level)
        self._triangle_finishes.append(self._number(finish))

    def post(
        self, foot: Vector, top: Vector, radius: float, finish: Finish, sides: int = 8
    ) -> None:
        """Adds a round bar between two points."""
        foot, top = np.asarray(foot, np.float64), np.asarray(top, np.float64)
        along = (top - foot) / np.linalg.norm(top - foot)
        side = np.cross(along, [1.0, 0, 0] if abs(along[0]) < 0.9 else [0, 1.0, 0])
        side /= np.linalg.norm(side)
        other = np.cross(along, side)
        angles = np.linspace(0, 2 * np.pi, sides + 1)
        ring = radius * (np.cos(angles)[:, None] * side + np.sin(angles)[:, None] * other)
        for k in range(sides):
            self.quad(foot + ring[k], ring[k + 1] - ring[k], top - foot, finish)
            self.triangle(np.array([top + ring[k], top + ring[k + 1], top]), finish)

    def _number(self, finish: Finish) -> int:
        number = self._numbers.get(id(finish))
        if number is None:
            number = self._numbers[id(finish)] = len(self._finishes)
            self._finishes.append(finish)
        return number

    def part(self) -> Part:
        """Returns the faces as one part."""
        quads = np.concatenate([np.array(self._quads).reshape(-1, 11), self._box_faces()])
        periods = np.array([finish.period for finish in self._finishes])
        corners, uv = _quad_triangles(quads, periods)
        finish = np.repeat(quads[:, 9].astype(np.int32), 2)
        if self._triangles:
            points = np.array(self._triangles, np.float64)
            numbers = np.array(self._triangle_finishes, np.int32)
            corners = np.concatenate([corners, points])
            upright = _triangle_uv(points, periods[numbers])
            above = points[..., [0, 2]] / periods[numbers][:, None, None]
            flat_uv = np.where(np.array(self._level)[:, None, None], above, upright)
            uv = np.concatenate([uv, flat_uv])
            finish = np.concatenate([finish, numbers])
        a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        normals = np.cross(a, b)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        flat = corners.reshape(-1, 3)
        pictures = [f.picture for f in self._finishes if f.picture is not None]
        return Part(
            Mesh(flat, np.arange(len(flat)).reshape(-1, 3)),
            np.ascontiguousarray(uv.reshape(-1, 6), np.float32),
            np.round(np.tile(normals, (1, 3)) * 127).astype(np.int8),
            density_of(corners, uv),
            finish,
            self._rows(),
            stack_levels(pictures),
            flat.min(0),
            flat.max(0),
        )

    def _box_faces(self) -> np.ndarray:
        boxes = np.array(self._boxes).reshape(-1, 9)
        c, s = np.cos(boxes[:, 6]), np.sin(boxes[:, 6])
        zero, one = np.zeros_like(c), np.ones_like(c)
        # Rows: the box's own axes in the place, (n, 3, 3).
        axes = np.stack(
            [np.stack(row, 1) for row in ((c, zero, -s), (zero, one, zero), (s, zero, c))], 1
        )
        vectors = np.einsum("fvk,nk,nkj->nfvj", _FACES, boxes[:, 3:6], axes)
        vectors[:, :, 0] += boxes[:, None, :3]
        faces = vectors.reshape(-1, 9)
        return np.concatenate([faces, np.repeat(boxes[:, 7:9], 6, 0)], 1)

    def _rows(self) -> np.ndarray:
        rows = np.zeros((len(self._finishes), shading.MATERIAL), np.float32)
        pictures = 0
        for row, finish in zip(rows, self._finishes, strict=True):
            row[:3] = np.clip(finish.color, 0.02, 0.93) ** np.float64(2.2)
            row[shading.TEXTURE] = -1
            if finish.picture is not None:
                row[shading.TEXTURE] = pictures
                pictures += 1
            row[shading.GLOSS], row[shading.GRAIN] = finish.gloss, finish.grain
            row[shading.GRAIN_GAIN] = finish.gain
            row[shading.GRAIN_SCALE] = finish.period * 1.7
            row[shading.GLOW : shading.GLOW + 3] = finish.glow
        return rows


def _quad_triangles(quads: np.ndarray, periods: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns corners (2 n, 3, 3) and texture coordinates (2 n, 3, 2) of the quads' triangles."""
    p, a, b = quads[:, :3], quads[:, 3:6], quads[:, 6:9]
    whole, period = quads[:, 10] > 0, periods[quads[:, 9].astype(np.int64)]
    wide, high = np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)
    s, t = np.where(whole, 1, wide / period), np.where(whole, 1, high / period)
    # The picture continues on neighbouring faces: its offset depends on the corner's position.
    u = np.where(whole, 0, (p * a).sum(1) / np.maximum(wide, 1e-9) / period % 1)
    v = np.where(whole, 0, (p * b).sum(1) / np.maximum(high, 1e-9) / period % 1)
    points = np.stack([p, p + a, p + a + b, p + b], 1)
    uv = np.stack([np.stack(x, 1) for x in ((u, v), (u + s, v), (u + s, v + t), (u, v + t))], 1)
    order = [[0, 1, 2], [0, 2, 3]]
    return points[:, order].reshape(-1, 3, 3), uv[:, order].reshape(-1, 3, 2)


def _triangle_uv(points: np.ndarray, period: np.ndarray) -> np.ndarray:
    a = points[:, 1] - points[:, 0]
    a /= np.linalg.norm(a, axis=1, keepdims=True)
    n = np.cross(a, points[:, 2] - points[:, 0])
    b = np.cross(n / np.maximum(np.linalg.norm(n, axis=1, keepdims=True), 1e-12), a)
    uv = np.stack([(points * a[:, None]).sum(-1), (points * b[:, None]).sum(-1)], -1)
    return np.asarray(uv / period[:, None, None])
