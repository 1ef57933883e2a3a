"""The training target, normalised log depth, and the gradient loss on it."""

from __future__ import annotations

import torch
from torch import Tensor

FAR_METRES = 80.0
PERCENTILES = (0.02, 0.98)
SCALES = 4
MIN_SPAN = 1e-6  # the percentiles coincide if a wall at one depth fills the picture


def log_depth_target(depth: Tensor, mask: Tensor) -> Tensor:
    """Converts depth to the latent x_0 of the flow (paper section 3.1 and its training details).

    log(depth + 1) is shifted and scaled, image by image, so that its 2nd and 98th percentiles
    become 0 and 1. The result is clamped to [-0.5, 1] and 0.5 is subtracted. The percentiles are
    those of the valid pixels nearer than 80 m.

    Args:
        depth: (N, 1, H, W) metres along the optical axis. Values outside the mask are converted
            too; infinity and NaN count as far.
        mask: (N, 1, H, W) bool, True where the depth is known.

    Returns:
        (N, 1, H, W) float32 in [-1, 0.5], finite everywhere. It is -0.5 for an image of a single
        depth, and 0.5 for an image without valid pixels nearer than 80 m.
    """
    depth = depth.float().nan_to_num(nan=torch.inf, posinf=torch.inf).clamp(min=0)
    log_depth = depth.log1p()
    low, high = _percentiles(log_depth, mask & (depth < FAR_METRES))
    normalised = (log_depth - low) / (high - low).clamp(min=MIN_SPAN)
    return normalised.clamp(-0.5, 1.0) - 0.5


def _percentiles(values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Returns two percentiles of each item's masked values, (N, 1, 1, 1); 0 if the mask is empty.

    It sorts the values, because torch.quantile supports neither a mask nor large batches.
    """
    ordered = values.masked_fill(~mask, torch.inf).flatten(1).sort(dim=1).values
    count = mask.flatten(1).sum(dim=1, keepdim=True)
    position = (count - 1).clamp(min=0) * ordered.new_tensor(PERCENTILES)
    below = position.long()
    above = torch.minimum(below + 1, (count - 1).clamp(min=0))
    at_below = ordered.gather(1, below)
    # If above == below, the weight is 0, so the infinities of an empty mask are dropped below.
    found = at_below + (position - below) * (ordered.gather(1, above) - at_below)
    found = found.masked_fill(count == 0, 0.0)
    return found[:, 0].view(-1, 1, 1, 1), found[:, 1].view(-1, 1, 1, 1)


def multi_scale_gradient_loss(prediction: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Multi-scale gradient matching (introduced by MegaDepth, arXiv 1804.00607).

    Each of 4 scales uses every 2^k-th pixel of both maps. The absolute differences of neighbouring
    residuals, where both neighbours are valid, are summed over the batch and divided by its number
    of valid pixels. The scales are summed.

    Args:
        prediction: Predicted x_0, (N, 1, H, W).
        target: x_0 from ``log_depth_target``, (N, 1, H, W).
        mask: (N, 1, H, W) bool, True at pixels with a target.

    Returns:
        A scalar, >= 0; 0 for an empty mask.
    """
    residual = torch.where(mask, prediction.float() - target.float(), 0.0)
    total = residual.new_zeros(())
    for scale in range(SCALES):
        step = 2**scale
        r, m = residual[..., ::step, ::step], mask[..., ::step, ::step]
        across = r.diff(dim=-1).abs() * (m[..., :, 1:] & m[..., :, :-1])
        down = r.diff(dim=-2).abs() * (m[..., 1:, :] & m[..., :-1, :])
        total = total + (across.sum() + down.sum()) / m.sum().clamp(min=1)
    return total
