"""Regions of a frame are fitted to the past, without flattening what they fit."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from films.film_samples import picture, pictures

from ppdcli.films.consistency import Consistency
from ppdcli.films.regions import correction
from ppdcli.films.stabilizer import Stabilizer

ALL = np.arange(96 * 128)
DARK, BRIGHT = 30, 220


def photo() -> np.ndarray:
    """A dark box before a bright floor, (96, 128, 3) uint8."""
    rgb = np.full((96, 128, 3), BRIGHT, np.uint8)
    rgb[30:70, 40:90] = DARK
    return rgb


def scene() -> np.ndarray:
    """Its depth, (96, 128) float32."""
    depth = np.linspace(0.4, 0.9, 96 * 128, dtype=np.float32).reshape(96, 128)
    depth[30:70, 40:90] = 0.2
    return depth


def bent(depth: np.ndarray) -> np.ndarray:
    """The same with an error that differs by region, and between box and floor."""
    v, u = np.mgrid[0:1:96j, 0:1:128j]
    box = photo()[..., 0] == DARK
    return (depth + 0.04 * np.sin(3 * u + 2 * v) + 0.03 * box).astype(np.float32)


def left(present: np.ndarray, past: np.ndarray, points: np.ndarray = ALL) -> float:
    """The share of the difference that is left."""
    corrected = present + correction(present, past, photo(), points)
    return float(np.abs(corrected - scene()).mean() / np.abs(present - scene()).mean())


def test_an_error_by_regions_and_surfaces_is_taken_out() -> None:
    assert left(bent(scene()), scene()) < 0.1


def test_nothing_is_done_where_nothing_differs() -> None:
    assert np.abs(correction(scene(), scene(), photo(), ALL)).max() < 1e-6


def test_some_points_suffice_and_wrong_ones_do_not_count() -> None:
    points = ALL[::5]
    wrong = scene()
    wrong.reshape(-1)[points[::9]] += 0.5
    assert left(bent(scene()), wrong, points) < 0.25


@pytest.mark.parametrize("points", [ALL[:0], ALL[:30]])
def test_too_few_points_change_nothing(points: np.ndarray) -> None:
    assert not correction(bent(scene()), scene(), photo(), points).any()


def test_an_edge_stays_an_edge() -> None:
    """The correction jumps where the colours do, and nowhere else: no step is made or lost."""
    made = bent(scene()) + correction(bent(scene()), scene(), photo(), ALL)
    steps = [np.abs(np.diff(depth, axis=1)) > 0.1 for depth in (made, scene())]
    assert np.array_equal(*steps)


@pytest.mark.parametrize("shape", [(48, 64), (16, 400), (300, 16)])
def test_any_shape(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (*shape, 3)).astype(np.uint8)
    past = rng.random(shape).astype(np.float32)
    found = correction(past + np.float32(0.1), past, rgb, np.arange(past.size))
    assert found.shape == shape and found.dtype == np.float32
    assert np.abs(found + 0.1).mean() < 0.02


def test_flicker_of_regions_is_taken_out_of_a_film() -> None:
    rng = np.random.default_rng(0)
    shake = [cv2.resize(rng.normal(0, 0.03, (3, 4)), (64, 48)) for _ in range(12)]
    frames = pictures(12)

    def roughness(consistency: Consistency) -> float:
        stabilizer, film = Stabilizer(consistency), []
        for rgb, error in zip(frames, shake, strict=True):
            stabilizer.begin(rgb)
            depth = np.mgrid[0:1:48j, 0:1:64j][0] + error
            film.append(stabilizer.settle(depth).values)
        return float(np.abs(np.diff(film, axis=0)).mean())

    loose = roughness(Consistency(regions=False, smooth=False))
    assert roughness(Consistency(smooth=False)) < 0.4 * loose


@pytest.mark.parametrize("noise", ["pixels", "regions"])
def test_a_long_film_is_not_flattened(noise: str) -> None:
    """Whatever looks at noisy depth to correct it takes away contrast, frame after frame."""
    rng = np.random.default_rng(0)
    rgb = picture(0, width=128, height=96)
    truth = cv2.GaussianBlur(rng.random((96, 128)).astype(np.float32), (0, 0), 6)
    truth = (truth - truth.min()) / np.ptp(truth)
    stabilizer = Stabilizer(Consistency())
    for _ in range(60):
        error = rng.standard_normal((96, 128) if noise == "pixels" else (6, 8))
        error = cv2.resize(0.03 * error, (128, 96), interpolation=cv2.INTER_CUBIC)
        stabilizer.begin(rgb)
        values = stabilizer.settle(truth + error).values
    slope = np.polyfit(truth.ravel(), values.ravel(), 1)[0]
    assert slope == pytest.approx(1, abs=0.1)
