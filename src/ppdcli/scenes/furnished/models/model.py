"""A textured triangle model of a real object, and its catalogue entry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NO_TEXTURE = -1


@dataclass(frozen=True)
class Material:
    """Appearance of a part of a model.

    Attributes:
        color: RGB in [0, 1], sRGB values; not used if there is a texture.
        texture: Index of the model's texture, or NO_TEXTURE.
        gloss: Strength of the highlight, in [0, 1].
        opacity: 1 for opaque, near 0 for clear glass.
        glow: Emitted RGB light, in [0, 1].
    """

    color: tuple[float, float, float] = (0.7, 0.7, 0.7)
    texture: int = NO_TEXTURE
    gloss: float = 0.0
    opacity: float = 1.0
    glow: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Model:
    """Triangles in metres. y is up, the front faces +z, the origin is below the middle.

    Attributes:
        vertices: (V, 3) float32 metres; the lowest vertex has y = 0.
        triangles: (F, 3) int32 indices of vertices.
        uv: (F, 3, 2) float32 texture coordinates of each corner; v points up.
        material: (F,) int32 indices of materials.
        materials: At least one.
        textures: Each (h, w, 4) uint8 sRGB and alpha; sides are powers of two.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    uv: np.ndarray
    material: np.ndarray
    materials: tuple[Material, ...]
    textures: tuple[np.ndarray, ...] = ()


@dataclass(frozen=True)
class Entry:
    """Catalogue entry of a model.

    Attributes:
        id: Unique over all libraries.
        name: Name in English, such as "Coffee table"; several models can share it.
        category: Category such as "Living room".
        library: Name of the library.
        license, creator: Licence and author of the model.
        size: (width, height, depth) in metres, along x, y and z.
        elevation: Usual height of a hanging model above the floor in metres; 0 if it stands.
        top: Height in metres of the surface for objects on top; None if there is none.
        opening: Whether it is a door or a window.
    """

    id: str
    name: str
    category: str
    library: str
    license: str
    creator: str
    size: tuple[float, float, float]
    elevation: float = 0.0
    top: float | None = None
    opening: bool = False
