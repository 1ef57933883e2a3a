"""Writes a model's encoder and a step of its network as ONNX files, in float32 or float16."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim

from ppdcli.backends.onnx_folder import ENCODER_FILE, OPSET, STEP_FILE
from ppdcli.models.dit import DiT
from ppdcli.models.graphs import EncoderGraph, ResizedEncoderGraph, StepGraph
from ppdcli.models.pixel_perfect import PixelPerfectDepth

HEIGHT, WIDTH = 96, 128  # of the picture that is traced; the graphs take any size
MOST_CELLS = 1024  # of 16 or 32 pixels, along a side
IN_ONE_FILE = 1 << 30  # bytes of weights; a file of ONNX itself ends at 2 GB


def write_graphs(model: PixelPerfectDepth, folder: Path) -> None:
    """Writes ``encoder.onnx`` and ``step.onnx``; large weights go to ``.data`` files beside them.

    Args:
        model: in float32, on the CPU, in eval mode; or with some weights in float16, as
            ``precision.keep_weights_in`` leaves them: see ``half_products``.
        folder: is there, and has no such files.

    Raises:
        OSError: the system refuses.
    """
    write_encoder(model.encoder, folder)
    write_step(model.network, folder)


def write_encoder(encoder: nn.Module, folder: Path) -> None:
    """Writes ``encoder.onnx``; see ``write_graphs``."""
    arguments, shapes = {"image": torch.rand(1, 3, HEIGHT, WIDTH)}, {"image": _sides(16, "")}
    graph = EncoderGraph(encoder)
    if hasattr(encoder, "input_size"):
        view = torch.rand(1, 3, *encoder.input_size(HEIGHT, WIDTH))  # type: ignore[operator]
        arguments, shapes = {"view": view, **arguments}, {"view": _sides(32, "seen_"), **shapes}
        graph = ResizedEncoderGraph(encoder)
    _write(graph, arguments, shapes, "tokens", folder / ENCODER_FILE)


def write_step(network: DiT, folder: Path) -> None:
    """Writes ``step.onnx``; see ``write_graphs``."""
    config = network.config
    cells = (HEIGHT // (2 * config.patch_size)) * (WIDTH // (2 * config.patch_size))
    arguments = {
        "x_t": torch.randn(1, 1, HEIGHT, WIDTH),
        "image": torch.rand(1, 3, HEIGHT, WIDTH),
        "tokens": torch.randn(1, cells, config.semantics_dim),
        "timestep": torch.full((1,), 500.0),
    }
    sides = _sides(16, "")
    shapes = {"x_t": sides, "image": sides, "tokens": {1: Dim.DYNAMIC}, "timestep": {}}
    _write(StepGraph(network), arguments, shapes, "velocity", folder / STEP_FILE)


def _sides(cell: int, prefix: str) -> dict[int, Any]:
    """Height and width, as multiples of ``cell`` pixels."""
    return {
        2: cell * Dim(f"{prefix}rows", max=MOST_CELLS),
        3: cell * Dim(f"{prefix}columns", max=MOST_CELLS),
    }


def _write(
    graph: nn.Module,
    arguments: Mapping[str, Tensor],
    shapes: dict[str, Any],
    output: str,
    path: Path,
) -> None:
    size = sum(tensor.nbytes for tensor in graph.state_dict().values())
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of names of axes, and of the exporter's own insides
        program = torch.onnx.export(
            graph.eval(),
            tuple(arguments.values()),
            input_names=list(arguments),
            output_names=[output],
            opset_version=OPSET,
            dynamic_shapes=tuple(shapes.values()),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    program.save(path, external_data=size > IN_ONE_FILE)
