"""A model on a device: photos in, depth maps out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import torch
from torch import Tensor, nn

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
MOST_TOGETHER = 8  # more in a forward gains nothing

View = tuple[Tensor, Tensor]  # a photo as the network sees it, and as the encoder does


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
        self.model = model.to(device).requires_grad_(False)
        self.announce = announce
        self.estimator = estimator
        self._same_together: dict[tuple[int, ...], bool] = {}  # (photos, height, width)
        self._plain: nn.ModuleList | None = None  # the blocks, where compiled ones run

    @property
    def is_compiled(self) -> bool:
        """Whether ``compile`` was asked for and no photo has shown that it cannot be."""
        return self._plain is not None

    def compile(self) -> None:
        """Has PyTorch compile the transformer's blocks, which takes a minute at the first photo.

        Blocks of equal shapes share what is compiled; a second size is compiled for any size.
        Where it fails, as without a C++ compiler, a line is announced and the blocks run as before.
        """
        if self._plain is None:
            self._plain = self.model.network.blocks
            compiled = [cast(nn.Module, torch.compile(block)) for block in self._plain]
            self.model.network.blocks = nn.ModuleList(compiled)

    def uncompile(self) -> None:
        """Has the transformer's blocks run as PyTorch runs them otherwise."""
        if self._plain is not None:
            self.model.network.blocks, self._plain = self._plain, None

    def size_of(self, photo: Photo, area: int | None = None) -> tuple[int, int]:
        """(height, width) at which the network sees a photo."""
        height, width = photo.rgb.shape[:2]
        return working_size(height, width, area or self.area)

    def together(self, photo: Photo, area: int | None = None) -> int:
        """How many photos of this one's working size to predict at a time.

        More than one on a CUDA card, as far as half of its free memory goes. On a CPU two or more
        took 0.86 of the sampler's CPU time, which the test of ``predict_batch`` eats up again
        where sizes are mixed.
        """
        free = free_memory(self.device)
        if free is None:
            return 1
        height, width = self.size_of(photo, area)
        return max(1, min(MOST_TOGETHER, free // (2 * height * width * BYTES_PER_PIXEL)))

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
            A relative or metric map, NaN where the photo is transparent; see ``resized``.

        Raises:
            InputError: the photo cannot be read, or fits no metric depth.
            UsageError: steps or seed out of range, or metric without having loaded MoGe-2.
            PpdError: out of memory.
        """
        photo = photo if isinstance(photo, Photo) else load_photo(photo)
        photo.require_visible()
        started = time.perf_counter()
        estimate = self.estimate(photo, camera) if metric else None  # it may refuse: first
        seconds = time.perf_counter() - started
        (depth,) = self.predict_batch([photo], steps=steps, seed=seed, area=area, on_step=on_step)
        if estimate is not None:
            timings = {**depth.timings, "metric": seconds}
            depth = replace(to_metric(depth, estimate, keep_sky, seed), timings=timings)
        return depth.visible(photo.opaque)

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
        """Like ``predict`` for photos that share one working size.

        A photo's depth is the same to the last bit whatever its neighbours. Matrix products and
        convolutions may round differently for several pictures at once, depending on their size
        and the device. So the encoder sees one photo at a time, and the sampler several only at
        sizes where it has been found to make no difference: at the first batch of a size both
        ways are taken and compared, and what one at a time gives counts.
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
            views = self._views(photos, height, width)
            noise = draw_noise(height, width, seed)
            depths, timings = self._compute(views, noise, steps, on_step)
            if self.precision == "fp16":
                self._redo_in_fp32(photos, views, noise, steps, depths)
        except (MemoryError, RuntimeError, cv2.error) as error:
            if not lacks_memory(error):
                raise
            raise PpdError(
                f"out of memory on {self.device} at {width}x{height}; try {self._smaller(photos)}"
            ) from error
        provenance = {
            "model": self.name,
            "seed": str(seed),
            "steps": str(steps),
            "size": f"{width}x{height}",
        }
        return [
            DepthMap(
                np.ascontiguousarray(depth[0, 0].numpy()), "relative", None, provenance, timings
            )
            for depth in depths
        ]

    def _views(self, photos: Sequence[Photo], height: int, width: int) -> list[View]:
        """Each photo as the network sees it, and as the encoder does."""
        larger = self.model.encoder_size(height, width)
        views = []
        for photo in photos:
            image = to_tensor(resize_rgb(photo.rgb, height, width))
            same = larger == (height, width)
            views.append((image, image if same else to_tensor(resize_rgb(photo.rgb, *larger))))
        return views

    def _compute(
        self,
        views: Sequence[View],
        noise: Tensor,
        steps: int,
        on_step: Callable[[int], None] | None,
    ) -> tuple[list[Tensor], dict[str, float]]:
        """Depths, each (1, 1, H, W) float32 on the CPU, and the seconds that the parts took."""
        half = self.precision != "fp32"
        with torch.autocast(self.device.type, dtype_of(self.precision), enabled=half):
            started = time.perf_counter()
            self.model.encoder.to(self.device)  # from where _make_room may have put it
            noise = noise.to(self.device)
            pairs = []
            for image, view in views:
                there = image.to(self.device)
                view_there = there if view is image else view.to(self.device)
                pairs.append((there, self.model.encode(there, view_there)))
            finish(self.device)
            encoded = time.perf_counter()
            self._make_room(noise, len(views))
            try:
                depths = self._sample(pairs, noise, steps, on_step)
            except RuntimeError as error:
                if not self.is_compiled or lacks_memory(error):
                    raise
                self.uncompile()
                cause = (str(error).splitlines() or [type(error).__name__])[0]
                self.announce(f"{self.name} cannot be compiled here ({cause}); it runs as without")
                depths = self._sample(pairs, noise, steps, on_step)
        return depths, {"encoder": encoded - started, "sampler": time.perf_counter() - encoded}

    def _sample(
        self,
        pairs: Sequence[tuple[Tensor, Tensor]],
        noise: Tensor,
        steps: int,
        on_step: Callable[[int], None] | None,
    ) -> list[Tensor]:
        """The depth of each image with its semantics, one by one or together."""
        shape = (len(pairs), *noise.shape[-2:])
        known = self._same_together.get(shape)
        if len(pairs) > 1 and known:
            together = self._sample_together(pairs, noise, steps, on_step)
            if together is not None:
                return together
        # One after the other without waiting in between, so that a card is kept busy.
        sampled = [self.model.sample(*pair, noise, steps, on_step) for pair in pairs]
        depths = [depth.float().cpu() for depth in sampled]
        if len(pairs) > 1 and known is None:
            together = self._sample_together(pairs, noise, steps, None)
            self._same_together[shape] = together is not None and all(
                torch.equal(one, other) for one, other in zip(depths, together, strict=True)
            )
        return depths

    def _sample_together(
        self,
        pairs: Sequence[tuple[Tensor, Tensor]],
        noise: Tensor,
        steps: int,
        on_step: Callable[[int], None] | None,
    ) -> list[Tensor] | None:
        """The same in one forward a step; None where memory does not suffice."""
        image = torch.cat([image for image, _ in pairs])
        semantics = _in_one([semantics for _, semantics in pairs])
        noises = noise.expand(len(pairs), -1, -1, -1)
        try:
            depths = self.model.sample(image, semantics, noises, steps, on_step).float().cpu()
        except (MemoryError, RuntimeError) as error:
            if not lacks_memory(error):
                raise
            self._same_together[len(pairs), *noise.shape[-2:]] = False
            return None
        return list(depths.split(1))

    def _make_room(self, noise: Tensor, photos: int) -> None:
        """Lets the encoder wait in main memory while the sampler runs, where the card is small."""
        height, width = noise.shape[-2:]
        free = free_memory(self.device)
        if free is not None and free < photos * height * width * BYTES_PER_PIXEL:
            self.model.encoder.to("cpu")

    def _redo_in_fp32(
        self,
        photos: Sequence[Photo],
        views: Sequence[View],
        noise: Tensor,
        steps: int,
        depths: list[Tensor],
    ) -> None:
        """float16 ends at 65504; a photo that takes a model beyond is done again in float32.

        That photo alone: what becomes of the next must not depend on it.
        """
        beyond = [k for k, depth in enumerate(depths) if not bool(depth.isfinite().all())]
        if not beyond:
            return
        dtypes = {name: tensor.dtype for name, tensor in self.model.state_dict().items()}
        try:
            self.model.float()
            self.precision = "fp32"
            for k in beyond:
                self.announce(
                    f"{photos[k].name}: {self.name} overflows in fp16; this photo is done in fp32"
                )
                (depths[k],), _ = self._compute([views[k]], noise, steps, None)
        finally:
            self.precision = "fp16"
            for name, tensor in self.model.state_dict(keep_vars=True).items():
                tensor.data = tensor.data.to(dtypes[name])  # lossless: they came from there

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


def _in_one(parts: Sequence[Tensor]) -> Tensor:
    """(1, tokens, width) each -> (N, tokens, width), in the order of memory that they have: sums
    over a row round differently in another."""
    if parts[0].is_contiguous():
        return torch.cat(list(parts))
    return torch.cat([part.mT for part in parts]).mT
