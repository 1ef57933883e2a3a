"""A network without weights, for the tests of the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import standins
from abacus import Abacus

from ppdcli.announce import Announce
from ppdcli.backends.protocol import Array
from ppdcli.commands.app.network import Network
from ppdcli.geometry.camera import Camera
from ppdcli.metric import Estimate
from ppdcli.model_request import ModelRequest
from ppdcli.photo import Photo
from ppdcli.predictor import Predictor


class SceneBackend(Abacus):
    """Gives the scene of ``standins``, whatever the photo is."""

    def sample(
        self,
        images: Sequence[Array],
        tokens: Sequence[None],
        noise: Array,
        steps: int,
        on_step: Callable[[int], None] | None = None,
        guess: Array | None = None,
    ) -> list[Array]:
        for step in range(steps):
            if on_step is not None:
                on_step(step + 1)
        return [standins.scene(*image.shape[-2:])[None, None] for image in images]


class SceneEstimator:
    """Metres of the same scene: log(depth + 1) is 2 d + 0.5."""

    def estimate(self, photo: Photo, camera: Camera | None = None) -> Estimate:
        height, width = photo.rgb.shape[:2]
        scene = standins.scene(height, width)
        depth = np.expm1(standins.SLOPE * scene + standins.INTERCEPT).astype(np.float32)
        depth[: height // 10] = np.nan
        return Estimate(depth, camera or Camera.from_fov(70, width, height))


def network(loaded: list[ModelRequest] | None = None) -> Network:
    """A network that appends each request for a model to a list."""

    def load(request: ModelRequest, announce: Announce) -> Predictor:
        if loaded is not None:
            loaded.append(request)
        estimator = SceneEstimator() if request.metric else None
        return Predictor(SceneBackend(), request.name, 64 * 48, 4, announce, estimator)

    return Network(ModelRequest(offline=True), lambda line: None, load)
