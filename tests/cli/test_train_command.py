"""``ppd train`` from a recipe to a file that ``ppd predict`` takes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import Result

from ppdcli.checkpoints.layouts import read_metadata, read_tensors
from ppdcli.training.shards import encode_depth, make_samples

Ppd = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[bytes]"]

RECIPE = """
seed = 3
[encoder]
model = { widths = [8, 8, 8, 8, 8], depths = [1, 1, 1, 1], lateral = 8 }
learning_rate = 1e-2
warmup = 4
phases = [{ samples = 64, scale = 1, batch = 8, gradient_weight = 0.2 }]
[diffusion]
model = { hidden_size = 32, depth = 2, num_heads = 2, predicts = "x0", fine_embedding = true }
learning_rate = 3e-3
warmup = 4
phases = [{ samples = 32, scale = 1, batch = 8 }, { samples = 16, scale = 1, batch = 4 }]
[card]
about = "trained by a test"
"""
SHARDS = 8
CPU = ("--device", "cpu", "--shards", SHARDS, "--threads", 1)


@pytest.fixture(scope="module")
def scenes() -> list[tuple[np.ndarray, np.ndarray]]:
    """Little shards, instead of those of 128 full-size scenes."""
    made = [make_samples(3, 8 * k, 8, (48, 64), 1) for k in range(SHARDS)]
    return [(samples.rgb, encode_depth(samples.depth)) for samples in made]


@pytest.fixture
def out(scenes: list[tuple[np.ndarray, np.ndarray]], tmp_path: Path) -> Path:
    """An output folder in which all scenes are rendered already."""
    folder = tmp_path / "out"
    (folder / "scenes").mkdir(parents=True)
    for number, (rgb, depth) in enumerate(scenes):
        np.savez(folder / "scenes" / f"{number:06d}.npz", rgb=rgb, depth=depth)
    return folder


@pytest.fixture(autouse=True)
def threads_stay_as_they_are() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE)
    return path


def test_a_model_is_trained_and_used(ppd: Ppd, out: Path, recipe: Path, photo: Path) -> None:
    result = ppd("train", "--recipe", recipe, "-o", out, *CPU)
    assert result.exit_code == 0, result.stderr
    assert "encoder, 24 unseen scenes: AbsRel" in result.stderr
    assert "; AbsRel" in result.stderr and "in 4 steps" in result.stderr
    assert result.stdout == "" and f"done: {out / 'ppd.safetensors'}" in result.stderr
    assert sorted(p.name for p in out.iterdir()) == [
        "diffusion.ckpt",
        "diffusion.png",
        "encoder.ckpt",
        "encoder.png",
        "ppd.safetensors",
        "scenes",
    ]
    assert read_metadata(out / "ppd.safetensors")["about"] == "trained by a test"

    model = ("-m", "ppd-tiny", "--checkpoint", out / "ppd.safetensors", "--device", "cpu")
    predicted = ppd("predict", photo, *model, "--size", "64x48", "-f", "npy")
    assert predicted.exit_code == 0, predicted.stderr
    depth = np.load("ppd-out/photo_depth.npy")
    assert depth.shape == (40, 60) and np.isfinite(depth).all() and depth.std() > 0


def test_a_killed_run_goes_on_with_what_it_has(ppd: Ppd, out: Path, recipe: Path) -> None:
    endless = recipe.with_name("endless.toml")
    endless.write_text(RECIPE.replace("samples = 64", "samples = 1_000_000"))
    program = (
        "import ppdcli.training.loop as loop; loop.SAVE_EVERY = 0.0\n"
        "from ppdcli.cli.app import main; main()"
    )
    line = [sys.executable, "-c", program, "train", "--recipe", endless, "-o", out, *CPU]
    process = subprocess.Popen([str(part) for part in line])
    checkpoint = out / "encoder.ckpt"
    deadline = time.monotonic() + 300
    while not checkpoint.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    process.kill()
    process.wait()
    before = torch.load(checkpoint, weights_only=True)
    done = before["done"]
    assert 8 <= done == 8 * before["step"] < 1_000_000

    recipe.write_text(RECIPE.replace("samples = 64", f"samples = {done + 16}"))
    result = ppd("train", "--recipe", recipe, "-o", out, *CPU)
    assert result.exit_code == 0, result.stderr
    after = torch.load(checkpoint, weights_only=True)
    assert after["done"] == done + 16 and after["step"] == before["step"] + 2
    assert torch.load(out / "diffusion.ckpt", weights_only=True)["done"] == 48


def test_a_finished_run_gives_the_same_weights_again(ppd: Ppd, out: Path, recipe: Path) -> None:
    files = []
    for _ in range(2):
        assert ppd("train", "--recipe", recipe, "-o", out, *CPU).exit_code == 0
        files.append(read_tensors(out / "ppd.safetensors"))
    first, second = files
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_another_models_folder_is_not_gone_on_with(ppd: Ppd, out: Path, recipe: Path) -> None:
    assert ppd("train", "--recipe", recipe, "-o", out, *CPU).exit_code == 0
    recipe.write_text(RECIPE.replace("lateral = 8", "lateral = 12"))
    result = ppd("train", "--recipe", recipe, "-o", out, *CPU)
    assert result.exit_code == 2 and "encoder.ckpt" in result.stderr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("lateral = 8", "laterall = 8"), "laterall"),
        (("lateral = 8", 'lateral = "8"'), "models cannot be built"),
        (("hidden_size = 32", "hiden_size = 32"), "hiden_size"),
        (("depth = 2", "depth = 3"), "depth must be even"),
        (('predicts = "x0"', "patch_size = 4"), "semantics tokens"),
        (
            ("warmup = 4\nphases = [{ samples = 64", "wramup = 4\nphases = [{ samples = 64"),
            "wramup",
        ),
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


def test_a_batch_larger_than_the_shards_is_refused(ppd: Ppd, out: Path, recipe: Path) -> None:
    recipe.write_text(RECIPE.replace("batch = 8, g", "batch = 9, g"))
    result = ppd("train", "--recipe", recipe, "-o", out, *CPU)
    assert result.exit_code == 2 and "fewer than a batch of 9" in result.stderr
    assert not multiprocessing.active_children()  # renderers


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--recipe", "none.toml"), 2, "none.toml"),
        (("--device", "gpu"), 2, "gpu"),
        (("--shards", "3"), 2, "shards"),
        (("-o", "file/out"), 1, "file/out"),
    ],
)
def test_wrong_options_are_named(
    ppd: Ppd, arguments: tuple[str, ...], code: int, message: str
) -> None:
    Path("file").touch()
    result = ppd("train", *arguments)
    assert result.exit_code == code and message in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="process groups and SIGINT")
def test_ctrl_c_ends_the_renderers_too_without_their_tracebacks(start: Start, recipe: Path) -> None:
    """In a terminal it reaches every process of the group."""
    process = start("train", "--recipe", recipe, "-o", "new", start_new_session=True)
    assert process.stderr is not None
    assert b"scenes go to" in process.stderr.readline()
    time.sleep(1)  # the renderer starts
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130
    assert errors.decode() == "interrupted; what is finished is kept\n"
    deadline = time.monotonic() + 120
    with pytest.raises(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(process.pid, 0)
            time.sleep(0.05)
