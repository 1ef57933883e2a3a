"""The table of film consistency: every row is scored, and flicker shows."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.depth import DepthMap
from ppdcli.photo import Photo
from ppdcli.scenes.primitives.stage import primitive_stage
from ppdcli.scenes.sequences import Clip, film_walk
from studies.film_consistency import (
    FilmScores,
    Remembered,
    by_time,
    rows,
    score_film,
    strips,
    table,
)


@pytest.fixture(scope="module")
def clip() -> Clip:
    return film_walk(primitive_stage(7, 3, 1, 1), 7, (48, 64), (7, 3))


class Knowing:
    """A model that knows the truth, but each noise gives it another scale."""

    def __init__(self, clip: Clip) -> None:
        known = zip(clip.rgb, np.log1p(clip.depth), strict=True)
        self.depths = {rgb.tobytes(): depth / 5 for rgb, depth in known}
        self.calls = 0

    def size_of(self, photo: Photo, area: int | None = None) -> tuple[int, int]:
        return photo.rgb.shape[0], photo.rgb.shape[1]

    def batch_size(self, photo: Photo, area: int | None = None) -> int:
        return 1

    def predict_batch(
        self,
        photos: list[Photo],
        *,
        steps: int | None = None,
        seed: int = 0,
        area: int | None = None,
        guess: np.ndarray | None = None,
    ) -> list[DepthMap]:
        self.calls += 1
        (photo,) = photos
        scale = np.exp(np.random.default_rng(seed).normal(0, 0.2))
        values = (self.depths[photo.rgb.tobytes()] * scale).astype(np.float32)
        return [DepthMap(values, "relative")]


def test_every_row_is_scored(clip: Clip) -> None:
    scores = {name: score_film(clip, film) for name, film in rows(Knowing(clip), 4, clip)}
    assert len(scores) == 11
    assert scores["truth"].tec < 1e-6 and scores["truth"].recall == 1
    assert scores["same noise"].tec < 1e-4 and scores["same noise"].abs_rel < 1e-3
    loose = scores["frame by frame"]
    assert loose.tec > 0.05 and loose.abs_rel > 0.05
    assert 0 < scores["first frame, frozen"].tec < loose.tec
    assert scores["+ filter"].tec < loose.tec / 3
    lines = table({name: [found, found] for name, found in scores.items()})
    assert len(lines) == 12 and lines[-1].startswith("truth ")
    assert lines[-1].split()[1] == "0.00"


def test_rows_that_share_a_prediction_make_it_once(clip: Clip) -> None:
    model = Knowing(clip)
    remembered = Remembered(model)
    photo = Photo(clip.rgb[0], "x")
    for steps, seed in ((4, 0), (4, 0), (2, 0), (4, 1), (2, 0)):
        remembered.predict_batch([photo], steps=steps, seed=seed)
    assert model.calls == 3
    remembered.predict_batch([photo], guess=np.zeros((48, 64)))
    remembered.predict_batch([photo], guess=np.zeros((48, 64)))
    assert model.calls == 5


def test_parts_of_a_film_are_scored_alone(clip: Clip) -> None:
    film = np.log1p(clip.depth).copy()
    film[4:] *= 1.5  # another fit makes up for it
    parts = by_time(clip, film, 4)
    assert len(parts) == 2 and all(part.tec < 1e-6 for part in parts)
    assert score_film(clip, film).tec > 0.01


def test_strips_show_photo_truth_and_films(clip: Clip) -> None:
    picture = strips(clip, [np.log1p(clip.depth), np.log1p(clip.depth)])
    assert picture.shape == (4 * 6 * len(clip.rgb) + 3 * 4, 64, 3)
    height = 6 * len(clip.rgb) + 4
    np.testing.assert_array_equal(picture[: height - 4 : 6], clip.rgb[:, 24])
    np.testing.assert_array_equal(picture[2 * height : 3 * height - 4], picture[3 * height :])


def test_means_leave_out_what_has_no_edge() -> None:
    known = FilmScores(0.002, 1, 1, 1, 1, 0.5, 1, 1)
    unknown = FilmScores(0.004, 1, 1, 1, 1, float("nan"), 1, 1)
    assert table({"row": [known, unknown]})[1].split() == [
        "row", "3.00", "1.0000", "1.000", "1.0000", "1.0000", "0.500", "1.000", "1.0000",
    ]  # fmt: skip
