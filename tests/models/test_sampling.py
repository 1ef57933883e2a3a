"""From a photo's pixels and fixed noise to the depth: resize, encoder, network, sampler."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from parity import (
    NETWORK,
    NETWORK_OF_OTHER_PIXELS,
    TINY_SEM384,
    Golden,
    ParityRecord,
    da2_encoder,
    network,
    sha256,
)
from torch import Tensor

from ppdcli.geometry.resize import resize_rgb, working_size
from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.dinov2 import DinoV2Semantics
from ppdcli.models.flow import euler_sample, timesteps
from ppdcli.models.tensors import to_tensor

Pair = tuple[DinoV2Semantics, CasDiT]


@pytest.fixture(scope="module")
def tiny_pair() -> Pair:
    return da2_encoder("vits"), network("ppd_tiny_sem384", TINY_SEM384)


@pytest.fixture(scope="module")
def full_pair(full_network: CasDiT) -> Pair:
    return da2_encoder("vitl"), full_network


def sample(
    pair: Pair, image: Tensor, noise: Tensor, steps: int
) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """x_0, and x_t and the velocity of every step."""
    encoder, module = pair
    points: list[Tensor] = []
    velocities: list[Tensor] = []

    def predict_velocity(x_t: Tensor, t: Tensor) -> Tensor:
        points.append(x_t)
        velocities.append(module(torch.cat((x_t, image - 0.5), dim=1), semantics, t))
        return velocities[-1]

    with torch.no_grad():
        semantics = encoder(image)
        x_0 = euler_sample(predict_velocity, noise, timesteps(steps))
    return x_0, points, velocities


def check_sampler(golden: Golden, pair: Pair, case: str, steps: int, parity: ParityRecord) -> None:
    image = to_tensor(golden[f"in.image_{case}"])
    x_0, points, velocities = sample(pair, image, golden.tensor(f"in.noise_{case}"), steps)
    key = f"out.{case}_steps{steps}"
    after_first = [*points, x_0][1]
    parity.check(golden, f"{key}.velocity_first", velocities[0], NETWORK, "first velocity")
    parity.check(golden, f"{key}.latent_first", after_first, NETWORK, "first latent")
    parity.check(golden, f"{key}.depth", x_0 + 0.5, NETWORK, "depth")


@pytest.mark.parametrize(("case", "steps"), [("a", 1), ("a", 4), ("a", 10), ("b", 4)])
def test_tiny_sampler_parity(tiny_pair: Pair, case: str, steps: int, parity: ParityRecord) -> None:
    check_sampler(Golden("sampler_tiny"), tiny_pair, case, steps, parity)


@pytest.mark.slow
def test_full_sampler_parity(full_pair: Pair, parity: ParityRecord) -> None:
    check_sampler(Golden("sampler_full"), full_pair, "a", 4, parity)


def check_inference(
    golden: Golden, pair: Pair, parity: ParityRecord
) -> tuple[Tensor, Tensor, float]:
    """Resizes, samples and compares; returns the depth and the first velocity, (H, W), and the
    limit for what is made of these pixels."""
    bgr = golden["in.image_bgr"]
    size = working_size(*bgr.shape[:2])
    parity.check_exact(golden, "out.size_hw", size, "working size")
    resized = resize_rgb(bgr[..., ::-1], *size)
    limit = NETWORK
    if "out.resized_sha256" in golden.stored:
        resized_bgr = resized[..., ::-1]
        parity.check_levels(golden, "out.resized_bgr_every16", resized_bgr[::16, ::16])
        if sha256(resized_bgr) != golden["out.resized_sha256"]:
            limit = NETWORK_OF_OTHER_PIXELS

    noise, steps = golden.tensor("in.noise"), int(golden["out.steps"])
    x_0, _, velocities = sample(pair, to_tensor(resized), noise, steps)
    depth, first = (x_0 + 0.5)[0, 0], velocities[0][0, 0]
    check_kept(golden, "depth", depth, limit, parity)
    stats = torch.stack((depth.min(), depth.max(), depth.mean(), depth.std(correction=0)))
    parity.check(golden, "out.depth_stats_min_max_mean_std", stats, limit, "depth statistics")
    return depth, first, limit


def check_kept(
    golden: Golden, name: str, values: Tensor, limit: float, parity: ParityRecord
) -> None:
    """Compares the pixels that a golden keeps of a full-size map."""
    top, left = (side // 2 - 16 for side in values.shape)
    crop = values[top : top + 32, left : left + 32]
    parity.check(golden, f"out.{name}_every16", values[::16, ::16], limit, name)
    parity.check(golden, f"out.{name}_crop", crop, limit, name)


def test_tiny_inference_parity(tiny_pair: Pair, parity: ParityRecord) -> None:
    golden = Golden("infer_image_tiny")
    depth, _, limit = check_inference(golden, tiny_pair, parity)
    height, width = golden["in.image_bgr"].shape[:2]
    small = F.interpolate(depth[None, None], (height, width), mode="bilinear")[0, 0]
    parity.check(golden, "out.depth_at_input_size", small, limit, "depth at input size")


@pytest.mark.slow
def test_full_inference_parity(full_pair: Pair, parity: ParityRecord) -> None:
    """A quarter of an hour on two cores."""
    golden = Golden("infer_image_full")
    _, velocity, limit = check_inference(golden, full_pair, parity)
    check_kept(golden, "velocity_first", velocity, limit, parity)
