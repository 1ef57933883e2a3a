"""Draws materials: natural, dull or loud colours on random textures."""

from __future__ import annotations

import colorsys

import numpy as np

from ppdcli.scenes.primitives.shapes import Material

Rng = np.random.Generator
Range = tuple[float, float]

COLORS: dict[str, tuple[Range, Range, Range]] = {  # kind -> hue, saturation, value
    "green": ((0.14, 0.36), (0.2, 0.7), (0.15, 0.6)),
    "earth": ((0.04, 0.13), (0.05, 0.5), (0.2, 0.75)),
    "grey": ((0, 1), (0, 0.12), (0.12, 0.8)),
    "pale": ((0.05, 0.6), (0, 0.2), (0.6, 0.97)),
    "wood": ((0.03, 0.11), (0.3, 0.75), (0.2, 0.75)),
    "skin": ((0.03, 0.08), (0.25, 0.6), (0.3, 0.9)),
    "white": ((0, 1), (0, 0.08), (0.85, 0.99)),
    "sand": ((0.06, 0.13), (0.1, 0.45), (0.55, 0.95)),
    "water": ((0.35, 0.65), (0.1, 0.7), (0.1, 0.5)),
    "bright": ((0, 1), (0.4, 1.0), (0.75, 1.0)),
    "dark": ((0, 1), (0, 0.3), (0.02, 0.25)),
}


class Painter:
    """Draws materials: natural, dull or loud colours on random textures."""

    def __init__(self, rng: Rng, textures: int) -> None:
        self.rng, self.textures = rng, textures
        self.warmth = rng.normal(0, 0.03)

    def color(self, kind: str = "any") -> np.ndarray:
        rng = self.rng
        if kind in COLORS:
            hue, saturation, value = (rng.uniform(*of) for of in COLORS[kind])
        else:
            hue, saturation, value = rng.random(), rng.random() ** 1.5, rng.uniform(0.05, 0.95)
        rgb = np.array(colorsys.hsv_to_rgb(hue, saturation, value))
        return np.clip(rgb * (1 + np.array([1.0, 0.0, -1.0]) * self.warmth), 0.01, 1) ** 2.0

    def material(self, kind: str = "any", period: float = 1.0, plain: float = 0.3) -> Material:
        """Draws a material; ``plain`` is the probability of nearly one colour."""
        rng = self.rng
        a = self.color(kind)
        b = self.color(kind) if rng.random() < 0.5 else a * rng.uniform(0.4, 1.0)
        if rng.random() < plain:
            b = a * rng.uniform(0.85, 1.0)
        return Material(
            a,
            b,
            int(rng.integers(self.textures)),
            int(rng.integers(self.textures)) // 2 * 2,
            period * float(np.exp(rng.normal(0, 0.5))),
            float(rng.uniform(0, 0.5)),
            float(max(0.0, rng.normal(-0.1, 0.3))),
        )
