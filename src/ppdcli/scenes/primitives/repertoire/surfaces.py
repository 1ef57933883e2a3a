"""Materials by name: lawn, asphalt, parquet, cloth, water."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ppdcli.scenes.natural_textures import numbers_of
from ppdcli.scenes.primitives.repertoire.painter import Painter
from ppdcli.scenes.primitives.shapes import Material
from ppdcli.scenes.primitives.textures import COUNT


@dataclass(frozen=True)
class _Kind:
    """How a kind of surface is drawn.

    Attributes:
        colors: Kinds of colour of the painter.
        patterns: Kinds of texture.
        contrast: Smallest and largest ratio of the second colour to the first.
        gloss: Largest gloss.
    """

    colors: tuple[str, ...]
    patterns: tuple[str, ...]
    contrast: tuple[float, float]
    gloss: float = 0.0


_KINDS = {
    "lawn": _Kind(("green", "green", "earth"), ("mottled", "foliage"), (0.3, 0.8)),
    "leaves": _Kind(("green", "green", "green", "earth"), ("foliage", "mottled"), (0.15, 0.6)),
    "soil": _Kind(("earth",), ("mottled", "cells", "ridged", "warped"), (0.4, 0.9)),
    "sand": _Kind(("sand",), ("waves", "mottled", "streaks"), (0.7, 0.95)),
    "rock": _Kind(("grey", "earth"), ("ridged", "warped", "cells"), (0.3, 0.8)),
    "snow": _Kind(("white",), ("mottled", "warped"), (0.8, 1.0)),
    "road": _Kind(("grey",), ("mottled", "warped"), (0.7, 0.97), 0.2),
    "paving": _Kind(("grey", "earth"), ("tiles", "cells", "mottled"), (0.3, 0.85), 0.2),
    "wood": _Kind(("wood",), ("planks", "streaks", "planks"), (0.4, 0.9), 0.4),
    "bark": _Kind(("wood", "grey"), ("streaks", "ridged"), (0.2, 0.7)),
    "tiles": _Kind(("pale", "grey", "any"), ("tiles",), (0.3, 0.95), 0.8),
    "plaster": _Kind(("pale", "pale", "grey", "earth"), ("mottled", "warped"), (0.85, 1.0)),
    "cloth": _Kind(("any",), ("woven", "ridged", "mottled"), (0.4, 0.95)),
    "fur": _Kind(("wood", "grey", "pale", "earth"), ("streaks", "mottled", "warped"), (0.3, 0.9)),
    "stone": _Kind(("grey", "earth", "pale"), ("cells", "warped", "mottled"), (0.4, 0.95)),
    "paper": _Kind(("white", "white", "pale", "any"), ("print", "warped", "foliage"), (0.05, 0.6)),
    "metal": _Kind(("grey",), ("streaks", "mottled"), (0.8, 1.0), 1.0),
    "paint": _Kind(("any", "any", "pale"), ("mottled",), (0.9, 1.0), 0.9),
    "water": _Kind(("water",), ("waves", "mottled"), (0.6, 0.95)),
    "glass": _Kind(("dark",), ("mottled",), (0.8, 1.0), 1.0),
    "skin": _Kind(("skin",), ("mottled",), (0.88, 1.0), 0.2),
}
SURFACES = tuple(_KINDS)


def surface(paint: Painter, name: str, period: float) -> Material:
    """Returns a material by name.

    Args:
        paint: Draws colours and textures.
        name: One of ``SURFACES``.
        period: Approximate size in metres of a tile of the texture.

    Returns:
        The material. If the bank has no natural textures, its texture is of any kind.
    """
    rng, kind = paint.rng, _KINDS[name]
    fitting = numbers_of(kind.patterns, COUNT, paint.textures) or range(paint.textures)
    a = paint.color(kind.colors[rng.integers(len(kind.colors))])
    b = a * rng.uniform(*kind.contrast) * (1 + rng.normal(0, 0.05, 3))
    a, b = (b, a) if rng.random() < 0.3 else (a, b)
    return Material(
        np.clip(a, 0.005, 1),
        np.clip(b, 0.005, 1),
        fitting[rng.integers(len(fitting))],
        int(rng.integers(paint.textures)) // 2 * 2,
        period * float(np.exp(rng.normal(0, 0.35))),
        float(rng.uniform(0, 0.35)),
        float(kind.gloss * rng.random()),
    )


def with_varied_cells(material: Material, across: float, down: float, variety: float) -> Material:
    """Returns the material with an own colour for each of ``across`` x ``down`` cells per tile."""
    return replace(material, cells=(across, down), variety=variety)


def glowing(color: tuple[float, float, float] | np.ndarray, strength: float) -> Material:
    """Returns a surface that emits light: lamps, screens, windows."""
    color = np.asarray(color, float)
    return Material(color, color, 0, 0, 1.0, 0.0, 0.0, strength)
