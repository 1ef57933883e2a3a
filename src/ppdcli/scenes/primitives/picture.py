"""Takes a picture of a scene, with exact depth."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.film import develop
from ppdcli.scenes.lens import bloom, refocus
from ppdcli.scenes.primitives.lighting import illuminate
from ppdcli.scenes.primitives.render import render
from ppdcli.scenes.primitives.shapes import Scene
from ppdcli.scenes.primitives.textures import TextureBank
from ppdcli.scenes.wear import wear


def take(
    scene: Scene, height: int, width: int, bank: TextureBank, rng: np.random.Generator, worn: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Renders a scene, lights it, and develops it as a random camera would.

    Args:
        scene: The scene.
        height, width: Size of the picture.
        bank: The scene's textures.
        rng: Draws camera and film.
        worn: Whether lens and later handling can leave traces.

    Returns:
        Picture (H, W, 3) uint8; depth (H, W) float32 metres of the surfaces.
    """
    light, depth = render(scene, height, width, bank)
    light = illuminate(scene, light, depth, bank)
    if scene.focus is not None:
        light = refocus(light, depth, scene.focus)
    if worn and rng.random() < 0.4:
        light = bloom(light, float(rng.uniform(0.1, 0.8)))
    pixels = develop(light, rng)
    return (wear(pixels, rng) if worn else pixels), depth
