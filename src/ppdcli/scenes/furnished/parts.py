"""Prepares models and shells for ray casting: trees, normals, mip levels, material rows."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ppdcli.scenes.furnished import shading
from ppdcli.scenes.furnished.embree import Mesh
from ppdcli.scenes.furnished.models.model import NO_TEXTURE, Material, Model
from ppdcli.scenes.furnished.normals import corner_normals

_CREASE = np.float32(np.cos(np.radians(50)))
_GLASS = 0.55  # a material of lower opacity is drawn dark and reflective


@dataclass(frozen=True)
class Texels:
    """Pictures with all their mip levels.

    Attributes:
        table: (N, 4) uint8 sRGB and alpha, level after level.
        places: (T, LEVELS, 3) int64: start in the table, width and height of each level.
    """

    table: np.ndarray
    places: np.ndarray


def stack_levels(pictures: list[np.ndarray]) -> Texels:
    """Stacks pictures (h, w, 4) uint8, sides powers of two, with levels of half the size each."""
    places = np.zeros((len(pictures), shading.LEVELS, 3), np.int64)
    rows: list[np.ndarray] = []
    start = 0
    for number, picture in enumerate(pictures):
        current = picture
        for k in range(shading.LEVELS):
            height, width = current.shape[:2]
            places[number, k] = start, width, height
            if k + 1 == shading.LEVELS or width * height == 1:
                places[number, k:] = start, width, height
                rows.append(current.reshape(-1, 4))
                start += width * height
                break
            rows.append(current.reshape(-1, 4))
            start += width * height
            half = (max(width // 2, 1), max(height // 2, 1))
            current = cv2.resize(current, half, interpolation=cv2.INTER_AREA)
    table = np.concatenate(rows) if rows else np.zeros((0, 4), np.uint8)
    return Texels(np.ascontiguousarray(table), places)


@dataclass(frozen=True)
class Part:
    """A placeable part of a scene: geometry, corners, materials, textures.

    Attributes:
        mesh: The triangles and their tree.
        uv: Texture coordinates, (F, 6) float32.
        normals: Corner normals, (F, 9) int8.
        density: Texture coordinates per metre, (F,) float32.
        material: (F,) int32 indices into ``rows``.
        rows: (M, MATERIAL) float32; texture indices count from the part's first texture.
        texels: The part's textures.
        low, high: Corners of the bounding box, metres.
    """

    mesh: Mesh
    uv: np.ndarray
    normals: np.ndarray
    density: np.ndarray
    material: np.ndarray
    rows: np.ndarray
    texels: Texels
    low: np.ndarray
    high: np.ndarray


def part_of(model: Model, glow: float = 0.0, smooth: bool = True) -> Part:
    """Prepares a model.

    Args:
        model: The model.
        glow: Light emitted by its clear glass, like window panes in daylight.
        smooth: Whether gentle edges are shaded as if they were round.
    """
    rows = np.stack([_row(m, glow) for m in model.materials])
    for k, m in enumerate(model.materials):
        if m.texture != NO_TEXTURE and (model.textures[m.texture][..., 3] < 250).any():
            rows[k, shading.CUTOUT] = 1
    # The scene looks along +z with x to the right; a model's own x points to the left.
    vertices = model.vertices * np.array([-1, 1, 1], np.float32)
    corners = vertices[model.triangles]
    crease = _CREASE if smooth else np.float32(2.0)
    return Part(
        Mesh(vertices, model.triangles),
        np.ascontiguousarray(model.uv.reshape(-1, 6), np.float32),
        corner_normals(vertices, model.triangles, crease),
        density_of(corners, model.uv),
        np.ascontiguousarray(model.material, np.int32),
        rows,
        stack_levels(list(model.textures)),
        vertices.min(0),
        vertices.max(0),
    )


def _row(material: Material, glow: float) -> np.ndarray:
    row = np.zeros(shading.MATERIAL, np.float32)
    color = np.clip(np.array(material.color), 0.02, 0.93) ** 2.2
    row[shading.TEXTURE] = material.texture
    row[shading.GLOSS] = 0.6 * material.gloss
    row[shading.GLOW : shading.GLOW + 3] = np.array(material.glow) * 0.5
    row[shading.GRAIN] = -1
    if material.opacity < _GLASS:
        if glow > 0:
            row[shading.GLOW : shading.GLOW + 3] = glow * np.array([0.9, 1.0, 1.1])
        color = color * 0.3
        row[shading.TEXTURE] = NO_TEXTURE
        row[shading.GLOSS] = max(row[shading.GLOSS], 0.5)
    row[:3] = color
    return row


def density_of(corners: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """Returns (F,) float32 texture coordinates per metre, from (F, 3, 3) and uv (F, 3, 2)."""
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    s, t = uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]
    metres = np.linalg.norm(np.cross(a, b), axis=1)
    share = np.abs(s[:, 0] * t[:, 1] - s[:, 1] * t[:, 0])
    return np.sqrt(share / np.maximum(metres, 1e-12)).astype(np.float32)
