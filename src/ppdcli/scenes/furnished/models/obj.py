"""Reads Wavefront OBJ and MTL text into arrays."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass
class MtlMaterial:
    """One ``newmtl`` block: colours in [0, 1], and the names of its pictures."""

    diffuse: tuple[float, float, float] = (0.7, 0.7, 0.7)
    specular: float = 0.0
    exponent: float = 1.0
    opacity: float = 1.0
    glow: tuple[float, float, float] = (0.0, 0.0, 0.0)
    picture: str | None = None
    mask: str | None = None


@dataclass(frozen=True)
class ObjMesh:
    """Triangles of an OBJ file.

    Attributes:
        vertices: (V, 3) float64.
        triangles: (F, 3) int64 indices of vertices.
        uv: (F, 3, 2) float64; 0 if the file has none.
        material: (F,) int64 indices into ``names``.
        names: Names of the materials.
        libraries: Names of the MTL files.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    uv: np.ndarray
    material: np.ndarray
    names: list[str]
    libraries: list[str] = field(default_factory=list)


def parse_obj(text: str) -> ObjMesh:
    """Reads the text of an OBJ file. Polygons become fans of triangles.

    Raises:
        ValueError: The text has no triangle, or a number that cannot be read.
    """
    positions: list[str] = []
    coordinates: list[str] = []
    corners: list[tuple[int, int]] = []  # vertex, texture coordinate
    material: list[int] = []
    names: dict[str, int] = {}
    libraries: list[str] = []
    current = 0
    for line in text.splitlines():
        words = line.split()
        if not words:
            continue
        kind = words[0]
        if kind == "v":
            positions += words[1:4]
        elif kind == "vt":
            coordinates += words[1:3]
        elif kind == "f":
            polygon = [_corner(w, len(positions) // 3, len(coordinates) // 2) for w in words[1:]]
            for k in range(1, len(polygon) - 1):
                corners += (polygon[0], polygon[k], polygon[k + 1])
                material.append(current)
        elif kind == "usemtl":
            current = names.setdefault(" ".join(words[1:]), len(names))
        elif kind == "mtllib":
            libraries.append(line.split(None, 1)[1].strip())
    if not corners:
        raise ValueError("the OBJ file has no triangle")
    if not names:
        names[""] = 0
    vertices = np.array(positions, np.float64).reshape(-1, 3)
    table = np.array(coordinates + ["0", "0"], np.float64).reshape(-1, 2)
    both = np.array(corners, np.int64).reshape(-1, 3, 2)
    if both[..., 0].min() < 0 or both[..., 0].max() >= len(vertices):
        raise ValueError("a face of the OBJ file names a vertex that does not exist")
    numbers = np.where((both[..., 1] < 0) | (both[..., 1] >= len(table)), -1, both[..., 1])
    return ObjMesh(
        vertices, both[..., 0], table[numbers], np.array(material), list(names), libraries
    )


def _corner(word: str, vertices: int, coordinates: int) -> tuple[int, int]:
    """Returns the indices (from 0) of a corner's vertex and texture coordinate (-1 for none)."""
    parts = word.split("/")
    vertex = int(parts[0])
    coordinate = int(parts[1]) if len(parts) > 1 and parts[1] else 0
    vertex = vertex - 1 if vertex > 0 else vertices + vertex
    coordinate = coordinate - 1 if coordinate >= 0 else coordinates + coordinate
    return vertex, coordinate


def parse_mtl(text: str) -> dict[str, MtlMaterial]:
    """Reads the text of an MTL file. Lines that cannot be read are skipped."""
    found: dict[str, MtlMaterial] = {}
    current = MtlMaterial()
    for line in text.splitlines():
        words = line.split()
        if len(words) < 2:
            continue
        kind, rest = words[0], words[1:]
        try:
            if kind == "newmtl":
                current = found.setdefault(" ".join(rest), MtlMaterial())
            elif kind == "Kd":
                current.diffuse = _color(rest)
            elif kind == "Ks":
                current.specular = sum(_color(rest)) / 3
            elif kind == "Ke":
                current.glow = _color(rest)
            elif kind == "Ns":
                current.exponent = float(rest[0])
            elif kind == "d":
                current.opacity = float(rest[-1])
            elif kind == "Tr":
                current.opacity = 1 - float(rest[-1])
            elif kind == "map_Kd":
                current.picture = rest[-1]
            elif kind == "map_d":
                current.mask = rest[-1]
        except (ValueError, IndexError):
            continue
    return found


def _color(words: list[str]) -> tuple[float, float, float]:
    numbers = [min(max(float(w), 0.0), 1.0) for w in words[:3]]
    if len(numbers) < 3:
        numbers = [numbers[0]] * 3
    return numbers[0], numbers[1], numbers[2]
