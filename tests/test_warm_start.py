"""A guess of the depth to start sampling from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ppdcli.errors import UsageError
from ppdcli.loading import load
from ppdcli.photo import Photo
from ppdcli.predictor import Predictor

AREA = 64 * 48


@pytest.fixture(scope="module")
def predictor(random_checkpoint: Path) -> Predictor:
    return load("ppd-tiny", checkpoint=random_checkpoint, device="cpu")


def noisy_photo(seed: int) -> Photo:
    pixels = np.random.default_rng(seed).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    return Photo(pixels, f"noise {seed}")


def test_a_guess_takes_half_of_the_steps(predictor: Predictor) -> None:
    photo = noisy_photo(0)
    done: list[int] = []
    guess = predictor.predict(photo, area=AREA, steps=4, seed=1).values
    (warm,) = predictor.predict_batch(
        [photo], area=AREA, steps=4, seed=1, guess=guess, on_step=done.append
    )
    assert done == [1, 2]
    (cold,) = predictor.predict_batch([photo], area=AREA, steps=4, seed=1)
    assert not np.array_equal(warm.values, cold.values)
    (other,) = predictor.predict_batch([photo], area=AREA, steps=4, seed=1, guess=guess + 1)
    assert not np.array_equal(warm.values, other.values)


def test_a_guess_is_of_one_photo_and_of_its_size(predictor: Predictor) -> None:
    guess = np.zeros((48, 64), np.float32)
    with pytest.raises(UsageError, match="a guess is of one photo"):
        predictor.predict_batch([noisy_photo(0), noisy_photo(1)], area=AREA, guess=guess)
    with pytest.raises(UsageError, match=r"here \(48, 64\)"):
        predictor.predict_batch([noisy_photo(0)], area=AREA, guess=guess[:32])
