"""Trees as a few simple solids."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.primitives.repertoire.painter import Painter, Rng
from ppdcli.scenes.primitives.shapes import BLOB, CARD, ELLIPSOID, Scene, rotation


def tree(scene: Scene, rng: Rng, paint: Painter, x: float, z: float) -> None:
    height = rng.uniform(3, 11)
    trunk = rng.uniform(0.08, 0.25)
    lean = rng.normal(0, 0.04, 2) * height
    top = np.array([x + lean[0], height * 0.75, z + lean[1]])
    scene.rod((x, 0, z), top, trunk, paint.material("wood", 0.6), rng.uniform(0.3, 0.8))
    leaves = paint.material("green" if rng.random() < 0.75 else "earth", 1.2, plain=0.1)
    if rng.random() < 0.25:  # a conifer
        scene.rod(
            (x, height * 0.15, z),
            (x, height * 1.1, z),
            height * rng.uniform(0.15, 0.3),
            leaves,
            1.0,
        )
        return
    for _ in range(int(rng.integers(1, 4))):
        reach = height * rng.uniform(0.15, 0.33)
        center = top + rng.normal(0, 0.6, 3) * reach
        if rng.random() < 0.4:
            scene.add(ELLIPSOID, center, reach * rng.uniform(0.7, 1.1, 3), leaves)
        else:  # leaf-like cards: sky shows through
            for _ in range(2):
                axes = rotation(rng.normal(0, 0.7), rng.normal(0, 0.3))
                cut = (BLOB, rng.uniform(0.25, 0.6), float(rng.integers(paint.textures) // 2 * 2))
                offset = center + rng.normal(0, 0.3, 3) * reach
                scene.add(CARD, offset, (reach * 1.4, reach * 1.2, 1.0), leaves, axes, cut)
    for _ in range(int(rng.integers(0, 3))):
        tip = top + rng.normal(0, 1, 3) * height * 0.25
        scene.rod(top * [1, 0.8, 1] + [0, 0, 0], tip, trunk * 0.3, paint.material("wood"), 0.7)
