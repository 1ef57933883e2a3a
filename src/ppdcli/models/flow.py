"""Flow matching along straight lines, and its Euler sampler (paper section 3.1).

x_t = (1 - t/T) x_0 + (t/T) x_T leads from the latent x_0 at t = 0 to noise x_T at t = T. The
network predicts the velocity x_T - x_0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor

T = 1000

Share = TypeVar("Share", float, Tensor)


def timesteps(steps: int, shift: float = 1.0) -> Sequence[float]:
    """The times at which the network is asked, falling: 4 -> 1000, 750, 500, 249.

    Entry i is T - i (T + 1) / steps, rounded. The authors' table, but with exactly ``steps``
    entries: their arithmetic adds a -1 for some numbers of steps.

    Args:
        steps: how many.
        shift: another than 1 takes each entry to ``shifted`` of it, not rounded.

    Raises:
        ValueError: if ``steps`` is not in 1..1000.
    """
    if not 1 <= steps <= T:
        raise ValueError(f"steps must be from 1 to {T}, not {steps}")
    # float32, as the authors': its errors decide ties, such as 499.5 at 20 steps.
    times = torch.arange(T, -1, -(T + 1) / steps, dtype=torch.float32, device="cpu")
    table: list[int] = times[:steps].round().int().tolist()
    return table if shift == 1 else [T * shifted(t / T, shift) for t in table]


def shifted(share: Share, shift: float) -> Share:
    """s u / (1 + (s - 1) u), a share u of T crowded towards the noise (shift s above 1) or towards
    the depth (below): Stable Diffusion 3, arXiv 2403.03206, equation 23."""
    return shift * share / (1 + (shift - 1) * share)


def interpolate(x0: Tensor, xT: Tensor, t: Tensor) -> Tensor:
    """The point x_t between x_0 and x_T.

    Args:
        x0: (N, ...), the latent.
        xT: the same shape, the noise.
        t: (N,) in [0, T].
    """
    share = (t / T).view(-1, *[1] * (x0.dim() - 1))
    return (1 - share) * x0 + share * xT


def euler_step(x_t: Tensor, velocity: Tensor, t: float, s: float) -> Tensor:
    """From x_t to x_s along the velocity at t; at s = 0 that is the estimate of x_0."""
    x_0 = x_t - (t / T) * velocity
    x_T = x_t + (1 - t / T) * velocity
    return (1 - s / T) * x_0 + (s / T) * x_T


def euler_sample(
    predict_velocity: Callable[[Tensor, Tensor], Tensor],
    noise: Tensor,
    times: Sequence[float],
    on_step: Callable[[int], None] | None = None,
) -> Tensor:
    """Follows the flow from the noise to x_0.

    Args:
        predict_velocity: takes x_t (N, C, H, W) and t (1,), which they share, and gives x_t's
            velocity.
        noise: (N, C, H, W), x_T, standard normal.
        times: at which the network is asked, from T down, such as ``timesteps`` gives.
        on_step: called with the number of steps done, after each.

    Returns:
        x_0, (N, C, H, W).
    """
    x = noise
    for done, (t, s) in enumerate(zip(times, [*times[1:], 0], strict=True), start=1):
        velocity = predict_velocity(x, torch.full((1,), t, device=x.device))
        x = euler_step(x, velocity, t, s)
        if on_step is not None:
            on_step(done)
    return x
