"""An exported model for tests of the backend onnx: two graphs of a few nodes, without PyTorch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from ppdcli.backends.onnx_folder import (
    CARD_FILE,
    ENCODER_FILE,
    FORMAT,
    OPSET,
    STEP_FILE,
    Card,
    sha256_of,
)
from ppdcli.devices import Precision


def value(name: str, shape: Sequence[int | str]) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


IMAGE, PLANE = value("image", [1, 3, "H", "W"]), [1, 1, "H", "W"]


def write_graph(
    path: Path,
    nodes: Sequence[NodeProto],
    inputs: Sequence[ValueInfoProto],
    output: ValueInfoProto,
    opset: int = OPSET,
) -> None:
    numbers = [
        numpy_helper.from_array(np.array([1]), "axis"),
        numpy_helper.from_array(np.array([1, 3, -1]), "row"),
        numpy_helper.from_array(np.float32(1e-6), "small"),
        numpy_helper.from_array(np.float32(1000), "T"),
    ]
    graph = helper.make_graph(nodes, "test", inputs, [output], numbers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    onnx.save(model, path)


def write_export(folder: Path, precision: Precision = "fp32") -> Path:
    """A model whose depth is the photo's brightness and a little of that of all of it."""
    folder.mkdir()
    node = helper.make_node
    write_graph(
        folder / ENCODER_FILE,
        [
            node("AveragePool", ["image"], ["cells"], kernel_shape=[16, 16], strides=[16, 16]),
            node("Reshape", ["cells", "row"], ["listed"]),
            node("Transpose", ["listed"], ["tokens"], perm=[0, 2, 1]),
        ],
        [IMAGE],
        value("tokens", [1, "N", 3]),
    )
    write_graph(
        folder / STEP_FILE,
        [
            node("ReduceMean", ["image", "axis"], ["brightness"]),
            node("ReduceMean", ["tokens"], ["whole"], keepdims=0),
            node("Mul", ["brightness", "whole"], ["x_0"]),
            node("Sub", ["x_t", "x_0"], ["way"]),
            node("Div", ["timestep", "T"], ["time"]),
            node("Max", ["time", "small"], ["share"]),
            node("Div", ["way", "share"], ["velocity"]),
        ],
        [value("x_t", PLANE), IMAGE, value("tokens", [1, "N", 3]), value("timestep", [1])],
        value("velocity", PLANE),
    )
    write_card(folder, precision)
    return folder


def write_card(folder: Path, precision: Precision = "fp32") -> None:
    """``ppd.json`` for the files that are there."""
    files = {
        path.name: {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
        for path in sorted(folder.iterdir())
        if path.name != CARD_FILE
    }
    presets = {"draft": 2, "standard": 4, "best": 10}
    licences = {"ppd-tiny": "Apache-2.0"}
    card = Card(
        *(FORMAT, "ppdcli", "ppd-tiny", licences, OPSET, precision, files),
        *((64, 48), presets, None, 1.0, {}, ("in words",)),
    )
    (folder / CARD_FILE).write_text(json.dumps(card.as_json()))
