"""Full-size networks with random weights: the exported graphs give what PyTorch gives."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ppdcli.backends.onnx import Graph
from ppdcli.backends.onnx_export import write_encoder, write_step
from ppdcli.backends.onnx_folder import ENCODER_FILE, STEP_FILE
from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.config import CasDiTConfig
from ppdcli.models.dinov2 import DinoV2Semantics
from ppdcli.models.graphs import StepGraph
from ppdcli.models.moge2 import released_semantics

pytestmark = pytest.mark.slow  # minutes, and 8 GB of memory

SIZES = ((64, 160), (176, 112))  # other than the traced one
NEAR = 1e-4


@pytest.fixture(autouse=True)
def memory_is_returned() -> Iterator[None]:
    yield
    gc.collect()


def randomise(module: nn.Module, spread: float) -> None:
    """Weights with which no part of the network is idle: the first ones have gates of 0."""
    generator = torch.Generator().manual_seed(0)
    for name, weight in module.named_parameters():
        if "gamma" in name:  # of a residual branch
            weight.data.fill_(0.3)
        elif weight.dim() > 1:
            weight.data.normal_(std=1.0 if "pos" in name else spread, generator=generator)
    module.requires_grad_(False)


def nearness(expected: torch.Tensor, found: np.ndarray) -> float:
    """The largest difference, as a share of the range."""
    array = expected.numpy()
    assert array.shape == found.shape
    return float(np.abs(array - found).max() / np.ptp(array))


@pytest.mark.parametrize("name", ["ppd-da2", "ppd-moge2"])
def test_an_encoder(name: str, tmp_path: Path) -> None:
    encoder = (DinoV2Semantics("vitl") if name == "ppd-da2" else released_semantics()).eval()
    randomise(encoder, 0.03)
    write_encoder(encoder, tmp_path)
    graph = Graph(tmp_path / ENCODER_FILE, {"image"}, {"image"})
    for size in SIZES:
        image = torch.rand(1, 3, *size)
        with torch.inference_mode():
            expected = encoder(image)
        assert nearness(expected, graph.run({"image": image.numpy()})) < NEAR


def test_the_network(tmp_path: Path) -> None:
    """``ppd-da2`` and ``ppd-moge2`` have the same."""
    network = CasDiT(CasDiTConfig()).eval()
    randomise(network, 0.02)
    write_step(network, tmp_path)
    names = {"x_t", "image", "tokens", "timestep"}
    graph = Graph(tmp_path / STEP_FILE, names, names)
    step = StepGraph(network)
    for height, width in SIZES:
        inputs = {
            "x_t": torch.randn(1, 1, height, width),
            "image": torch.rand(1, 3, height, width),
            "tokens": torch.randn(1, height * width // 256, 1024),
            "timestep": torch.tensor([750.0]),
        }
        with torch.inference_mode():
            expected = step(*inputs.values())
        found = graph.run({name: value.numpy() for name, value in inputs.items()})
        assert nearness(expected, found) < NEAR
