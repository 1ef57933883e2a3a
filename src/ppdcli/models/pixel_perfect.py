"""The whole model: the semantics encoder, then the flow from noise to depth (paper figure 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ppdcli.models.conditioning import Condition, weights_state
from ppdcli.models.dit import DiT
from ppdcli.models.flow import euler_sample, timesteps, warm_start
from ppdcli.models.recorded import RecordedSteps

KEPT_STEPS = 100  # runs with more steps take long anyway; a step takes 0.6 MB (released model)


def draw_noise(height: int, width: int, seed: int) -> Tensor:
    """Draws x_T of one image on the CPU: (1, 1, H, W) float32, the same for every device."""
    generator = torch.Generator("cpu").manual_seed(seed)
    return torch.randn((1, 1, height, width), generator=generator, dtype=torch.float32)


def resize_image(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Resizes (N, 3, H, W) in [0, 1] to (N, 3, *size) in [0, 1], bicubic."""
    mode = {"mode": "bicubic", "antialias": True, "align_corners": False}
    return F.interpolate(image, size=size, **mode).clamp(0, 1)  # type: ignore[arg-type]


class PixelPerfectDepth(nn.Module):
    """Predicts relative depth from an image and noise.

    Attributes:
        recorded: Replays the network's steps; None if they run one operation after the other.
    """

    def __init__(self, network: DiT, encoder: nn.Module) -> None:
        super().__init__()
        self.network, self.encoder = network, encoder
        self.recorded: RecordedSteps | None = None
        self._kept: tuple[object, list[Condition]] | None = None

    @torch.inference_mode()
    def forward(
        self,
        image: Tensor,
        noise: Tensor,
        steps: int,
        on_step: Callable[[int], None] | None = None,
    ) -> Tensor:
        """Samples the depth of a batch: ``encode``, then ``sample``.

        Args:
            image: (N, 3, H, W) RGB in [0, 1]; H and W are multiples of 16.
            noise: (N, 1, H, W) float32, standard normal.
            steps: Number of Euler steps.
            on_step: Called after each step with the number of steps done.

        Returns:
            x_0 + 0.5, (N, 1, H, W) float32. It is about in [0, 1], 0 near and 1 far, and affine in
            log(depth + 1).
        """
        return self.sample(image, self.encode(image), noise, steps, on_step)

    def encoder_size(self, height: int, width: int) -> tuple[int, int]:
        """Returns the encoder's input size if the network's input is ``height`` x ``width``."""
        wanted = getattr(self.encoder, "input_size", None)
        return (height, width) if wanted is None else wanted(height, width)

    @torch.inference_mode()
    def encode(self, image: Tensor, view: Tensor | None = None) -> Tensor:
        """Returns the semantics tokens of a batch. They do not depend on the number of steps.

        Args:
            image: (N, 3, H, W) RGB in [0, 1].
            view: The same photos at ``encoder_size``. If None, ``image`` is resized to it.
        """
        height, width = image.shape[-2:]
        wanted = self.encoder_size(height, width)
        if wanted == (height, width):
            return self.encoder(image)
        if view is None:
            view = resize_image(image, wanted)
        return self.encoder(view, (height, width))

    @torch.inference_mode()
    def sample(
        self,
        image: Tensor,
        semantics: Tensor,
        noise: Tensor,
        steps: int,
        on_step: Callable[[int], None] | None = None,
        guess: Tensor | None = None,
    ) -> Tensor:
        """Samples depth from noise like ``forward``, with the semantics tokens of ``encode``.

        With a ``guess`` of the depth, (N, 1, H, W), the first half of the steps is left out.
        """
        prepared = self.network.prepare(image - 0.5, semantics)
        times = timesteps(steps, self.network.config.time_shift)
        if guess is not None:
            times, noise = warm_start(times, guess - 0.5, noise)
        conditions = iter(self._conditions(times, image.device))
        of_network = self.network.velocity if self.recorded is None else self.recorded.velocity

        def velocity(x_t: Tensor, _t: Tensor) -> Tensor:
            return of_network(x_t, prepared, next(conditions))

        return euler_sample(velocity, noise, times, on_step) + 0.5

    def _conditions(self, times: Sequence[float], device: torch.device) -> Iterable[Condition]:
        """Returns the conditions of a run's timesteps; keeps them while the weights are frozen."""
        weights = weights_state(self.network)
        run = (times, device, weights)
        kept = self._kept
        if kept is not None and kept[0] == run:
            return kept[1]
        together = torch.tensor(times, device=device)
        if len(times) > KEPT_STEPS:
            return map(self.network.condition, together.split(1))
        conditions = self.network.condition(together).split()
        if weights is not None:
            self._kept = run, conditions
        return conditions

    def _apply(self, *args: Any, **kwargs: Any) -> Self:
        # Every move or cast of the weights calls this; new weights can reuse the old addresses.
        self._kept = None
        if self.recorded is not None:
            self.recorded.forget()
        return super()._apply(*args, **kwargs)
