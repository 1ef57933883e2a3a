"""Depth that does not flicker: what is carried over, what is fitted, and what is never mixed."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from films.film_samples import Grey, picture, pictures

from ppdcli.errors import UsageError
from ppdcli.films.consistency import FRAME_BY_FRAME, Consistency
from ppdcli.films.depths import stable_depths
from ppdcli.films.motion import carried, motion_between
from ppdcli.films.smoothing import smoothed
from ppdcli.films.stabilizer import Stabilizer
from ppdcli.geometry.edges import flying_pixels

ALIGN = Consistency(regions=False, smooth=False)


def changes(values: list[np.ndarray]) -> float:
    """Mean change of depth along the known motion, one pixel to the right a frame."""
    pairs = pairwise(values)
    return float(np.mean([np.abs(a[8:-8, 8:-9] - b[8:-8, 9:-8]).mean() for a, b in pairs]))


def test_frame_by_frame_leaves_depth_as_it_is() -> None:
    model = Grey(flicker=0.1)
    stable = list(stable_depths(model, pictures(3), FRAME_BY_FRAME, seed=5))
    assert model.seeds == [5, 6, 7]
    again = Grey(flicker=0.1)
    for frame, rgb in zip(stable, pictures(3), strict=True):
        (depth,) = again.predict_batch([_photo(rgb)])
        assert np.array_equal(frame.values, depth.values)
        assert (frame.scale, frame.shift, frame.is_cut) == (1, 0, False)


def _photo(rgb: np.ndarray):  # type: ignore[no-untyped-def]
    from ppdcli.photo import Photo

    return Photo(rgb, "x")


def test_changes_of_scale_and_shift_are_taken_out() -> None:
    frames = pictures(12)
    flicker = [s.values for s in stable_depths(Grey(0.1), frames, FRAME_BY_FRAME)]
    aligned = [s.values for s in stable_depths(Grey(0.1), frames, ALIGN)]
    quiet = [s.values for s in stable_depths(Grey(), frames, FRAME_BY_FRAME)]
    assert changes(quiet) < 0.01 < changes(flicker) / 5
    assert changes(aligned) < changes(flicker) / 3


def test_alignment_does_not_shrink_depth() -> None:
    """Noise on both sides would let least squares shrink the scale, frame after frame."""
    rng = np.random.default_rng(0)
    rgb = picture(0)
    depth = rgb.mean(axis=2) / 255
    stabilizer = Stabilizer(ALIGN)
    scales = []
    for _ in range(40):
        stabilizer.begin(rgb)
        noisy = depth + 0.1 * rng.standard_normal(depth.shape)
        scales.append(stabilizer.settle(noisy).scale)
    assert np.mean(scales[20:]) == pytest.approx(1, abs=0.03)


def test_the_filter_takes_noise_out_of_a_surface() -> None:
    rng = np.random.default_rng(0)
    rgb = picture(0)
    ramp = np.linspace(0, 1, rgb.shape[1], dtype=np.float32) * np.ones((rgb.shape[0], 1))
    stabilizer = Stabilizer(Consistency())
    noise = []
    for _ in range(20):
        stabilizer.begin(rgb)
        noisy = ramp + 0.005 * rng.standard_normal(ramp.shape)
        noise.append(float((stabilizer.settle(noisy).values - ramp).std()))
    assert noise[0] == pytest.approx(0.005, rel=0.1)
    assert np.mean(noise[10:]) < 0.0025


def test_the_filter_mixes_no_two_surfaces() -> None:
    """A near square moves over a far wall. The flow is off by a pixel, as it is at edges."""
    present = np.full((48, 64), 0.8, np.float32)
    present[10:30, 20:40] = 0.2
    past = np.roll(present, 1, axis=1)
    result = smoothed(present, past, np.ones(present.shape, bool))
    assert np.array_equal(result, present)
    assert not flying_pixels(np.expm1(3 * result + 0.5)).any()


def test_the_filter_moves_depth_by_two_edges_at_most() -> None:
    present = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (48, 1))
    for difference in np.linspace(-0.2, 0.2, 101, dtype=np.float32):
        result = smoothed(present, present + difference, np.ones(present.shape, bool))
        assert np.abs(result - present).max() < 0.0206


def test_carried_depth_is_of_one_surface() -> None:
    past = np.full((48, 64), 0.8, np.float32)
    past[10:30, 20:40] = 0.2
    rows, columns = np.mgrid[0:48, 0:64].astype(np.float32)
    back = np.stack((columns - 0.4, rows - 0.3), axis=-1)
    found = carried(past, back, 0.01)
    near = np.isclose(found, 0.2, atol=1e-6)
    assert near.any() and np.allclose(found[~near], 0.8, atol=1e-6)
    ramp = np.tile(np.arange(64, dtype=np.float32) / 1000, (48, 1))
    inside = carried(ramp, back, 0.01)[:, 1:]
    assert np.allclose(inside, ramp[:, 1:] - 0.0004, atol=1e-5)


def test_motion_is_followed() -> None:
    motion = motion_between(picture(0), picture(1))
    middle = (slice(8, -8), slice(8, -8))
    columns = np.arange(64)[8:-8]
    assert np.median(np.abs(motion.back[middle][..., 0] - (columns - 1))) < 0.1
    assert motion.followed[middle].mean() > 0.9
    assert not motion.is_cut


@pytest.mark.parametrize(
    ("after", "is_cut"),
    [
        (picture(3), False),
        (np.clip(picture(1) * 1.1, 0, 255).astype(np.uint8), False),
        (picture(0, seed=7) // 3, True),
        (cv2.GaussianBlur(picture(0, seed=3), (9, 9), 4) // 2 + 120, True),
    ],
    ids=["motion", "brighter", "dark scene", "bright scene"],
)
def test_cuts_are_found(after: np.ndarray, is_cut: bool) -> None:
    assert motion_between(picture(0), after).is_cut is is_cut


def test_nothing_is_carried_over_a_cut() -> None:
    stabilizer = Stabilizer(Consistency(warm_start=True))
    one, other = picture(0), picture(0, seed=7) // 3
    assert stabilizer.begin(one) is None
    stabilizer.settle(one.mean(axis=2) / 255)
    assert stabilizer.begin(one) is not None
    stabilizer.settle(one.mean(axis=2) / 100 - 0.2)
    assert stabilizer.begin(other) is None
    depth = (other.mean(axis=2) / 255).astype(np.float32)
    stable = stabilizer.settle(depth)
    assert stable.is_cut and (stable.scale, stable.shift) == (1, 0)
    assert np.array_equal(stable.values, depth)


def test_a_warm_start_is_in_the_units_of_the_network() -> None:
    stabilizer = Stabilizer(Consistency(regions=False, smooth=False, warm_start=True))
    rgb = picture(0)
    first = (rgb.mean(axis=2) / 255).astype(np.float32)
    stabilizer.begin(rgb)
    stabilizer.settle(first)
    stabilizer.begin(rgb)
    stabilizer.settle(1.1 * first + 0.05)  # the network has changed its scale
    guess = stabilizer.begin(rgb)
    assert guess is not None
    assert np.abs(guess - cv2.medianBlur(1.1 * first + np.float32(0.05), 3)).mean() < 0.002


def test_a_single_wrong_pixel_is_not_carried_into_the_next_guess() -> None:
    stabilizer = Stabilizer(Consistency(warm_start=True))
    depth = np.full((48, 64), 0.8, np.float32)
    depth[:, :32] = 0.2
    wrong = depth.copy()
    wrong[20, 30] = -0.3
    stabilizer.begin(picture(0))
    stabilizer.settle(wrong)
    guess = stabilizer.begin(picture(0))
    assert guess is not None
    assert np.allclose(guess, depth, atol=1e-6)


def guessed(consistency: Consistency, frames: list[np.ndarray], stop: int = -1) -> list[bool]:
    """Whether each frame starts from the one before; the state is stored and restored at one."""
    stabilizer, warm = Stabilizer(consistency), []
    for index, rgb in enumerate(frames):
        if index == stop:
            state = stabilizer.state()
            stabilizer = Stabilizer(consistency)
            stabilizer.restore(state)
        warm.append(stabilizer.begin(rgb) is not None)
        stabilizer.settle(rgb.mean(axis=2) / 255)
    return warm


@pytest.mark.parametrize("stop", [-1, 2, 3, 4])
def test_key_frames_start_from_noise(stop: int) -> None:
    frames = [*pictures(7), *(p // 3 for p in pictures(4, seed=7))]  # a new scene begins at 7
    keys = [
        index
        for index, warm in enumerate(
            guessed(Consistency(warm_start=True, key_frames=3), frames, stop)
        )
        if not warm
    ]
    assert keys == [0, 3, 6, 7, 10]


@pytest.mark.parametrize(("key_frames", "keys"), [(0, [0]), (1, [0, 1, 2, 3])])
def test_none_or_all_are_key_frames(key_frames: int, keys: list[int]) -> None:
    warm = guessed(Consistency(warm_start=True, key_frames=key_frames), pictures(4))
    assert [index for index, is_warm in enumerate(warm) if not is_warm] == keys


def test_a_stored_state_goes_on_exactly() -> None:
    frames = pictures(6)
    depths = [m.values for f in frames for m in Grey(0.1).predict_batch([_photo(f)])]

    def run(stabilizer: Stabilizer, first: int, last: int) -> np.ndarray:
        for index in range(first, last):
            stabilizer.begin(frames[index])
            stable = stabilizer.settle(depths[index])
        return stable.values

    whole = run(Stabilizer(Consistency()), 0, 6)
    before, after = Stabilizer(Consistency()), Stabilizer(Consistency())
    run(before, 0, 3)
    after.restore(before.state())
    assert np.array_equal(run(after, 3, 6), whole)
    assert Stabilizer(Consistency()).state() == {}


def test_frames_of_another_size_are_refused() -> None:
    stabilizer = Stabilizer(Consistency())
    stabilizer.begin(picture(0))
    stabilizer.settle(np.zeros((48, 64)))
    with pytest.raises(UsageError, match="one size"):
        stabilizer.begin(picture(0)[:32])
