"""A model on a device: photos in, depth maps out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from ppdcli.depth import DepthMap
from ppdcli.devices import Precision, dtype_of, finish, free_memory, lacks_memory
from ppdcli.errors import PpdError, UsageError
from ppdcli.geometry.camera import Camera
from ppdcli.metric import Estimate, Estimator, to_metric
from ppdcli.models.flow import T
from ppdcli.models.pixel_perfect import PixelPerfectDepth, draw_noise
from ppdcli.models.resize import resize_rgb, to_tensor, working_size
from ppdcli.photo import Photo, load_photo

MAX_SEED = (1 << 64) - 1  # of PyTorch's generators

BYTES_PER_PIXEL = 1024  # of the sampler's working memory on a card, beside its weights; an estimate


class Predictor:
    """Predicts depth with one model on one device.

    Attributes:
        name: the model's name.
        device, precision: where and how it computes.
        area: pixels that it works on by default, its training area.
        steps: its default number of sampling steps.
        estimator: MoGe-2, for metres and the camera; None if it was not loaded.
    """

    def __init__(
        self,
        model: PixelPerfectDepth,
        name: str,
        area: int,
        steps: int,
        device: torch.device,
        precision: Precision,
        announce: Callable[[str], None] = lambda line: None,
        estimator: Estimator | None = None,
    ) -> None:
        self.name, self.area, self.steps = name, area, steps
        self.device, self.precision = device, precision
        self.model = model.to(device)
        self.announce = announce
        self.estimator = estimator

    def size_of(self, photo: Photo, area: int | None = None) -> tuple[int, int]:
        """(height, width) at which the network sees a photo."""
        height, width = photo.rgb.shape[:2]
        return working_size(height, width, area or self.area)

    def predict(
        self,
        photo: Photo | str | Path,
        *,
        steps: int | None = None,
        seed: int = 0,
        area: int | None = None,
        metric: bool = False,
        keep_sky: bool = False,
        camera: Camera | None = None,
        on_step: Callable[[int], None] | None = None,
    ) -> DepthMap:
        """The depth of one photo, at the network's own size, exactly as the network gives it.

        Args:
            photo: a photo or the path of one.
            steps: Euler steps, 1 to 1000; the model's default if None.
            seed: of the noise.
            area: pixels to work on; the model's training area if None.
            metric: fit it to MoGe-2's metric depth (``metric.to_metric``), with its camera.
            keep_sky: metric depth also where MoGe-2 sees none.
            camera: of the photo's grid, for MoGe-2, where it is known.
            on_step: called with the number of steps done, after each.

        Returns:
            A relative depth map, or a metric one; ``resized`` brings it to the photo's size.

        Raises:
            InputError: the photo cannot be read, or fits no metric depth.
            UsageError: steps or seed out of range, or metric without having loaded MoGe-2.
            PpdError: out of memory.
        """
        if not isinstance(photo, Photo):
            photo = load_photo(photo)
        started = time.perf_counter()
        estimate = self.estimate(photo, camera) if metric else None  # it may refuse: first
        seconds = time.perf_counter() - started
        (depth,) = self.predict_batch([photo], steps=steps, seed=seed, area=area, on_step=on_step)
        if estimate is None:
            return depth
        placed = to_metric(depth, estimate, keep_sky, seed)
        return replace(placed, timings={**depth.timings, "metric": seconds})

    def estimate(self, photo: Photo, camera: Camera | None = None) -> Estimate:
        """MoGe-2's metric depth and camera of a photo: see ``metric.Estimator.estimate``.

        Raises:
            UsageError: MoGe-2 was not loaded.
            InputError: the photo's points fit no plausible camera.
            PpdError: out of memory.
        """
        if self.estimator is None:
            raise UsageError("metric depth needs MoGe-2: load the model with metric=True")
        return self.estimator.estimate(photo, camera)

    def predict_batch(
        self,
        photos: Sequence[Photo],
        *,
        steps: int | None = None,
        seed: int = 0,
        area: int | None = None,
        on_step: Callable[[int], None] | None = None,
    ) -> list[DepthMap]:
        """Like ``predict`` for photos that share one working size, in one forward pass a step.

        Every photo gets the noise of ``seed``, whatever its neighbours.
        """
        steps = self.steps if steps is None else steps
        if not 1 <= steps <= T:
            raise UsageError(f"steps {steps}: give a number from 1 to {T}")
        if not 0 <= seed <= MAX_SEED:
            raise UsageError(f"seed {seed}: give a number from 0 to {MAX_SEED}")
        if not photos:
            return []
        sizes = {self.size_of(photo, area) for photo in photos}
        if len(sizes) != 1:
            raise UsageError("photos of one batch must share one working size")
        height, width = sizes.pop()
        try:
            images = [to_tensor(resize_rgb(photo.rgb, height, width)) for photo in photos]
            image = torch.cat(images)
            noise = draw_noise(height, width, seed).expand(len(photos), -1, -1, -1)
            depth, timings = self._compute(image, noise, steps, on_step)
            if self.precision == "fp16" and not bool(depth.isfinite().all()):
                self._widen()
                depth, timings = self._compute(image, noise, steps, on_step)
        except (MemoryError, RuntimeError, cv2.error) as error:
            if not lacks_memory(error):
                raise
            raise PpdError(
                f"out of memory on {self.device} at {width}x{height}; try {self._smaller(photos)}"
            ) from error
        values = depth[:, 0].numpy()
        provenance = {
            "model": self.name,
            "seed": str(seed),
            "steps": str(steps),
            "size": f"{width}x{height}",
        }
        return [
            DepthMap(np.ascontiguousarray(v), "relative", None, provenance, timings) for v in values
        ]

    def _compute(
        self, image: Tensor, noise: Tensor, steps: int, on_step: Callable[[int], None] | None
    ) -> tuple[Tensor, dict[str, float]]:
        """Depth (N, 1, H, W) float32 on the CPU, and the seconds that its parts took."""
        half = self.precision != "fp32"
        with torch.autocast(self.device.type, dtype_of(self.precision), enabled=half):
            started = time.perf_counter()
            self.model.encoder.to(self.device)  # from where _make_room may have put it
            image, noise = image.to(self.device), noise.to(self.device)
            semantics = self.model.encode(image)
            finish(self.device)
            encoded = time.perf_counter()
            self._make_room(image)
            depth = self.model.sample(image, semantics, noise, steps, on_step).float().cpu()
        return depth, {"encoder": encoded - started, "sampler": time.perf_counter() - encoded}

    def _make_room(self, image: Tensor) -> None:
        """Lets the encoder wait in main memory while the sampler runs, where the card is small."""
        n, _, height, width = image.shape
        free = free_memory(self.device)
        if free is not None and free < n * height * width * BYTES_PER_PIXEL:
            self.model.encoder.to("cpu")

    def _widen(self) -> None:
        """float16 ends at 65504; a model that goes beyond on some photo goes on in float32."""
        self.announce(f"{self.name} overflows in fp16 on this photo; going on in fp32")
        self.model.float()
        self.precision = "fp32"

    def _smaller(self, photos: Sequence[Photo]) -> str:
        """What takes less memory than what did not fit."""
        ways = ["a smaller --size"]
        if len(photos) > 1:
            ways.insert(0, "fewer photos in a batch (--batch 1)")
        if self.precision == "fp32":
            ways.append("--precision bf16")
        if self.device.type != "cpu":
            ways.append("--device cpu")
        return " or ".join(ways)
