"""``ppd train`` from a recipe to a file that ``ppd predict`` takes."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from networks import SMALL_STAGES
from torch import Tensor
from typer.testing import Result

from ppdcli.checkpoints.layouts import read_metadata, read_tensors
from ppdcli.scenes.furnished.models import library
from ppdcli.training import loop, validation
from ppdcli.training import pool as pools
from ppdcli.training import run as runs
from ppdcli.training.clock import Clock
from ppdcli.training.shards import SHAPES, SUFFIX

Ppd = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[bytes]"]

RECIPE = f"""
seed = 3
minutes = 0.4 # a step is a second in these tests
scenes = {{ primitives = 1.0 }}
encoder = {{ stages = {[list(stage) for stage in SMALL_STAGES]}, lateral = 8, context = 8 }}
[diffusion]
hidden_size = 32
depth = 2
num_heads = 2
patch_size = 4
predicts = "x0"
[rates]
pyramid = {{ highest = 1e-2, warmup = 4 }}
backbone = {{ highest = 1e-2, warmup = 4 }}
diffusion = {{ highest = 3e-3, warmup = 4 }}
[[phases]]
share = 0.5
trains = ["pyramid", "backbone"]
batch = 4
gpu_batch = 4
areas = [1024]
[[phases]]
share = 0.5
trains = ["diffusion"]
batch = 2
gpu_batch = 2
areas = [1024]
[card]
about = "trained by a test"
"""
CPU = ("--device", "cpu", "--threads", 1)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Steps of one second, few scenes, no renderers, and the threads as they were."""

    def tick(clock: Clock) -> None:
        clock.used += 1

    threads = torch.get_num_threads()
    monkeypatch.setattr(Clock, "tick", tick)
    monkeypatch.setattr(runs, "FIRST_SHARDS", 1)
    monkeypatch.setattr(runs, "SCENES_PER_SHARD", 8)
    monkeypatch.setattr(runs, "start_workers", lambda order, workers: [])
    monkeypatch.setattr(pools, "FEWEST", 4)
    monkeypatch.setattr(validation, "COUNT", 3)
    monkeypatch.setattr(validation, "SHOWN", 2)
    monkeypatch.setattr(validation, "SHAPE", (48, 64))
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An output folder with scenes."""
    folder = tmp_path / "out"
    (folder / "scenes").mkdir(parents=True)
    blocks = np.random.default_rng(0).integers(20, 250, (8, SHAPES[0][0] // 16, SHAPES[0][1] // 16))
    grey = np.kron(blocks, np.ones((16, 16))).astype(np.uint8)
    planes = np.stack([grey, grey, grey, np.zeros_like(grey), grey], -1)
    np.save(folder / "scenes" / "new.npy", planes)
    (folder / "scenes" / "new.npy").rename(folder / "scenes" / f"000000{SUFFIX}")
    return folder


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE)
    return path


def used(out: Path) -> float:
    return float(torch.load(out / "training.ckpt", weights_only=True)["used"])


def test_a_model_is_trained_and_used(ppd: Ppd, out: Path, recipe: Path, photo: Path) -> None:
    result = ppd("train", "--recipe", recipe, "-o", out, *CPU)
    assert result.exit_code == 0, result.stderr
    assert "encoder, 3 unseen scenes: AbsRel" in result.stderr
    assert "; AbsRel" in result.stderr and "in 4 steps" in result.stderr
    assert result.stdout == "" and f"done: {out / 'ppd.safetensors'}" in result.stderr
    assert sorted(p.name for p in out.iterdir()) == [
        "diffusion.png",
        "encoder.png",
        "ppd.safetensors",
        "scenes",
        "training.ckpt",
    ]
    assert (
        used(out) == 24 and read_metadata(out / "ppd.safetensors")["about"] == "trained by a test"
    )

    model = ("-m", "ppd-tiny", "--checkpoint", out / "ppd.safetensors", "--device", "cpu")
    predicted = ppd("predict", photo, *model, "--size", "64x48", "-f", "npy")
    assert predicted.exit_code == 0, predicted.stderr
    depth = np.load("ppd-out/photo_depth.npy")
    assert depth.shape == (40, 60) and np.isfinite(depth).all() and depth.std() > 0


def test_more_minutes_resume_a_training(ppd: Ppd, out: Path, recipe: Path) -> None:
    short = ppd("train", "--recipe", recipe, "-o", out, *CPU, "--minutes", 0.1)
    assert short.exit_code == 0 and used(out) == 6
    longer = ppd("train", "--recipe", recipe, "-o", out, *CPU, "--minutes", 0.5)
    assert longer.exit_code == 0 and used(out) == 30
    again = ppd("train", "--recipe", recipe, "-o", out, *CPU, "--minutes", 0.5)
    assert again.exit_code == 0 and used(out) == 30


def test_a_training_starts_from_a_trained_model(ppd: Ppd, out: Path, recipe: Path) -> None:
    assert ppd("train", "--recipe", recipe, "-o", out, *CPU).exit_code == 0
    trained = out / "ppd.safetensors"
    second = out.parent / "second"
    (second / "scenes").mkdir(parents=True)
    for path in (out / "scenes").iterdir():
        (second / "scenes" / path.name).hardlink_to(path)
    encoder_first = RECIPE.replace('0.5\ntrains = ["p', '0.99\ntrains = ["p')
    recipe.write_text(encoder_first.replace('0.5\ntrains = ["d', '0.01\ntrains = ["d'))
    line = ("train", "--recipe", recipe, "-o", second, *CPU, "--minutes", 0.1)
    assert ppd(*line, "--start", trained).exit_code == 0
    state = torch.load(second / "training.ckpt", weights_only=True)
    begun = read_tensors(trained)
    for name, tensor in state["network"].items():
        assert torch.equal(tensor.half(), begun[f"dit.{name}"].half()), name
    recipe.write_text(RECIPE.replace("hidden_size = 32", "hidden_size = 64"))
    other = ppd("train", "--recipe", recipe, "-o", out.parent / "third", *CPU, "--start", trained)
    assert other.exit_code == 2 and "networks of other sizes" in other.stderr


def test_a_time_too_short_for_the_transformer_says_so(
    ppd: Ppd, out: Path, recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe.write_text(RECIPE.replace("minutes = 0.4", "minutes = 5"))

    encoder_loss = loop.encoder_loss

    def stop(*arguments: Any) -> Tensor:
        os.kill(os.getpid(), signal.SIGTERM)
        return encoder_loss(*arguments)

    monkeypatch.setattr(loop, "encoder_loss", stop)
    result = ppd("train", "--recipe", recipe, "-o", out, *CPU)
    assert result.exit_code == 130, result.stderr
    assert f"stopped; what was learned is saved in {out}" in result.stderr
    assert used(out) == 1 and not (out / "ppd.safetensors").exists()


def test_another_models_folder_is_not_resumed(ppd: Ppd, out: Path, recipe: Path) -> None:
    assert ppd("train", "--recipe", recipe, "-o", out, *CPU, "--minutes", 0.1).exit_code == 0
    recipe.write_text(RECIPE.replace("lateral = 8", "lateral = 12"))
    result = ppd("train", "--recipe", recipe, "-o", out, *CPU)
    assert result.exit_code == 2 and "training.ckpt" in result.stderr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("lateral = 8", "laterall = 8"), "laterall"),
        (("lateral = 8", 'lateral = "8"'), "models cannot be built"),
        (("hidden_size = 32", "hiden_size = 32"), "hiden_size"),
        (("depth = 2", "depth = 3"), "depth must be even"),
        (("patch_size = 4", "patch_size = 8"), "semantics tokens"),
        (('share = 0.5\ntrains = ["d', 'shar = 0.5\ntrains = ["d'), "'shar' in a phase"),
    ],
)
def test_a_recipe_that_cannot_work_is_refused_before_anything_starts(
    ppd: Ppd, recipe: Path, change: tuple[str, str], message: str
) -> None:
    assert RECIPE.count(change[0]) == 1
    recipe.write_text(RECIPE.replace(*change))
    result = ppd("train", "--recipe", recipe, "-o", "new", *CPU)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ") and message in result.stderr
    assert result.stderr.count("\n") == 1 and not Path("new").exists()


def test_without_furniture_it_trains_on_simple_shapes(
    ppd: Ppd, out: Path, recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe.write_text(RECIPE.replace("primitives = 1.0", "primitives = 0.5, furnished = 0.5"))
    monkeypatch.setattr(library, "DEBIAN_FOLDER", Path("nowhere"))
    orders = []
    monkeypatch.setattr(runs, "start_workers", lambda order, workers: orders.append(order) or [])
    result = ppd("train", "--recipe", recipe, "-o", out, *CPU)
    assert result.exit_code == 0, result.stderr
    assert "no furnished scenes, only scenes of simple shapes: nowhere" in result.stderr
    assert "apt install sweethome3d-furniture" in result.stderr
    assert orders[0].kinds == {"primitives": 1.0}
    named = ppd("train", "--recipe", recipe, "-o", "new", *CPU, "--furniture", "nowhere")
    assert named.exit_code == 1 and "error: nowhere" in named.stderr


def test_without_renderers_and_scenes_it_ends(ppd: Ppd, recipe: Path) -> None:
    result = ppd("train", "--recipe", recipe, "-o", "new", *CPU)
    assert result.exit_code == 1 and "render scenes have ended" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--recipe", "none.toml"), 2, "none.toml"),
        (("--device", "gpu"), 2, "gpu"),
        (("--scenes", "3"), 2, "scenes"),
        (("--minutes", "0"), 2, "minutes"),
        (("--pretrained", "none.pth"), 2, "none.pth"),
    ],
)
def test_wrong_options_are_named(
    ppd: Ppd, arguments: tuple[str, ...], code: int, message: str
) -> None:
    result = ppd("train", *arguments)
    assert result.exit_code == code and message in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="process groups and SIGINT")
def test_ctrl_c_saves_and_ends_the_renderers_too(start: Start, out: Path, recipe: Path) -> None:
    """In a terminal Ctrl-C reaches every process of the group."""
    recipe.write_text(RECIPE.replace("minutes = 0.4", "minutes = 100"))
    process = start("train", "--recipe", recipe, "-o", out, *CPU, start_new_session=True)
    assert process.stderr is not None
    assert b"scenes are rendered to" in process.stderr.readline()
    time.sleep(1)  # a training, or a renderer that is starting: nothing may be said in either case
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.decode().startswith("stopped; what was learned is saved in")
    assert "Traceback" not in errors.decode() and used(out) >= 0
    deadline = time.monotonic() + 30
    with pytest.raises(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(process.pid, 0)
            time.sleep(0.05)
