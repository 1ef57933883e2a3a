"""Folders of strange files, end to end: one line for each that fails, and the rest is done."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pillow_heif import register_heif_opener
from typer.testing import Result

from ppdcli.jobs import inputs

register_heif_opener()  # to write HEIC

Ppd = Callable[..., Result]


def results(result: Result) -> dict[bytes, dict[str, Any]]:
    """The JSON lines by file name."""
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    return {os.fsencode(Path(line["path"]).name): line for line in lines}


@pytest.fixture
def folder(photo: Path) -> Path:
    """``in``, with one sound photo."""
    Path("in").mkdir()
    return photo.rename("in/sound.jpg").parent


def test_names_of_any_bytes(ppd: Ppd, folder: Path, tiny: list[str]) -> None:
    content = (folder / "sound.jpg").read_bytes()
    sound = [b"new\nline", b"\x1b[31mred", b"\xff\xfe", "😀".encode(), b"x" * 238]
    for name in [*sound, b"y" * 251]:
        Path("in", os.fsdecode(name + b".jpg")).write_bytes(content)
    Path("in", os.fsdecode(b"bad\n\xff.jpg")).write_bytes(b"no picture")
    result = ppd("predict", "in", *tiny, "-f", "png,exr,npy,preview", "--json")
    assert result.exit_code == 3
    became = results(result)
    assert {name for name, line in became.items() if line["status"] == "failed"} == {
        b"bad\n\xff.jpg",
        b"y" * 251 + b".jpg",
    }
    assert "File name too long" in became[b"y" * 251 + b".jpg"]["error"]
    for name in sound:
        outputs = became[name + b".jpg"]["outputs"]
        assert len(outputs) == 4 and all(Path(output).is_file() for output in outputs)


def test_strange_files_in_a_folder(ppd: Ppd, folder: Path, tiny: list[str]) -> None:
    content = (folder / "sound.jpg").read_bytes()
    os.mkfifo("in/pipe.jpg")
    Path("in/empty.jpg").touch()
    Path("in/cut.jpg").write_bytes(content[:400])
    Path("in/gone.jpg").symlink_to("nowhere.jpg")
    Path("in/circle").symlink_to(".")
    Path("in/folder.jpg").mkdir()
    Path("in/folder.jpg/inside.jpg").write_bytes(content)
    Path("in/.hidden.jpg").write_bytes(content)
    result = ppd("predict", "in", *tiny, "-f", "npy", "--json")
    assert result.exit_code == 3
    status = {name: line["status"] for name, line in results(result).items()}
    failed = dict.fromkeys((b"empty.jpg", b"cut.jpg", b"gone.jpg"), "failed")
    assert status == {b"sound.jpg": "done", b"inside.jpg": "done", **failed}
    assert sum(line.startswith("failed: in/") for line in result.stderr.splitlines()) == 3


def test_a_pipe_that_is_named_does_not_hold_up_the_rest(
    ppd: Ppd, folder: Path, tiny: list[str]
) -> None:
    os.mkfifo("pipe.jpg")
    result = ppd("predict", "pipe.jpg", "in/sound.jpg", *tiny, "-f", "npy", "--json")
    assert result.exit_code == 3
    status = {name: line["status"] for name, line in results(result).items()}
    assert status == {b"pipe.jpg": "failed", b"sound.jpg": "done"}
    assert "failed: pipe.jpg: is a pipe that nothing writes to; name a file" in result.stderr


def test_a_photo_that_vanishes_after_it_was_found(
    ppd: Ppd, folder: Path, tiny: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("in/first.jpg").write_bytes((folder / "sound.jpg").read_bytes())
    discover = inputs.discover

    def found_too_early(*arguments: Any) -> inputs.Found:
        found = discover(*arguments)
        Path("in/first.jpg").unlink()
        return found

    monkeypatch.setattr(inputs, "discover", found_too_early)
    result = ppd("predict", "in", *tiny, "-f", "npy")
    assert result.exit_code == 3
    assert "failed: in/first.jpg: no such file; check the path" in result.stderr
    assert [path.name for path in Path("ppd-out").glob("*.npy")] == ["sound_depth.npy"]


@pytest.mark.parametrize("names", [("a.jpg", "A.jpg"), ("a.jpg", "a.JPG"), ("A/b.jpg", "a/b.jpg")])
def test_names_that_differ_in_case_only_are_refused_before_any_work(
    ppd: Ppd, folder: Path, no_model: None, names: tuple[str, str]
) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes((folder / "sound.jpg").read_bytes())
    if len(list(folder.rglob("*.[jJ]*"))) < 3:
        pytest.skip("this file system takes them for one")
    result = ppd("predict", "in", "-m", "ppd-tiny")
    assert result.exit_code == 2
    assert "would both write" in result.stderr and not Path("ppd-out").exists()


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 2), (1, 3000), (3000, 1)])
def test_thin_and_tiny_pictures(ppd: Ppd, tiny: list[str], size: tuple[int, int]) -> None:
    Image.new("RGB", size, (200, 100, 50)).save("thin.png")
    result = ppd("predict", "thin.png", *tiny, "-f", "png,exr,npy,preview")
    assert result.exit_code == 0, result.stderr
    depth = np.load("ppd-out/thin_depth.npy")
    assert depth.shape == size[::-1] and np.isfinite(depth).all()


@pytest.mark.parametrize("suffix", ["heic", "heif", "avif"])
def test_phones_formats(ppd: Ppd, photo: Path, tiny: list[str], suffix: str) -> None:
    Path("in").mkdir()
    with Image.open(photo) as image:
        image.save(f"in/photo.{suffix}", exif=Image.Exif())
    assert ppd("predict", "in", *tiny, "-f", "npy").exit_code == 0
    assert np.load("ppd-out/photo_depth.npy").shape == (40, 60)


def test_a_name_cannot_break_a_line_or_paint_the_terminal(
    ppd: Ppd, folder: Path, tiny: list[str]
) -> None:
    content = (folder / "sound.jpg").read_bytes()
    Path("in/new\nline.jpg").write_bytes(content)
    Path("in/\x1b[31mred.jpg").write_bytes(b"no picture")
    result = ppd("predict", "in", *tiny, "-f", "npy")
    assert result.exit_code == 3 and "\x1b" not in result.stderr
    assert r"done: in/new\nline.jpg -> " in result.stderr
    assert r"failed: in/\x1b[31mred.jpg: " in result.stderr
