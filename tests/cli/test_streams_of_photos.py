"""stdin is one photo; a stream of frames and a film are refused with the way on."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import Result


@pytest.mark.parametrize("format", ["JPEG", "PNG", "BMP", "PPM"])
def test_several_photos_on_stdin(ppd: Callable[..., Result], tiny: list[str], format: str) -> None:
    stream = io.BytesIO()
    for shade in range(5):
        Image.new("RGB", (64, 48), (shade * 50, 9, 9)).save(stream, format)
    result = ppd("predict", "-", *tiny, stdin=stream.getvalue())
    assert result.exit_code == 1
    assert "error: stdin: holds 5 pictures one after another" in result.stderr
    assert "ffmpeg -i VIDEO frames/%05d.png" in result.stderr
    assert not Path("ppd-out").exists()


def test_a_film(ppd: Callable[..., Result], tiny: list[str]) -> None:
    film = b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41" + bytes(100)
    Path("clip.mp4").write_bytes(film)
    result = ppd("predict", "clip.mp4", *tiny)
    assert result.exit_code == 3
    assert "failed: clip.mp4: is a video" in result.stderr
    assert "ffmpeg -i clip.mp4 frames/%05d.png" in result.stderr
    result = ppd("predict", "-", *tiny, stdin=film)
    assert result.exit_code == 1 and "error: stdin: is a video" in result.stderr
