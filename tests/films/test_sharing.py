"""A film whose frames other processes compute: the same bytes as from one process."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from films.film_samples import Grey, contents, order, pictures, write_video

from ppdcli.errors import InputError
from ppdcli.films.chunks import RAW, ChunkFolder
from ppdcli.films.consistency import FRAME_BY_FRAME, Consistency
from ppdcli.films.frames import Selection
from ppdcli.films.making import make_film
from ppdcli.films.orders import FilmReport
from ppdcli.films.sharing import FilmReader, SharedEstimator, Shares, raw_chunk
from ppdcli.films.video_file import VideoFile
from ppdcli.model_request import Sampling

FORMATS = ("mkv", "npy")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """40 frames: two full chunks and a half one, with a scene cut."""
    frames = [*pictures(20), *(p // 3 for p in pictures(20, seed=7))]
    return write_video(tmp_path / "clip.mp4", frames, crf="1")


class Others:
    """Stands for other processes; notes the chunks that they are given."""

    def __init__(self, clip: Path, consistency: Consistency, fails_at: int = -1) -> None:
        self.clip, self.consistency, self.fails_at = clip, consistency, fails_at
        self.given: list[int] = []

    def __call__(self, numbers: Sequence[int], raw: ChunkFolder) -> Generator[None, None, None]:
        reader = FilmReader(VideoFile(self.clip, "clip"), Selection())
        for number in numbers:
            self.given.append(number)
            if number == self.fails_at:
                raise InputError("clip: a process was killed")
            frames = reader.read(number)
            same_noise = self.consistency.same_noise
            chunk = raw_chunk(Grey(), Sampling(), same_noise, "clip", number, frames)
            raw.save(number, chunk)
            yield


def make_shared(
    clip: Path, out: Path, consistency: Consistency, compute: Shares, **options: Any
) -> FilmReport:
    report = FilmReport()
    ordered = replace(
        order(out, *FORMATS, consistency=consistency, **options),
        estimator=lambda on_frame: SharedEstimator(consistency, compute, on_frame),
    )
    make_film(VideoFile(clip, "clip.mp4"), ordered, report)
    return report


@pytest.mark.parametrize("consistency", [Consistency(), FRAME_BY_FRAME], ids=["usual", "none"])
@pytest.mark.parametrize("live", [False, True], ids=["", "live"])
def test_the_bytes_are_those_of_one_process(
    clip: Path, tmp_path: Path, consistency: Consistency, live: bool
) -> None:
    options = {"choices": {"live": live}}
    film = VideoFile(clip, "clip.mp4")
    ordered = order(tmp_path / "one", *FORMATS, consistency=consistency, **options)
    make_film(film, ordered, FilmReport())
    others = Others(clip, consistency)
    make_shared(clip, tmp_path / "many", consistency, others, **options)
    assert others.given == [0, 1, 2]
    assert contents(tmp_path / "many") == contents(tmp_path / "one")


def test_a_stopped_film_goes_on_and_computes_nothing_twice(clip: Path, tmp_path: Path) -> None:
    wanted = Consistency()
    make_shared(clip, tmp_path / "whole", wanted, Others(clip, wanted))
    part = tmp_path / "part"
    with pytest.raises(InputError, match="a process was killed"):
        make_shared(clip, part, wanted, Others(clip, wanted, fails_at=1))
    parts = ChunkFolder(part / "film.ppd-parts")
    assert parts.load(0) is not None
    # The third chunk was there before the second one when the run was killed.
    raw = ChunkFolder(parts.folder / RAW)
    frames = FilmReader(VideoFile(clip, "clip"), Selection()).read(2)
    raw.save(2, raw_chunk(Grey(), Sampling(), True, "clip", 2, frames))
    again = Others(clip, wanted)
    assert make_shared(clip, part, wanted, again).resumed == 16
    assert again.given == [1]
    assert contents(part) == contents(tmp_path / "whole")


def test_a_part_of_other_frames_is_not_used(clip: Path, tmp_path: Path) -> None:
    def other(numbers: Sequence[int], raw: ChunkFolder) -> Generator[None, None, None]:
        later = FilmReader(VideoFile(clip, "clip"), Selection(start=Fraction("0.2")))
        for number in numbers:
            raw.save(
                number, raw_chunk(Grey(), Sampling(), True, "clip", number, later.read(number))
            )
            yield

    with pytest.raises(InputError, match="is of other frames; run again"):
        make_shared(clip, tmp_path, Consistency(), other)


def test_chunks_are_read_in_any_order(clip: Path) -> None:
    def times(reader: FilmReader, number: int) -> list[float]:
        return [round(25 * float(frame.time)) for frame in reader.read(number)]

    reader = FilmReader(VideoFile(clip, "clip"), Selection())
    assert times(reader, 1) == list(range(16, 32))
    assert times(reader, 2) == list(range(32, 40))
    assert times(reader, 0) == list(range(16))
    assert times(reader, 2) == list(range(32, 40))
    with pytest.raises(InputError, match="has changed while it was read"):
        reader.read(3)


def test_no_frame_is_an_error(clip: Path, tmp_path: Path) -> None:
    others = Others(clip, Consistency())
    late = Selection(start=Fraction(100))
    with pytest.raises(InputError, match="no frame is in the time"):
        make_shared(clip, tmp_path, Consistency(), others, selection=late)
    assert others.given == []
