"""``ppd`` as tests call it: inside this process, which is quick, or as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from standins import sample
from threads import as_many_threads
from typer.testing import CliRunner, Result

from ppdcli import loading
from ppdcli.checkpoints import hub
from ppdcli.cli.app import app
from ppdcli.models.pixel_perfect import PixelPerfectDepth


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default output is ./ppd-out."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def ppd() -> Callable[..., Result]:
    """``ppd("predict", path, ...)``: exit code, stdout and stderr, apart."""

    def call(*arguments: object, stdin: bytes | None = None) -> Result:
        line = [str(argument) for argument in arguments]
        result = CliRunner().invoke(app, line, input=stdin, prog_name="ppd")
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return call


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """``start("predict", path, ...)``: a process; what of it is left after the test is killed."""
    started: list[subprocess.Popen[bytes]] = []

    def call(*arguments: object, **options: Any) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "ppdcli", *map(str, arguments)]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        options["env"] = {**os.environ, **as_many_threads(), **options.get("env", {})}
        started.append(subprocess.Popen(command, **{**pipes, **options}))
        return started[-1]

    yield call
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def tiny(random_checkpoint: Path) -> list[str]:
    """Options for the small random model, at a size that takes a few milliseconds."""
    file = str(random_checkpoint)
    return ["-m", "ppd-tiny", "--checkpoint", file, "--device", "cpu", "--size", "64x48"]


@pytest.fixture
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails the test when a model is loaded."""
    monkeypatch.setattr(loading, "load_model", lambda *_, **__: pytest.fail("the model was loaded"))


@pytest.fixture
def cloud(
    ppd: Callable[..., Result], random_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """``cloud(option, ...)`` of photo.png, whose depth is the stand-ins' scene."""
    monkeypatch.setattr(PixelPerfectDepth, "sample", sample)
    monkeypatch.setattr(hub, "find", lambda _: None)
    shades = np.random.default_rng(0).integers(0, 256, (96, 128, 3)).astype(np.uint8)
    Image.fromarray(shades).save("photo.png")
    fixed = ["-m", "ppd-tiny", "--checkpoint", random_checkpoint, "--device", "cpu"]
    size = ["--size", "128x96", "--no-edge-clean", "--overwrite"]

    def call(*options: object, photo: str = "photo.png") -> Result:
        return ppd("pointcloud", photo, *fixed, *size, *options)

    return call


@pytest.fixture
def world(
    ppd: Callable[..., Result],
    random_checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Result]:
    """``world(option, ...)`` of the folder photos, with a model in sparse/0."""
    from colmap_models import write_model  # pycolmap
    from world_photos import NAMES, POSES, photograph, told_by_colors

    monkeypatch.setattr(PixelPerfectDepth, "sample", told_by_colors)
    monkeypatch.setattr(hub, "find", lambda _: None)
    photograph()
    write_model(Path("sparse/0"), NAMES, POSES)
    fixed = ["-m", "ppd-tiny", "--checkpoint", random_checkpoint, "--device", "cpu"]

    def call(*options: object, photos: str = "photos", to: str = "scene.ply") -> Result:
        size = ["--size", "128x96", "--world", to]
        return ppd("pointcloud", photos, *fixed, *size, *options)

    return call
