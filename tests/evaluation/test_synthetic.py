"""The synthetic set: the same scenes for everyone, and scores that mean something."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.depth import DepthMap
from ppdcli.evaluation import synthetic
from ppdcli.evaluation.synthetic import Predict, Row, evaluate, of_depth_map, scenes
from ppdcli.photo import Photo
from ppdcli.training import shards
from ppdcli.training.render import SKY_DEPTH

COUNT = 12


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic, "SHAPE", (48, 64))


def log_depths() -> dict[str, np.ndarray]:
    return {photo.name: np.log1p(depth) for photo, depth in scenes(COUNT)}


def rows(predictors: dict[str, Predict], count: int = COUNT) -> dict[str, Row]:
    return {row.name: row for row in evaluate(predictors, count)}


def test_the_set_has_the_size_of_small_photos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    ((photo, depth),) = scenes(1)
    assert photo.rgb.shape == (384, 512, 3) and photo.rgb.dtype == np.uint8
    assert depth.shape == (384, 512) and depth.max() <= SKY_DEPTH


def test_a_scene_is_the_same_whatever_the_count() -> None:
    few, many = list(scenes(2)), list(scenes(4))
    for (photo, depth), (same, again) in zip(few, many, strict=False):
        assert photo.name == same.name
        np.testing.assert_array_equal(photo.rgb, same.rgb)
        np.testing.assert_array_equal(depth, again)
    assert len({photo.name for photo, _ in many}) == 4


def test_no_training_draws_these_textures() -> None:
    assert synthetic.BANK > shards.BANKS


def test_the_textures_are_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    make = shards.make_texture_bank
    monkeypatch.setattr(
        shards, "_texture_bank", shards.lru_cache(1)(lambda n: calls.append(n) or make(n))
    )
    list(scenes(3))
    assert calls == [synthetic.BANK]


def test_the_true_log_depth_scores_perfectly() -> None:
    truth = log_depths()
    row = rows({"oracle": lambda photo: 0.2 * truth[photo.name] - 0.4})["oracle"]
    assert row.scores.abs_rel < 1e-4 and row.scores.delta1 == 1 and row.images == COUNT


def test_the_baselines_score_in_between() -> None:
    found = rows({"constant": synthetic.constant, "ramp": synthetic.vertical_ramp})
    for row in found.values():
        assert 0.1 < row.scores.abs_rel < 1 and 0.1 < row.scores.delta1 < 0.9
    assert found["ramp"].scores.abs_rel < found["constant"].scores.abs_rel
    assert found["ramp"].scores.delta1 > found["constant"].scores.delta1


def test_what_the_baselines_predict() -> None:
    photo = Photo(np.zeros((5, 3, 3), np.uint8), "black")
    np.testing.assert_array_equal(synthetic.constant(photo), np.zeros((5, 3)))
    ramp = synthetic.vertical_ramp(photo)
    np.testing.assert_array_equal(ramp[:, 0], [1, 0.75, 0.5, 0.25, 0])
    np.testing.assert_array_equal(ramp, np.repeat(ramp[:, :1], 3, axis=1))


def test_scores_are_the_same_every_time_and_means_over_images() -> None:
    once, again = (rows({"ramp": synthetic.vertical_ramp}, 3)["ramp"] for _ in range(2))
    assert once == again and once.images == 3
    single = []
    for photo, depth in scenes(3):
        mask = depth < SKY_DEPTH
        aligned = synthetic.align_log(synthetic.vertical_ramp(photo), depth, mask)
        single.append(synthetic.score(aligned, depth, mask).abs_rel)
    assert once.scores.abs_rel == pytest.approx(np.mean(single))


def test_the_sky_does_not_count() -> None:
    truth, sky = log_depths(), np.log1p(np.float32(SKY_DEPTH))
    assert max((depth == sky).mean() for depth in truth.values()) > 0.2

    def wrong_in_the_sky(photo: Photo) -> np.ndarray:
        return np.where(truth[photo.name] == sky, -50, truth[photo.name])

    assert rows({"oracle": wrong_in_the_sky})["oracle"].scores.abs_rel < 1e-4


def test_a_picture_of_nothing_but_sky_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    photo = Photo(np.zeros((4, 4, 3), np.uint8), "sky")
    ground = (photo, np.full((4, 4), 2.0, np.float32))
    sky = (photo, np.full((4, 4), SKY_DEPTH, np.float32))
    monkeypatch.setattr(synthetic, "scenes", lambda count: iter([sky, ground]))
    row = rows({"constant": synthetic.constant}, 2)["constant"]
    assert row.images == 1 and row.scores.abs_rel < 1e-4


def test_a_models_depth_is_brought_to_the_photos_size_by_the_nearest_pixel() -> None:
    small = np.array([[1, 2], [3, 4]], np.float32)
    predict = of_depth_map(lambda photo: DepthMap(small, "relative"))
    found = predict(Photo(np.zeros((4, 6, 3), np.uint8), "x"))
    np.testing.assert_array_equal(found, np.kron(small, np.ones((2, 3))))
