"""From films to chunks of depth by windows: cuts, short films, and what is kept when it stops."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from films.film_samples import Grey, contents, order, pictures, write_video
from films.window_samples import Recorder, brightness, model_of

from ppdcli.errors import InputError
from ppdcli.films.making import make_film
from ppdcli.films.orders import FilmOrder, FilmReport
from ppdcli.films.video_file import VideoFile
from ppdcli.films.window_estimating import WindowEstimator
from ppdcli.films.windowed import Array


def window_order(
    folder: Path, recorder: Recorder, grey: Grey | None = None, finds_cuts: bool = True
) -> FilmOrder:
    """An order whose depth comes from ``recorder`` by windows, or from ``grey`` for photos."""
    made = order(folder, "npy", choices={"full_size": False})
    photos = grey or Grey()
    made_by = lambda on_frame: WindowEstimator(  # noqa: E731
        model_of(recorder), lambda: photos, finds_cuts, on_frame
    )
    return FilmOrder(
        made.selection, made.choices, made.files, made.card, made_by, made.writing, made.doing
    )


def film_of(path: Path, frames: list[np.ndarray]) -> VideoFile:
    """A video whose frames are close to these."""
    return VideoFile(write_video(path, frames, pixels="yuv444p", crf="10"), path.name)


def maps(folder: Path) -> np.ndarray:
    return np.stack([np.load(path) for path in sorted(folder.glob("film_depth_npy/*.npy"))])


@pytest.mark.parametrize("count", [2, 16, 17, 31])
def test_every_frame_has_its_depth(tmp_path: Path, count: int) -> None:
    frames = pictures(count)
    report = FilmReport()
    make_film(film_of(tmp_path / "a.mp4", frames), window_order(tmp_path, Recorder()), report)
    np.testing.assert_allclose(maps(tmp_path), brightness(np.stack(frames)), atol=0.05)
    assert len(report.times) == len(report.lines) == count
    assert report.scenes == [0]
    assert report.facts["model"] == "ppvd"


def test_a_cut_ends_a_window(tmp_path: Path) -> None:
    """The two scenes have units of their own, and no window sees both."""
    frames = [*pictures(20), *(255 - p for p in pictures(9, seed=5))]
    recorder = Recorder(lambda number, depth: depth + number / 4)
    report = FilmReport()
    make_film(film_of(tmp_path / "a.mp4", frames), window_order(tmp_path, recorder), report)
    assert report.scenes == [0, 20]
    assert len(recorder.windows) == 3
    expected = brightness(np.stack(frames))
    expected[20:] += 2 / 4
    np.testing.assert_allclose(maps(tmp_path), expected, atol=0.05)
    assert len({frame.tobytes() for frame in recorder.windows[1][6:]}) == 1, "padded"


def test_cuts_need_not_be_looked_for(tmp_path: Path) -> None:
    frames = [*pictures(5), *(255 - p for p in pictures(5, seed=5))]
    recorder, report = Recorder(), FilmReport()
    wanted = window_order(tmp_path, recorder, finds_cuts=False)
    make_film(film_of(tmp_path / "a.mp4", frames), wanted, report)
    assert (report.scenes, len(recorder.windows)) == ([0], 1)


def test_a_window_in_a_unit_of_its_own_is_noted(tmp_path: Path) -> None:
    recorder = Recorder(lambda number, depth: 1 - depth if number else depth)
    report, film = FilmReport(), film_of(tmp_path / "a.mp4", pictures(30))
    make_film(film, window_order(tmp_path, recorder), report)
    assert report.scenes == [0, 16]
    assert film.info.notes == [
        "a.mp4: from frame 17 on, depth has another scale: it does not fit that of the frames "
        "before"
    ]


def test_one_frame_is_a_photo(tmp_path: Path) -> None:
    grey, recorder, report = Grey(), Recorder(), FilmReport()
    film = film_of(tmp_path / "a.mp4", pictures(1))
    make_film(film, window_order(tmp_path, recorder, grey), report)
    assert (grey.names, recorder.windows) == (["a.mp4"], [])
    assert maps(tmp_path).shape == (1, 48, 64)
    assert report.facts["model"] == "grey"
    assert film.info.notes == ["a.mp4: one frame is a photo; its depth is by grey, not ppvd"]


@pytest.mark.parametrize("broken", [1, 2, 3])
def test_a_film_that_is_stopped_goes_on_with_the_same_bytes(tmp_path: Path, broken: int) -> None:
    """At any window: of the first shot, at the cut, and after it."""
    frames = [*pictures(20), *(255 - p for p in pictures(20, seed=5))]
    path = tmp_path / "a.mp4"
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    make_film(film_of(path, frames), window_order(whole, Recorder(bent)), FilmReport())

    def stopped(number: int, depth: Array) -> Array:
        if number == broken:
            raise KeyboardInterrupt
        return bent(number, depth)

    with pytest.raises(KeyboardInterrupt):
        make_film(VideoFile(path, path.name), window_order(parts, Recorder(stopped)), FilmReport())
    recorder, report = Recorder(lambda number, depth: bent(number + broken, depth)), FilmReport()
    make_film(VideoFile(path, path.name), window_order(parts, recorder), report)
    assert len(recorder.windows) == 4 - broken, "what was computed is not computed again"
    assert report.resumed == [16, 20, 36][broken - 1]
    assert contents(parts) == contents(whole)


@pytest.mark.parametrize("broken", [2, 3])
def test_what_was_said_before_a_stop_is_said_again(tmp_path: Path, broken: int) -> None:
    """The notes are in the film's JSON, whose bytes must be those of a run in one go."""
    path = tmp_path / "a.mp4"
    whole, parts = tmp_path / "whole", tmp_path / "parts"

    def turned(number: int, depth: Array) -> Array:
        return 1 - depth if number == 1 else depth

    def stopped(number: int, depth: Array) -> Array:
        if number == broken:
            raise KeyboardInterrupt
        return turned(number, depth)

    film = film_of(path, pictures(50))
    make_film(film, window_order(whole, Recorder(turned)), FilmReport())
    assert len(film.info.notes) == 2, "into the unit of its own, and out of it"
    with pytest.raises(KeyboardInterrupt):
        make_film(VideoFile(path, path.name), window_order(parts, Recorder(stopped)), FilmReport())
    later = Recorder(lambda number, depth: turned(number + broken, depth))
    make_film(VideoFile(path, path.name), window_order(parts, later), FilmReport())
    assert contents(parts) == contents(whole)


def test_the_note_on_a_photo_is_said_again(tmp_path: Path) -> None:
    """After a stop between the depth of the only frame and its files."""
    path = tmp_path / "a.mp4"
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    film = film_of(path, pictures(1))
    make_film(film, window_order(whole, Recorder()), FilmReport())
    wanted = window_order(parts, Recorder())

    def stop(name: str) -> NoReturn:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_film(VideoFile(path, path.name), replace(wanted, writing=stop), FilmReport())
    again = VideoFile(path, path.name)
    make_film(again, wanted, FilmReport())
    assert again.info.notes == film.info.notes
    assert contents(parts) == contents(whole)


def bent(number: int, depth: Array) -> Array:
    """Every window in a unit of its own."""
    return depth * np.float32(1 + number / 8) - np.float32(number / 16)


def test_what_is_no_number_is_refused(tmp_path: Path) -> None:
    def lost(number: int, depth: Array) -> Array:
        return depth if number == 0 else np.full_like(depth, np.nan)

    wanted = window_order(tmp_path, Recorder(lost))
    with pytest.raises(InputError, match=r"a.mp4, frame 17 and on: the model gives no number"):
        make_film(film_of(tmp_path / "a.mp4", pictures(20)), wanted, FilmReport())
