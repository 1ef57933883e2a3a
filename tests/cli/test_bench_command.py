"""``ppd bench``: what it measures and compares, and what it refuses; never how fast it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from typer.testing import Result

from ppdcli.checkpoints.families import FAMILIES
from ppdcli.commands import bench, bench_arithmetic, bench_folder, bench_model
from ppdcli.models.config import CasDiTConfig
from ppdcli.models.dinov2 import DinoV2Semantics
from ppdcli.models.moge2 import MoGe2Encoder, MoGe2Semantics
from ppdcli.models.moge2_config import Backbone, EncoderConfig

Ppd = Callable[..., Result]

SMALL = Backbone("vits", 384, 12)

MEASURED = ("decode", "prepare", "encoder", "step 1", "step 2", "network", "resize", "write")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process imports PyTorch, and matrices are small."""
    monkeypatch.setattr(bench, "IMPORTS", "pass")
    monkeypatch.setattr(bench_arithmetic, "SIDES", {"cpu": (8, 16)})


@pytest.fixture
def small_ppd_da2(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Options for a model whose files are not here, at a small size."""
    monkeypatch.setattr(bench_model, "is_here", lambda _: False)
    sizes = CasDiTConfig(hidden_size=32, depth=2, num_heads=2, semantics_dim=384)
    monkeypatch.setattr(bench_model, "NETWORK", sizes)
    encoders: dict[str, Callable[[], nn.Module]] = {
        "da2": lambda: DinoV2Semantics("vits"),
        "moge2": lambda: MoGe2Semantics(MoGe2Encoder(EncoderConfig(SMALL, (1, 3), 384))),
    }
    for name, encoder in encoders.items():
        family = replace(FAMILIES[name], unloaded_encoder=encoder)
        monkeypatch.setitem(FAMILIES, name, family)
    return ["--device", "cpu", "--size", "64x48", "--repeats", "1", "--folder", "2"]


def test_the_parts_of_a_prediction(ppd: Ppd, tiny: list[str], tmp_path: Path) -> None:
    result = ppd("bench", *tiny, "--steps", 2, "--repeats", 2, "--json", "-o", tmp_path / "b.json")
    assert result.exit_code == 0, result.stderr
    said: dict[str, Any] = json.loads(result.stdout)
    assert json.loads((tmp_path / "b.json").read_text()) == said
    assert [said[key] for key in ("model", "size", "photo", "steps", "weights", "precision")] == [
        *("ppd-tiny", "64x48", "256x192", 2, "file", "fp32")
    ]
    assert tuple(said["parts"]) == ("import", "load", *MEASURED, "photo")
    for part in said["parts"].values():
        assert part["runs"] == 2
        assert 0 < part["least"] <= part["median"] <= part["most"]
    for work in said["work"].values():
        assert work["share"] == pytest.approx(work["rate"] / said["product"]["rate"])
    assert said["product"]["flop"] == 2 * said["product"]["side"] ** 3
    assert said["memory"]["device"] is None
    assert said["baseline"] is None and "against" not in said


def test_the_table_holds_a_run_against_an_earlier_one(
    ppd: Ppd, tiny: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "before.json"
    ppd("bench", *tiny, "--steps", 1, "--repeats", 1, "-o", file)
    earlier = json.loads(file.read_text())
    for part in earlier["parts"].values():
        part["median"] = 1e6
    earlier["parts"]["encoder"]["median"] = 1e-9
    del earlier["parts"]["load"]
    file.write_text(json.dumps(earlier))
    options = [*tiny, "--steps", 1, "--repeats", 1, "--against", file]
    result = ppd("bench", *options)
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.partition("\n\n")[2].partition("\n\n")[0].splitlines()
    rows = {line[:10].strip(): line.split() for line in lines}
    assert rows["part"][-1] == "now/then"
    assert rows["step 1"][-1] == rows["photo"][-1] == "0.00"
    assert float(rows["encoder"][-1]) > 1000
    assert rows["load"][-1] in ("us", "ms", "s")
    ratios = json.loads(ppd("bench", *options, "--json").stdout)["against"]
    assert ratios["encoder"] > 1000 and ratios["photo"] < 1 and "load" not in ratios


def test_a_batch_and_a_folder_are_timed(ppd: Ppd, tiny: list[str]) -> None:
    options = [*tiny, "--steps", 1, "--repeats", 1, "--batch", 2, "--folder", 3]
    result = ppd("bench", *options, "--json")
    assert result.exit_code == 0, result.stderr
    said = json.loads(result.stdout)
    batch, folder, network = said["batch"], said["folder"], said["parts"]["network"]["median"]
    assert (batch["photos"], folder["photos"]) == (2, 3)
    for row in (batch, folder):
        assert row["rate"] == pytest.approx(row["photos"] / row["seconds"]) and row["seconds"] > 0
    assert batch["share"] == pytest.approx(batch["rate"] * network)
    fastest = max(batch["rate"], 1 / network)
    assert folder["share"] == pytest.approx(folder["rate"] / fastest)


def test_a_folder_that_would_take_long_is_left_out(
    ppd: Ppd, tiny: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_folder, "SECONDS", 0.0)
    result = ppd("bench", *tiny, "--steps", 1, "--repeats", 1)
    assert result.exit_code == 0, result.stderr
    lines = {line.split()[0]: line for line in result.stdout.splitlines() if line}
    assert "--folder N measures it" in lines["folder"]
    assert "batch" not in lines  # on a processor one photo at a time is best


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--steps", 3], "its steps is 2, this run's 3; compare runs of one model, size, steps"),
        (["--size", "32x32"], "its size is 64x48, this run's 32x32"),
    ],
)
def test_unlike_runs_are_not_compared(
    ppd: Ppd,
    tiny: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[object],
    message: str,
) -> None:
    earlier = {"model": "ppd-tiny", "size": "64x48", "steps": 2, "parts": {"photo": {"median": 1}}}
    (tmp_path / "before.json").write_text(json.dumps(earlier))
    monkeypatch.setattr(bench, "start_up", lambda: pytest.fail("it has begun to measure"))
    result = ppd("bench", *tiny, "--steps", 2, "--against", tmp_path / "before.json", *options)
    assert result.exit_code == 2
    assert message in result.stderr and len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"parts": {"photo": 1}}', '{"parts": {"photo": {"median": 1}}}'],
)
def test_what_is_no_result_of_ours(ppd: Ppd, tiny: list[str], tmp_path: Path, content: str) -> None:
    (tmp_path / "before.json").write_text(content)
    result = ppd("bench", *tiny, "--against", tmp_path / "before.json")
    assert result.exit_code == 2
    assert "is no result of ppd bench" in result.stderr
    assert "no such file" in ppd("bench", *tiny, "--against", tmp_path / "none.json").stderr


def test_an_output_that_cannot_be_is_refused_first(
    ppd: Ppd, tiny: list[str], tmp_path: Path
) -> None:
    result = ppd("bench", *tiny, "-o", tmp_path)
    assert result.exit_code == 2
    assert "is a folder; name a file" in result.stderr


@pytest.mark.parametrize(("name", "precision"), [("ppd-da2", "bf16"), ("ppd-moge2", "fp32")])
def test_random_weights_where_a_model_is_not_here(
    ppd: Ppd, small_ppd_da2: list[str], name: str, precision: str
) -> None:
    options = [*small_ppd_da2, "-m", name, "--precision", precision, "--baseline"]
    result = ppd("bench", *options)
    assert result.exit_code == 0, result.stderr
    assert f"{name} is not on this machine: random weights of its size, cpu" in result.stderr
    assert "random weights: the times and the memory are the model's" in result.stdout
    rows = [line.split()[0] for line in result.stdout.splitlines() if line]
    assert "load" not in rows and "baseline" in rows


def test_a_small_model_cannot_be_made_of_nothing(ppd: Ppd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_model, "is_here", lambda _: False)
    result = ppd("bench", "-m", "ppd-tiny", "--repeats", "1")
    assert result.exit_code == 1
    assert "its file states its sizes; get it with `ppd weights pull ppd-tiny`" in result.stderr


def test_random_weights_have_the_released_models_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_model, "choose_device", lambda _: torch.device("meta"))
    chosen = bench_model.choose("ppd-da2")
    predictor = bench_model.random_predictor(chosen, "auto", "bf16")
    model = bench_model.pytorch_of(predictor).model
    count = {n: sum(p.numel() for p in m.parameters()) for n, m in model.named_children()}
    assert count == {
        "network": pytest.approx(500e6, rel=0.02),
        "encoder": pytest.approx(304e6, 0.01),
    }
    assert model.network.blocks[0].attn.qkv.weight.dtype == torch.bfloat16
