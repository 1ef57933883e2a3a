from __future__ import annotations

import numpy as np
import pytest
import torch
from parity import Golden, ParityRecord, depth_map, hole_mask

from ppdcli.training.targets import log_depth_target, multi_scale_gradient_loss

GOLDEN = Golden("get_gt")


def scenes() -> tuple[torch.Tensor, torch.Tensor]:
    """Depth and mask of the golden's four items; the last is a wall at 7.25 m."""
    depths = [GOLDEN[f"in.depth_{k}"] for k in range(3)] + [np.full((48, 64), 7.25, np.float32)]
    masks = [GOLDEN[f"in.mask_{k}"] for k in (0, 1, 2, 0)]
    return torch.tensor(np.stack(depths))[:, None], torch.tensor(np.stack(masks))[:, None]


def loss_inputs() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    mask = np.stack([GOLDEN["in.loss_mask_0"], GOLDEN["in.loss_mask_1"]])
    prediction, target = GOLDEN.tensor("in.loss_pred"), GOLDEN.tensor("in.loss_target")
    return prediction[:, None], target[:, None], torch.tensor(mask)[:, None]


def test_inputs_follow_from_their_formulas() -> None:
    for k in range(3):
        assert np.array_equal(depth_map(48, 64, k), GOLDEN[f"in.depth_{k}"])
        assert np.array_equal(hole_mask(48, 64, k), GOLDEN[f"in.mask_{k}"])


def test_target_parity(parity: ParityRecord) -> None:
    parity.check_relative(GOLDEN, "out.latent", log_depth_target(*scenes()), "latent")


def test_loss_parity(parity: ParityRecord) -> None:
    loss = multi_scale_gradient_loss(*loss_inputs())
    parity.check_relative(GOLDEN, "out.multi_scale_grad_loss", loss, "gradient loss")


def test_an_item_does_not_depend_on_its_batch() -> None:
    depth, mask = scenes()
    together = log_depth_target(depth, mask)
    for k in range(len(depth)):
        alone = log_depth_target(depth[k : k + 1], mask[k : k + 1])
        assert torch.equal(together[k : k + 1], alone)


def test_depth_outside_the_mask_is_finite_and_changes_nothing_inside() -> None:
    depth, mask = scenes()
    spoiled = depth.clone()
    for k, value in enumerate((torch.nan, torch.inf, -5.0, 0.0)):
        spoiled[k][~mask[k]] = value
    target = log_depth_target(spoiled, mask)
    assert torch.isfinite(target).all()
    assert torch.equal(target[mask], log_depth_target(depth, mask)[mask])


@pytest.mark.parametrize("metres", [80.0, 500.0])
def test_all_far_is_far(metres: float) -> None:
    depth = torch.full((1, 1, 4, 6), metres)
    target = log_depth_target(depth, torch.ones_like(depth, dtype=torch.bool))
    assert torch.equal(target, torch.full_like(depth, 0.5))


def test_an_empty_mask_gives_finite_targets_and_no_loss() -> None:
    depth = torch.rand(2, 1, 8, 8) * 10
    mask = torch.zeros_like(depth, dtype=torch.bool)
    assert torch.isfinite(log_depth_target(depth, mask)).all()
    prediction = torch.randn(2, 1, 8, 8, requires_grad=True)
    loss = multi_scale_gradient_loss(prediction, depth, mask)
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(prediction.grad, torch.zeros_like(prediction))


def test_loss_is_blind_to_a_shift_and_to_masked_targets() -> None:
    prediction, target, mask = loss_inputs()
    loss = multi_scale_gradient_loss(prediction, target, mask)
    shifted = multi_scale_gradient_loss(prediction + 3, target, mask)
    assert torch.allclose(loss, shifted, rtol=1e-5)
    spoiled = target.masked_fill(~mask, torch.nan)
    assert torch.equal(multi_scale_gradient_loss(prediction, spoiled, mask), loss)


def test_loss_gradient_is_finite_and_inside_the_mask() -> None:
    prediction, target, mask = loss_inputs()
    prediction.requires_grad_()
    multi_scale_gradient_loss(prediction, target.masked_fill(~mask, torch.nan), mask).backward()
    assert torch.isfinite(prediction.grad).all()
    assert (prediction.grad[~mask] == 0).all()
    assert (prediction.grad[mask] != 0).any()
