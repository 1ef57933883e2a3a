"""Flow matching along straight lines, and its Euler sampler (paper section 3.1).

x_t = (1 - t/T) x_0 + (t/T) x_T leads from the latent x_0 at t = 0 to the noise x_T at t = T. The
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
    """Returns the timesteps of the sampler in falling order: 4 -> 1000, 750, 500, 249.

    Entry i is T - i (T + 1) / steps, rounded. This is the authors' table with exactly ``steps``
    entries; their arithmetic adds a -1 for some numbers of steps.

    Args:
        steps: Number of steps.
        shift: If it is not 1, ``shifted`` is applied to each entry, and the result is not rounded.

    Raises:
        ValueError: ``steps`` is not in 1..1000.
    """
    if not 1 <= steps <= T:
        raise ValueError(f"steps must be from 1 to {T}, not {steps}")
    # float32 as in the authors' code: its rounding decides ties, such as 499.5 at 20 steps.
    times = torch.arange(T, -1, -(T + 1) / steps, dtype=torch.float32, device="cpu")
    table: list[int] = times[:steps].round().int().tolist()
    return table if shift == 1 else [T * shifted(t / T, shift) for t in table]


def shifted(share: Share, shift: float) -> Share:
    """Returns s u / (1 + (s - 1) u): moves a share u of T towards the noise (shift s above 1) or
    towards the depth (below 1). Stable Diffusion 3, arXiv 2403.03206, equation 23."""
    return shift * share / (1 + (shift - 1) * share)


def interpolate(x0: Tensor, xT: Tensor, t: Tensor) -> Tensor:
    """Returns the point x_t between x_0 and x_T.

    Args:
        x0: The latent, (N, ...).
        xT: The noise, of the same shape.
        t: (N,) in [0, T].
    """
    share = (t / T).view(-1, *[1] * (x0.dim() - 1))
    return (1 - share) * x0 + share * xT


def euler_step(x_t: Tensor, velocity: Tensor, t: float, s: float) -> Tensor:
    """Moves from x_t to x_s along the velocity at t. At s = 0 this is the estimate of x_0."""
    x_0 = x_t - (t / T) * velocity
    x_T = x_t + (1 - t / T) * velocity
    return (1 - s / T) * x_0 + (s / T) * x_T


def warm_start(
    times: Sequence[float], guess: Tensor, noise: Tensor
) -> tuple[Sequence[float], Tensor]:
    """Returns the second half of the timesteps, and the point between a guess and the noise there.

    Args:
        times: As ``timesteps`` returns them. One timestep stays one: the guess is then not used.
        guess: Of x_0, (N, C, H, W).
        noise: x_T, of the same shape.
    """
    left = times[len(times) // 2 :]
    return left, interpolate(guess, noise, torch.full((1,), left[0], device=noise.device))


def euler_sample(
    predict_velocity: Callable[[Tensor, Tensor], Tensor],
    noise: Tensor,
    times: Sequence[float],
    on_step: Callable[[int], None] | None = None,
) -> Tensor:
    """Follows the flow from the noise to x_0.

    Args:
        predict_velocity: Maps x_t (N, C, H, W) and one shared t (1,) to the velocity at x_t.
        noise: x_T, (N, C, H, W), standard normal.
        times: Timesteps from T down, as ``timesteps`` returns them.
        on_step: Called after each step with the number of steps done.

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
