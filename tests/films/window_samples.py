"""Stands for the networks of a model that sees windows: quick, and its answers are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np

from ppdcli.films.window_choices import WindowChoices
from ppdcli.films.windowed import Array, WindowedDepth, WindowSettings, bilinear
from ppdcli.models.pixel_perfect import draw_noise


class Recorder:
    """A network that answers with the brightness of a frame, and notes what it sees.

    ``distort`` changes the answer of each window, by its number.
    """

    precision = "fp32"
    device = "cpu"

    def __init__(self, distort: Callable[[int, Array], Array] = lambda _, depth: depth) -> None:
        self.windows: list[Array] = []
        self.noises: list[Array] = []
        self.distort = distort

    def noise(self, height: int, width: int, seed: int) -> Array:
        return draw_noise(height, width, seed).numpy()

    def encode(self, images: Sequence[Array], views: Sequence[Array]) -> list[None]:
        return [None for _ in images]

    def sample(
        self,
        images: Sequence[Array],
        tokens: Sequence[None],
        noise: Array,
        steps: int,
        on_step: Callable[[int], None] | None = None,
    ) -> list[Array]:
        (window,) = images
        self.noises.append(noise)
        self.windows.append(window)
        if on_step is not None:
            on_step(steps)
        return [self.distort(len(self.windows) - 1, window.mean(axis=1, keepdims=True))]

    def widened(self) -> AbstractContextManager[None]:
        return nullcontext()

    def lacks_memory(self, error: Exception) -> bool:
        return isinstance(error, MemoryError)


def model_of(recorder: Recorder, exact: bool = False) -> WindowedDepth:
    settings = WindowSettings((32, 48), steps=2, seed=7, choices=WindowChoices(exact))
    return WindowedDepth(recorder, "ppvd", settings)


def brightness(film: np.ndarray) -> np.ndarray:
    """What the recorder answers to each frame alone."""
    scaled = film.astype(np.float32) / np.float32(255)
    return np.stack([bilinear(frame, 32, 48).mean(axis=-1) for frame in scaled])
