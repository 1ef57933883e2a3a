"""A textured triangle model of a real thing, and what the catalogue says about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NO_TEXTURE = -1


@dataclass(frozen=True)
class Material:
    """How a part of a model looks.

    Attributes:
        color: RGB in [0, 1], sRGB values; not used where there is a texture.
        texture: number of the model's texture, or NO_TEXTURE.
        gloss: strength of the highlight, in [0, 1].
        opacity: 1 for opaque, near 0 for clear glass.
        glow: RGB light that the part itself gives, in [0, 1].
    """

    color: tuple[float, float, float] = (0.7, 0.7, 0.7)
    texture: int = NO_TEXTURE
    gloss: float = 0.0
    opacity: float = 1.0
    glow: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Model:
    """Triangles in metres; y is up, the front looks along +z, the origin is below the middle.

    Attributes:
        vertices: (V, 3) float32 metres; the lowest vertex has y = 0.
        triangles: (F, 3) int32 numbers of vertices.
        uv: (F, 3, 2) float32 texture coordinates of each corner; v points up.
        material: (F,) int32 numbers of materials.
        materials: at least one.
        textures: each (h, w, 4) uint8 sRGB and alpha; sides are powers of two.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    uv: np.ndarray
    material: np.ndarray
    materials: tuple[Material, ...]
    textures: tuple[np.ndarray, ...] = ()


@dataclass(frozen=True)
class Entry:
    """What the catalogue says about a model.

    Attributes:
        id: unique over all libraries.
        name: in English, such as "Coffee table"; several models may share it.
        category: such as "Living room".
        library: the library's name; ``license`` and ``creator`` are the model's terms and author.
        size: (width, height, depth) in metres, along x, y and z.
        elevation: metres above the floor where it usually hangs; 0 if it stands.
        top: height in metres of the surface on which things are put; None if nothing is.
        opening: whether it is a door or a window.
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
