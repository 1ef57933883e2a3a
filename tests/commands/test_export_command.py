"""``ppd export`` and ``--backend onnx``, with a small random model."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import SMALL_STAGES
from typer.testing import CliRunner

import ppdcli
from ppdcli.backends import onnx_export
from ppdcli.backends.onnx import OnnxBackend
from ppdcli.backends.onnx_folder import CARD_FILE, ENCODER_FILE, STEP_FILE, read_card
from ppdcli.cli.app import app
from ppdcli.commands import export as exporting
from ppdcli.commands.export import export, largest_difference
from ppdcli.errors import CheckpointError, OutputError, PpdError, UsageError
from ppdcli.model_request import ModelRequest
from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.config import CasDiTConfig
from ppdcli.models.pyramid_encoder import PyramidEncoder, PyramidEncoderConfig
from ppdcli.training.export import export as write_checkpoint

# Not those of the trace, nor of the command's own comparison.
SIZES = ((16, 16), (16, 400), (192, 256), (336, 112), (80, 80))
NEAR = 1e-4

WITHOUT_PYTORCH = """
import sys
sys.modules["torch"] = None
from ppdcli.cli.app import main
main()
"""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Calmer weights than those of ``random_checkpoint``, which amplify rounding; and an
    encoder that sees a larger picture."""
    torch.manual_seed(0)
    encoder = PyramidEncoder(PyramidEncoderConfig(SMALL_STAGES, 8, 8, enlargement=1.25)).eval()
    sizes = {"hidden_size": 32, "depth": 2, "num_heads": 2, "fine_embedding": True, "patch_size": 4}
    semantics = encoder.config.semantics_dim
    network = CasDiT(CasDiTConfig(**sizes, semantics_dim=semantics, predicts="x0", time_shift=0.1))
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    path = tmp_path_factory.mktemp("checkpoint") / "calm.safetensors"
    write_checkpoint(path, network, encoder, {"note": "random weights for tests"})
    return path


@pytest.fixture(scope="module")
def folder(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export; it takes many seconds."""
    folder = tmp_path_factory.mktemp("onnx") / "exported"
    request = ModelRequest("ppd-tiny", checkpoint, None, "cpu", "fp32")
    done = export(request, folder, overwrite=False)
    assert done.difference < NEAR
    assert done.bytes == sum(file.stat().st_size for file in folder.iterdir())
    return folder


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return done.exit_code, done.stderr


def test_it_is_complete_and_leaves_nothing_else(folder: Path) -> None:
    assert {file.name for file in folder.iterdir()} == {CARD_FILE, ENCODER_FILE, STEP_FILE}
    assert list(folder.parent.iterdir()) == [folder]
    card = read_card(folder)
    assert (card.model, card.area, card.opset) == ("ppd-tiny", (256, 192), 18)
    assert card.licenses == {"ppd-tiny": "Apache-2.0"}


def test_depth_is_pytorchs_at_other_sizes_than_the_traced_one(
    folder: Path, checkpoint: Path
) -> None:
    pytorch = ppdcli.load("ppd-tiny", checkpoint=checkpoint, device="cpu").backend
    backend = OnnxBackend(folder)
    for size in SIZES:
        assert backend.encoder_size(*size) == pytorch.encoder_size(*size)
        assert largest_difference(pytorch, backend, [size]) < NEAR  # type: ignore[arg-type]


def test_python_predicts_the_same(folder: Path, checkpoint: Path, photo: Path) -> None:
    one = ppdcli.load("ppd-tiny", checkpoint=checkpoint, device="cpu")
    other = ppdcli.load(checkpoint=folder, backend="onnx")
    assert (other.name, other.device, other.precision) == ("ppd-tiny", "cpu", "fp32")
    expected = np.asarray(one.predict(photo, steps=3, seed=5, area=64 * 48))
    seen: list[int] = []
    depth = np.asarray(other.predict(photo, steps=3, seed=5, area=64 * 48, on_step=seen.append))
    assert np.abs(depth - expected).max() < NEAR * np.ptp(expected)
    assert seen == [1, 2, 3]


def test_a_warm_start_is_pytorchs(folder: Path, checkpoint: Path, photo: Path) -> None:
    one = ppdcli.load("ppd-tiny", checkpoint=checkpoint, device="cpu")
    other = ppdcli.load(checkpoint=folder, backend="onnx")
    guess = np.full(one.size_of(photo, 64 * 48), 0.3, np.float32)
    expected, depth = (
        np.asarray(model.predict_batch([photo], steps=3, area=64 * 48, guess=guess)[0])
        for model in (one, other)
    )
    assert np.abs(depth - expected).max() < NEAR * np.ptp(expected)


def test_it_predicts_without_pytorch(folder: Path, photo: Path, tmp_path: Path) -> None:
    options = ["--backend", "onnx", "--checkpoint", folder, "-f", "npy", "--size", "64x48"]
    arguments = ["predict", photo, "-o", tmp_path / "out", *options, "--preset", "draft"]
    command = [sys.executable, "-c", WITHOUT_PYTORCH, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert "ppd-tiny on cpu, fp32, with onnxruntime" in done.stderr
    assert np.load(tmp_path / "out/photo_depth.npy").shape == (40, 60)


def test_another_backend_makes_the_files_again(
    folder: Path, checkpoint: Path, photo: Path, tmp_path: Path
) -> None:
    shared = ("predict", photo, "-o", tmp_path / "out", "-f", "npy", "--size", "64x48")
    onnx = ("--backend", "onnx", "--checkpoint", folder)
    pytorch = ("-m", "ppd-tiny", "--checkpoint", checkpoint, "--device", "cpu")
    assert run(*shared, *onnx)[0] == 0
    assert run(*shared, *onnx)[1] == "1 skipped\n"
    assert "backend onnx -> off" in run(*shared, *pytorch)[1]
    assert "backend off -> onnx" in run(*shared, *onnx)[1]


def test_a_cloud_is_made(folder: Path, photo: Path, tmp_path: Path) -> None:
    options = ("--backend", "onnx", "--checkpoint", folder, "--size", "64x48", "--near-far", "1,3")
    assert run("pointcloud", photo, "-o", tmp_path / "a.ply", *options)[0] == 0
    assert (tmp_path / "a.ply").is_file()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--device", "cuda"], "device cuda: the backend onnx computes on the cpu"),
        (["--precision", "bf16"], "precision bf16: the backend onnx computes in fp32"),
        (["--encoder", "x.pth"], "has its encoder in its folder; leave out the encoder"),
        (["--compile"], "the backend onnx has no compiler"),
        (["--metric"], "metres by MoGe-2 need the backend pytorch"),
        (["-m", "ppd-da2"], "is ppd-tiny, not ppd-da2; name the model's folder"),
    ],
)
def test_what_only_pytorch_does_is_refused(
    folder: Path, photo: Path, options: Sequence[str], said: str
) -> None:
    code, stderr = run("predict", photo, "--backend", "onnx", "--checkpoint", folder, *options)
    assert code == 2
    assert said in stderr


def test_without_a_folder_the_way_on_is_said(photo: Path) -> None:
    code, stderr = run("predict", photo, "--backend", "onnx")
    assert code == 2
    assert "write one with `ppd export ppd-tiny -o FOLDER`, and give FOLDER as the" in stderr
    assert "give pytorch or onnx" in run("predict", photo, "--backend", "tvm")[1]
    assert "bench measures PyTorch's" in run("bench", "--backend", "onnx")[1]


def test_a_graph_that_is_none_is_refused(folder: Path, tmp_path: Path) -> None:
    for name in (ENCODER_FILE, STEP_FILE):
        (tmp_path / name).write_bytes(b"no graph")
    card = json.loads((folder / CARD_FILE).read_text())
    from ppdcli.backends.onnx_folder import sha256_of

    row = {"bytes": 8, "sha256": sha256_of(tmp_path / STEP_FILE)}
    card["files"] = {ENCODER_FILE: row, STEP_FILE: row}
    (tmp_path / CARD_FILE).write_text(json.dumps(card))
    with pytest.raises(CheckpointError, match=r"encoder\.onnx: onnxruntime cannot load it"):
        OnnxBackend(tmp_path)


def test_packages_that_are_missing_are_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(UsageError, match=r"onnxscript; run: pip install 'ppdcli\[onnx\]'"):
        exporting.require_packages()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UsageError, match=r"onnxruntime; run: pip install 'ppdcli\[onnx\]'"):
        OnnxBackend(folder)


def test_files_in_the_way_are_kept(folder: Path, tmp_path: Path) -> None:
    empty, own, foreign, file = (tmp_path / name for name in ("empty", "own", "foreign", "file"))
    for each in (empty, own, foreign):
        each.mkdir()
    (own / CARD_FILE).touch()
    (foreign / "thesis.txt").touch()
    file.touch()
    exporting.check_folder(tmp_path / "new", False)
    exporting.check_folder(empty, False)
    exporting.check_folder(own, True)
    for path, overwrite, said in (
        (own, False, "has files; --overwrite replaces them"),
        (foreign, True, "has another file, thesis.txt; name a new folder"),
        (file, True, "is a file; name a folder"),
    ):
        with pytest.raises(OutputError, match=said):
            exporting.check_folder(path, overwrite)


@pytest.mark.parametrize("exists", [False, True])
def test_an_export_that_differs_is_not_written(
    folder: Path,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    exists: bool,
) -> None:
    """Graphs of one model, compared with another one; an earlier export stays."""
    target = tmp_path / "target"
    if exists:
        target.mkdir()
        (target / CARD_FILE).write_text("earlier")

    def others(_model: object, beside: Path) -> None:
        for name in (ENCODER_FILE, STEP_FILE):
            (beside / name).write_bytes((folder / name).read_bytes())

    monkeypatch.setattr(onnx_export, "write_graphs", others)
    request = ModelRequest("ppd-tiny", checkpoint, None, "cpu", "fp32")
    load = exporting.load_model

    def changed(*arguments: object) -> ppdcli.Predictor:
        predictor = load(*arguments)  # type: ignore[arg-type]
        weight = predictor.backend.model.network.final_layer.linear.weight  # type: ignore[attr-defined]
        weight.data.mul_(1.01)
        return predictor

    monkeypatch.setattr(exporting, "load_model", changed)
    with pytest.raises(PpdError, match=r"not written, because onnxruntime's depth differs"):
        export(request, target, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == (["target"] if exists else [])
    if exists:
        assert (target / CARD_FILE).read_text() == "earlier"
        monkeypatch.setattr(exporting, "load_model", load)
        export(request, target, overwrite=True)
        assert read_card(target) == read_card(folder)
        assert [path.name for path in tmp_path.iterdir()] == ["target"]
