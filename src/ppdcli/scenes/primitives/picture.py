"""From a scene to a picture and its exact depth."""

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
        scene: what to take.
        height, width: of the picture.
        bank: the scene's textures.
        rng: where camera and film are drawn from.
        worn: whether lens and handling may leave their traces.

    Returns:
        Picture (H, W, 3) uint8; depth (H, W) float32 metres, of the surfaces and nothing else.
    """
    light, depth = render(scene, height, width, bank)
    light = illuminate(scene, light, depth, bank)
    if scene.focus is not None:
        light = refocus(light, depth, scene.focus)
    if worn and rng.random() < 0.4:
        light = bloom(light, float(rng.uniform(0.1, 0.8)))
    pixels = develop(light, rng)
    return (wear(pixels, rng) if worn else pixels), depth
