"""A predictor that needs no network: a photo's brightness is its depth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from ppdcli.backends.protocol import Array
from ppdcli.devices import Precision
from ppdcli.geometry.camera import Camera
from ppdcli.metric import Estimate
from ppdcli.photo import Photo
from ppdcli.predictor import Predictor

AREA = 64 * 48
SLOPE, INTERCEPT = 1.5, 0.4  # of log(metres + 1), in the scenes that both know


class Abacus:
    """A backend; see ``backends/protocol.py``."""

    device = "abacus"
    precision: Precision = "fp32"

    def __init__(self) -> None:
        self.batches: list[int] = []

    def encoder_size(self, height: int, width: int) -> tuple[int, int]:
        return height, width

    def noise(self, height: int, width: int, seed: int) -> Array:
        return np.zeros((1, 1, height, width), np.float32)

    def encode(self, images: Sequence[Array], views: Sequence[Array]) -> list[None]:
        return [None for _ in images]

    def sample(
        self,
        images: Sequence[Array],
        tokens: Sequence[None],
        noise: Array,
        steps: int,
        on_step: Callable[[int], None] | None = None,
        guess: Array | None = None,
    ) -> list[Array]:
        self.batches.append(len(images))
        return [image.mean(axis=1, keepdims=True) for image in images]

    def most_photos(self, height: int, width: int) -> int:
        return 4

    @contextmanager
    def widened(self) -> Iterator[None]:
        yield

    def lacks_memory(self, error: Exception) -> bool:
        return isinstance(error, MemoryError)

    def weights_digest(self) -> str:
        return "0" * 12


class Brightness:
    """Stands for MoGe-2: knows the metres of brightness, and sees sky in the top tenth."""

    def estimate(self, photo: Photo, camera: Camera | None = None) -> Estimate:
        height, width = photo.rgb.shape[:2]
        relative = photo.rgb.mean(axis=2) / 255
        depth = np.expm1(SLOPE * relative + INTERCEPT).astype(np.float32)
        depth[: height // 10] = np.nan
        return Estimate(depth, camera or Camera.from_fov(70, width, height))


def abacus(metric: bool = False) -> Predictor:
    return Predictor(Abacus(), "abacus", AREA, 4, estimator=Brightness() if metric else None)
