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
    image = torch.rand(1, 3, HEIGHT, WIDTH)
    sides = {2: 16 * Dim("rows", max=MOST_CELLS), 3: 16 * Dim("columns", max=MOST_CELLS)}
    arguments = {"image": image}
    shapes: dict[str, Any] = {"image": sides}
    encoder = EncoderGraph(model.encoder)
    if hasattr(model.encoder, "input_size"):
        seen = {
            2: 32 * Dim("seen_rows", max=MOST_CELLS),
            3: 32 * Dim("seen_columns", max=MOST_CELLS),
        }
        arguments = {"view": torch.rand(1, 3, *model.encoder_size(HEIGHT, WIDTH)), **arguments}
        shapes = {"view": seen, **shapes}
        encoder = ResizedEncoderGraph(model.encoder)
    _write(encoder, arguments, shapes, "tokens", folder / ENCODER_FILE)
    with torch.no_grad():
        tokens = encoder(*arguments.values())
    arguments = {
        "x_t": torch.randn(1, 1, HEIGHT, WIDTH),
        "image": image,
        "tokens": tokens,
        "timestep": torch.full((1,), 500.0),
    }
    shapes = {
        "x_t": sides,
        "image": sides,
        "tokens": {1: Dim.DYNAMIC},
        "timestep": {},
    }
    _write(StepGraph(model.network), arguments, shapes, "velocity", folder / STEP_FILE)


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
