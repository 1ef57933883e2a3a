"""The whole model: semantics encoder, then the flow from noise to depth (paper figure 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ppdcli.models.conditioning import Condition, weights_state
from ppdcli.models.dit import DiT
from ppdcli.models.flow import euler_sample, timesteps

KEPT_STEPS = 100  # more would take long anyway; each takes 0.6 MB for the released model


def draw_noise(height: int, width: int, seed: int) -> Tensor:
    """x_T of one image, (1, 1, H, W) float32, drawn on the CPU: the same on every device."""
    generator = torch.Generator("cpu").manual_seed(seed)
    return torch.randn((1, 1, height, width), generator=generator, dtype=torch.float32)


def enlarged(image: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, 3, H, W) in [0, 1] -> (N, 3, *size) in [0, 1], bicubic."""
    mode = {"mode": "bicubic", "antialias": True, "align_corners": False}
    return F.interpolate(image, size=size, **mode).clamp(0, 1)  # type: ignore[arg-type]


class PixelPerfectDepth(nn.Module):
    """Image and noise in, relative depth out."""

    def __init__(self, network: DiT, encoder: nn.Module) -> None:
        super().__init__()
        self.network, self.encoder = network, encoder
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
            steps: Euler steps.
            on_step: called with the number of steps done, after each.

        Returns:
            (N, 1, H, W) float32, x_0 + 0.5: about [0, 1], 0 near, 1 far, affine in log(depth + 1).
        """
        return self.sample(image, self.encode(image), noise, steps, on_step)

    def encoder_size(self, height: int, width: int) -> tuple[int, int]:
        """The size at which the encoder wants what the network sees at ``height`` x ``width``."""
        wanted = getattr(self.encoder, "input_size", None)
        return (height, width) if wanted is None else wanted(height, width)

    @torch.inference_mode()
    def encode(self, image: Tensor, view: Tensor | None = None) -> Tensor:
        """The semantics tokens of a batch, needed once whatever the number of steps.

        Args:
            image: (N, 3, H, W) RGB in [0, 1].
            view: the same photos at ``encoder_size``; ``image``, enlarged, if None.
        """
        height, width = image.shape[-2:]
        wanted = self.encoder_size(height, width)
        if wanted == (height, width):
            return self.encoder(image)
        if view is None:
            view = enlarged(image, wanted)
        return self.encoder(view, (height, width))

    @torch.inference_mode()
    def sample(
        self,
        image: Tensor,
        semantics: Tensor,
        noise: Tensor,
        steps: int,
        on_step: Callable[[int], None] | None = None,
    ) -> Tensor:
        """From noise to depth, as ``forward`` does, with the prompt that ``encode`` gave."""
        prepared = self.network.prepare(image - 0.5, semantics)
        times = timesteps(steps, self.network.config.time_shift)
        conditions = iter(self._conditions(times, image.device))

        def velocity(x_t: Tensor, _t: Tensor) -> Tensor:
            return self.network.velocity(x_t, prepared, next(conditions))

        return euler_sample(velocity, noise, times, on_step) + 0.5

    def _conditions(self, times: Sequence[float], device: torch.device) -> Iterable[Condition]:
        """Those of a run's times; where the weights are frozen, once until they change."""
        weights = weights_state(self.network)
        run = (times, device, weights)
        kept = self._kept
        if kept is not None and kept[0] == run:
            return kept[1]
        together = torch.tensor(times, device=device)
        if len(times) > KEPT_STEPS:
            return map(self.network.condition, together.split(1))
        conditions = self.network.condition(together).apart()
        if weights is not None:
            self._kept = run, conditions
        return conditions

    def _apply(self, *args: Any, **kwargs: Any) -> Self:
        # Whatever moves or casts the weights comes through here; others may get their addresses.
        self._kept = None
        return super()._apply(*args, **kwargs)
