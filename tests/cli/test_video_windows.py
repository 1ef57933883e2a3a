"""``ppd video -m ppvd``: the model that sees windows of frames, from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from films.film_samples import contents, pictures, write_video
from films.window_samples import Recorder, model_of
from typer.testing import Result

from ppdcli import loading_films
from ppdcli.films.window_choices import WindowChoices
from ppdcli.films.windowed import WindowedDepth

pytest_plugins = ["hub_fixtures"]

Ppd = Callable[..., Result]
LINE = ("-m", "ppvd", "-f", "npy", "--device", "cpu")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_video(tmp_path / "clip.mp4", pictures(20))


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[WindowChoices]:
    """Loads a stand-in for the model, and notes with which choices."""
    asked: list[WindowChoices] = []

    def load(request: Any, sampling: Any, choices: WindowChoices, announce: Any) -> WindowedDepth:
        assert request.name == "ppvd"
        asked.append(choices)
        return model_of(Recorder(), choices.exact_stitching)

    monkeypatch.setattr(loading_films, "load_for_films", load)
    return asked


def test_a_film_is_made_by_windows(ppd: Ppd, clip: Path, loaded: list[WindowChoices]) -> None:
    done = ppd("video", clip, *LINE, "--json")
    assert done.exit_code == 0, done.stderr
    row = json.loads(done.stdout)
    assert (row["status"], row["frames"], row["model"]) == ("done", 20, "ppvd")
    maps = sorted(Path("ppd-out").rglob("*.npy"))
    assert len(maps) == 20
    assert np.load(maps[0]).shape == (48, 64), "the film's size"
    assert loaded == [WindowChoices()]
    again = ppd("video", clip, *LINE)
    assert again.exit_code == 0 and "1 skipped" in again.stderr
    assert len(loaded) == 1


@pytest.mark.parametrize(
    ("option", "choices"),
    [
        ("--exact-stitching", WindowChoices(exact_stitching=True)),
        ("--swapped-channels", WindowChoices(swapped_channels=True)),
    ],
)
def test_what_the_authors_do_can_be_had(
    ppd: Ppd, clip: Path, loaded: list[WindowChoices], option: str, choices: WindowChoices
) -> None:
    line = ("video", clip, *LINE, "--to", "0.2")
    assert ppd(*line).exit_code == 0
    before = contents(Path("ppd-out"))
    again = ppd(*line, option)
    assert again.exit_code == 0, again.stderr
    assert f"1 made again: {option[2:]} off -> on" in again.stderr
    assert loaded == [WindowChoices(), choices]
    if choices.exact_stitching:
        assert contents(Path("ppd-out")) != before


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (("-m", "ppvd", "--no-smooth"), "ppvd sees the frames of a window together"),
        (("-m", "ppvd", "--warm-start"), "it has --cuts alone"),
        (("-m", "ppd-tiny", "--exact-stitching"), "add -m ppvd, or leave them out"),
        (("--swapped-channels",), "add -m ppvd, or leave them out"),
        (("-m", "ppvd", "--size", "640x480"), "ppvd works at 512x512 alone; leave out the size"),
        (("-m", "ppvd", "--backend", "onnx"), "ppvd"),
    ],
)
def test_what_does_not_go_together_is_wrong_usage(
    ppd: Ppd, clip: Path, line: tuple[str, ...], message: str
) -> None:
    done = ppd("video", clip, *line)
    assert done.exit_code == 2, done.stderr
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("command", ["predict", "pointcloud", "bench"])
def test_photos_are_not_for_it(ppd: Ppd, photo: Path, command: str) -> None:
    given = () if command == "bench" else (photo,)
    done = ppd(command, *given, "-m", "ppvd")
    assert done.exit_code == 2, done.stderr
    assert "ppvd sees the frames of a film together, and no photos" in done.stderr
    assert "run `ppd video -m ppvd`" in done.stderr


@pytest.mark.usefixtures("folders")
def test_weights_that_are_not_here_are_named_with_their_licence(ppd: Ppd, clip: Path) -> None:
    done = ppd("video", clip, *LINE)
    assert done.exit_code == 1, done.stderr
    assert "non-commercial use in effect" in done.stderr
    assert "run `ppd weights import ppvd.pth --as ppvd`" in done.stderr
