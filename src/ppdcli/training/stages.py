"""The losses of the two stages: direct depth for the encoder, flow for the transformer."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ppdcli.devices import training_dtype
from ppdcli.models.flow import T, interpolate, shifted
from ppdcli.models.pixel_perfect import resize_image
from ppdcli.models.pyramid_encoder import PyramidEncoder
from ppdcli.training.recipe import Phase
from ppdcli.training.targets import multi_scale_gradient_loss

FlowLoss = Callable[[nn.Module, Tensor, Tensor, Phase], Tensor]
LEVEL_WEIGHTS = (1.0, 0.3, 0.3, 0.15)  # strides 4, 8, 16, 32


def encoder_loss(encoder: PyramidEncoder, image: Tensor, latent: Tensor, phase: Phase) -> Tensor:
    """L1 loss on normalised log depth at every pyramid level, plus gradients at the finest."""
    with _autocast(image.device):
        depths = encoder.depths(image)
    total = latent.new_zeros(())
    for k, (depth, weight) in enumerate(zip(depths, LEVEL_WEIGHTS, strict=True)):
        target = F.adaptive_avg_pool2d(latent + 0.5, (depth.shape[-2], depth.shape[-1]))
        total = total + weight * (depth - target).abs().mean()
        if k == 0 and phase.gradient_weight:
            mask = torch.ones_like(target, dtype=torch.bool)
            total = total + phase.gradient_weight * multi_scale_gradient_loss(depth, target, mask)
    return total


def _autocast(device: torch.device) -> torch.autocast:
    dtype = training_dtype(device)
    return torch.autocast(device.type, dtype, enabled=dtype != torch.float32)


def draw_timesteps(count: int, noise_only: float, shift: float, device: torch.device) -> Tensor:
    """Draws timesteps (count,) in (0, 1000]: a share at exactly T, the rest uniform, then shifted.

    The paper's logit-normal draw hardly ever gives T, where sampling starts. A small network then
    mistakes the noise for depth and predicts the same pattern for every photo.
    """
    even = torch.rand(count, device=device) * (T - 1) + 1
    rest = T * shifted(even / T, shift)
    return torch.where(torch.rand(count, device=device) < noise_only, float(T), rest)


def flow_loss(encoder: PyramidEncoder, noise_only: float, shift: float = 1.0) -> FlowLoss:
    """Returns the flow-matching loss with the frozen encoder's tokens, as an error in x_0.

    The error of the velocity is that of x_0 times T / t. This loss is therefore the velocity loss
    of paper section 3.1 weighted by (t / T)^2, so that small t do not dominate.
    """

    def loss(network: nn.Module, image: Tensor, latent: Tensor, phase: Phase) -> Tensor:
        with torch.no_grad(), _autocast(image.device):
            size = (image.shape[-2], image.shape[-1])
            wanted = encoder.input_size(*size)
            semantics = encoder(image if wanted == size else resize_image(image, wanted), size)
        t = draw_timesteps(len(image), noise_only, shift, image.device)
        noise = torch.randn_like(latent)
        share = (t / T).view(-1, 1, 1, 1)
        x_t = interpolate(latent, noise, t)
        with _autocast(image.device):
            velocity = network(torch.cat([x_t, image - 0.5], 1), semantics, t).float()
        return error_of_x0(x_t - share * velocity, latent, phase)

    return loss


def error_of_x0(x_0: Tensor, latent: Tensor, phase: Phase) -> Tensor:
    """Returns the squared and absolute errors of a prediction, and those of its gradients."""
    total = 4 * F.mse_loss(x_0, latent) + F.l1_loss(x_0, latent)
    if phase.gradient_weight:
        mask = torch.ones_like(latent, dtype=torch.bool)
        total = total + phase.gradient_weight * multi_scale_gradient_loss(x_0, latent, mask)
    return total
