"""From a film to its files: videos, sequences, clouds, and what is kept when it is stopped."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from films.film_samples import decoded, order, pictures, write_video

from ppdcli.films.making import make_film
from ppdcli.films.orders import FilmReport
from ppdcli.films.video_file import VideoFile


def test_the_lossless_video_gives_the_depth_back(tmp_path: Path) -> None:
    film = VideoFile(write_video(tmp_path / "a.mp4", pictures(20)), "a.mp4")
    make_film(film, order(tmp_path / "out", "mkv", "npy"), FilmReport())
    path = tmp_path / "out/film_depth.mkv"
    frames, times = decoded(path, "gray16le")
    assert times == pytest.approx([index / 25 for index in range(20)], abs=1e-3)
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == "ffv1"
        tags = {key.lower(): value for key, value in container.metadata.items()}
    assert tags["kind"] == "relative"
    scale, offset = float(tags["scale"]), float(tags["offset"])
    for index, steps in enumerate(frames):
        depth = np.load(tmp_path / f"out/film_depth_npy/{index + 1:06d}.npy")
        assert np.abs(steps * scale + offset - depth).max() <= 0.51 * scale
    assert {steps.min() for steps in frames} >= {0} and max(f.max() for f in frames) == 65535
