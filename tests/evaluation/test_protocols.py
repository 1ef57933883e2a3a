"""Alignment of predictions: scikit-learn, numpy, the authors' goldens, and cases by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import get_args

import numpy as np
import pytest
from parity import Golden
from sklearn.linear_model import RANSACRegressor, _ransac

from ppdcli.evaluation.metrics import score
from ppdcli.evaluation.protocols import Aligned, Degenerate, Kind, Protocol, align

KINDS: tuple[Kind, ...] = get_args(Kind)
PROTOCOLS: tuple[Protocol, ...] = get_args(Protocol)
SPACES: dict[Kind, Callable[[np.ndarray], np.ndarray]] = {
    "ppd": np.log1p,
    "log-depth": np.log,
    "depth": np.array,
    "disparity": lambda depth: 1 / depth,
}
SHAPE = (40, 50)


def row(*values: float) -> np.ndarray:
    return np.array([values])


def everywhere(array: np.ndarray) -> np.ndarray:
    return np.ones(array.shape, bool)


def problem(
    kind: Kind, seed: int, wrong: float = 0.2, shape: tuple[int, int] = SHAPE
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A prediction, affine in its space but for noise and a share of wrong pixels; truth; mask."""
    rng = np.random.default_rng(seed)
    depth = np.exp(rng.uniform(0, 3, shape))
    space = SPACES[kind](depth)
    noisy = space + 0.05 * space.std() * rng.normal(size=shape)
    anything = rng.uniform(space.min(), space.max(), shape)
    prediction = 0.3 * np.where(rng.random(shape) < wrong, anything, noisy) + 0.5
    return prediction, depth, rng.random(shape) < 0.9


# Authors -----------------------------------------------------------------------------------------


def draw_the_same_pairs(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Lets scikit-learn try the lines that ``align`` tries."""
    rng = np.random.default_rng(seed)

    def pair(count: int, *_: object, **__: object) -> np.ndarray:
        first = int(rng.integers(count))
        return np.array([first, (first + int(rng.integers(1, count))) % count])

    monkeypatch.setattr(_ransac, "sample_without_replacement", pair)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrong", [0.0, 0.2, 0.6])
@pytest.mark.parametrize("shape", [(2, 4), SHAPE, (250, 240)])
def test_given_the_same_pairs_it_is_scikit_learns_line(
    kind: Kind, wrong: float, shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """(250, 240): more than any subset; (2, 4): lines with equally many inliers."""
    for seed in range(10 if shape == (2, 4) else 2):
        prediction, depth, mask = problem(kind, seed, wrong, shape)
        mask |= mask.size < 10
        draw_the_same_pairs(monkeypatch, seed)
        witness = RANSACRegressor(max_trials=1000)
        witness.fit(prediction[mask][:, None], SPACES[kind](depth[mask]))
        aligned = align("authors", kind, prediction, depth, mask, seed)
        line = (float(witness.estimator_.coef_[0]), float(witness.estimator_.intercept_))
        if line[0] <= 0:  # 8 pixels may well fall
            assert str(aligned.note).startswith(f"falling prediction (slope {line[0]:.3g})")
            continue
        assert aligned.note is None
        assert (aligned.slope, aligned.intercept) == pytest.approx(line, rel=1e-9)


@pytest.mark.parametrize("case", range(4))
def test_scores_are_those_of_scikit_learns_own_trials(case: int) -> None:
    """Single runs scatter; their means over 20 seeds agree within 2 %."""
    prediction, depth, mask = problem("ppd", case, wrong=(0.1, 0.2, 0.3, 0.4)[case])
    x, y = prediction[mask][:, None], np.log1p(depth[mask])
    theirs, ours = [], []
    for seed in range(20):
        witness = RANSACRegressor(max_trials=1000, random_state=seed).fit(x, y)
        line = witness.predict(prediction.reshape(-1, 1)).reshape(SHAPE)
        metres = np.clip(np.expm1(line), 1e-3, depth[mask].max())
        theirs.append(score(metres, depth, mask).abs_rel)
        aligned = align("authors", "ppd", prediction, depth, mask, seed)
        ours.append(score(aligned.depth, depth, mask).abs_rel)
    assert np.mean(ours) == pytest.approx(np.mean(theirs), rel=0.02)
    assert min(ours) > 0.95 * min(theirs) and max(ours) < 1.05 * max(theirs)


@pytest.mark.parametrize("seed", range(5))
def test_golden_of_the_authors_code(seed: int) -> None:
    golden = Golden("align_ransac")
    relative, depth, mask = golden["in.pred"], golden["in.gt"], golden["in.mask"]
    aligned = align("authors", "ppd", relative, depth, mask, seed)
    lines = golden["out.a_b_seed0_49"]
    assert (lines.min(axis=0) * 0.98 <= (aligned.slope, aligned.intercept)).all()
    assert (lines.max(axis=0) * 1.02 >= (aligned.slope, aligned.intercept)).all()
    assert (aligned.depth >= golden["out.metric_lo"] * 0.99).all()
    assert (aligned.depth <= golden["out.metric_hi"] * 1.01).all()


def test_golden_of_a_falling_prediction() -> None:
    golden = Golden("align_ransac")
    upside_down = 1 - golden["in.pred"]
    aligned = align("authors", "ppd", upside_down, golden["in.gt"], golden["in.mask"])
    np.testing.assert_allclose(aligned.depth, golden["out.metric_negative_slope"], rtol=1e-5)
    assert aligned.note is not None and aligned.note.startswith("falling prediction (slope -0.3")


def test_wrong_pixels_do_not_pull() -> None:
    """The lone pixel is 5 off the line, more than the deviation of y, which is 2."""
    y = row(*range(1, 10))
    x = y / 2
    y[0, 4] = 10.0
    aligned = align("authors", "depth", x, y, everywhere(y))
    assert (aligned.slope, aligned.intercept) == pytest.approx((2, 0))
    np.testing.assert_allclose(aligned.depth, row(*range(1, 10)))


def test_a_fall_by_hand() -> None:
    """log(depth + 1) = 1, 2, 6 at 4, 3, 2: prediction times 3 / 3."""
    depth = np.expm1(row(1, 2, 6))
    aligned = align("authors", "ppd", row(4, 3, 2), depth, everywhere(depth))
    np.testing.assert_allclose(aligned.depth, np.expm1(row(4, 3, 2)))
    assert (aligned.slope, aligned.intercept) == (pytest.approx(1), 0)
    assert aligned.note is not None and aligned.note.endswith(", scaled by its mean")
    halved = align("authors", "ppd", row(8, 6, 4), depth, everywhere(depth))
    np.testing.assert_allclose(halved.depth, aligned.depth)


def test_a_fall_around_zero_has_no_ratio() -> None:
    depth = row(1, 3, 5)
    aligned = align("authors", "depth", row(1, 0, -1), depth, everywhere(depth))
    np.testing.assert_array_equal(aligned.depth, 3)
    assert aligned.note == "falling prediction (slope -2), scaled by its mean, which is 0"


def test_the_limits_of_the_authors() -> None:
    depth = row(1, 2, 3, 4, 5)
    mask = np.array([[True, True, True, True, False]])
    for kind in KINDS:
        space = SPACES[kind](depth)
        aligned = align("authors", kind, space, depth, mask)
        np.testing.assert_allclose(aligned.depth, row(1, 2, 3, 4, 4), err_msg=kind)
        for extreme in (-1e6, 1e6):
            space[0, 4] = extreme
            nearest = (extreme > 0) == (kind == "disparity")
            aligned = align("authors", kind, space, depth, mask)
            # A disparity below 0 lies beyond the farthest, not before the camera.
            assert aligned.depth[0, 4] == (1e-3 if nearest else 4), (kind, extreme)


@pytest.mark.parametrize("equal", [4, 5, 8])
def test_no_threshold_where_half_of_the_truth_is_equal(equal: int) -> None:
    depth = row(7, 7, 7, 7, 7, 7, 7, 7)
    depth[0, equal:] = np.arange(1, 9 - equal)
    prediction = row(*range(8))
    if equal == 4:  # the median lies between 4 and 7, so there still is a deviation
        assert align("authors", "ppd", prediction, depth, everywhere(depth)).slope != 0
        return
    with pytest.raises(Degenerate, match="half or more of the true depths are equal"):
        align("authors", "ppd", prediction, depth, everywhere(depth))


def test_equal_seeds_give_equal_lines() -> None:
    prediction, depth, mask = problem("ppd", 0, wrong=0.5)
    lines = [align("authors", "ppd", prediction, depth, mask, seed).slope for seed in (1, 1, 2, 3)]
    assert lines[0] == lines[1] and len(set(lines)) > 1


# Least squares -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_least_squares_are_numpys(kind: Kind, seed: int) -> None:
    prediction, depth, mask = problem(kind, seed)
    x = prediction[mask]
    columns = np.stack((x, np.ones_like(x)), axis=1)
    line = np.linalg.lstsq(columns, SPACES[kind](depth[mask]), rcond=None)[0]
    aligned = align("least-squares", kind, prediction, depth, mask)
    assert (aligned.slope, aligned.intercept) == pytest.approx(tuple(line), rel=1e-9)
    assert aligned.note is None


def test_least_squares_by_hand() -> None:
    """1, 2, 6 at 0, 1, 2: slope 2.5, mean 3."""
    depth = row(1, 2, 6)
    aligned = align("least-squares", "depth", row(0, 1, 2), depth, everywhere(depth))
    np.testing.assert_allclose(aligned.depth, row(0.5, 3, 5.5))
    limited = align(
        "least-squares", "depth", row(0, 1, 2), depth, everywhere(depth), depth_range=(1, 5)
    )
    np.testing.assert_allclose(limited.depth, row(1, 3, 5))
    assert (limited.slope, limited.intercept) == (aligned.slope, aligned.intercept)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_trimmed_leaves_out_the_tenth_of_largest_residuals_three_times(
    kind: Kind, seed: int
) -> None:
    prediction, depth, valid = problem(kind, seed)
    x, y = prediction[valid], SPACES[kind](depth[valid])
    design = np.stack([x, np.ones(x.size)], 1)
    line, *_ = np.linalg.lstsq(design, y, rcond=None)
    for _ in range(3):
        residual = np.abs(design @ line - y)
        near = residual <= np.quantile(residual, 0.9)
        line, *_ = np.linalg.lstsq(design[near], y[near], rcond=None)
    aligned = align("trimmed", kind, prediction, depth, valid)
    assert (aligned.slope, aligned.intercept) == pytest.approx(tuple(line), rel=1e-6)
    known = aligned.depth[valid]
    assert known.min() >= 1e-3 and known.max() <= 200


def test_trimmed_is_not_pulled_by_a_few_wrong_depths() -> None:
    prediction = np.linspace(0, 1, 1000)[None]
    truth = np.expm1(prediction + 1)
    wrong = truth.copy()
    wrong[0, ::15] = 60.0  # a sensor's reflections
    pulled = align("least-squares", "ppd", prediction, wrong, everywhere(wrong)).depth
    trimmed = align("trimmed", "ppd", prediction, wrong, everywhere(wrong)).depth
    assert np.abs(trimmed / truth - 1).max() < 1e-6
    assert np.abs(pulled / truth - 1).max() > 0.1


def test_trimmed_takes_a_falling_line_as_it_is() -> None:
    depth = np.linspace(1, 5, 300)[None]
    aligned = align("trimmed", "ppd", -np.log1p(depth), depth, everywhere(depth))
    assert aligned.slope == pytest.approx(-1) and "falling" in (aligned.note or "")
    assert np.allclose(aligned.depth, depth)


def test_depth_stays_above_a_thousandth_of_a_millimetre() -> None:
    depth = row(1, 2, 6)
    steep = align("least-squares", "depth", row(0, 1, 2), depth, np.array([[False, True, True]]))
    np.testing.assert_allclose(steep.depth, row(1e-6, 2, 6))


def test_disparity_as_in_marigolds_script() -> None:
    """Only where it is positive it is fitted; all of it is scored, from 1e-3 per metre on."""
    depth = row(1, 2, 4, 9, 9)
    prediction = row(4, 2, 1, -400, 0)  # four times the inverse of the first three
    aligned = align("least-squares", "disparity", prediction, depth, everywhere(depth))
    assert (aligned.slope, aligned.intercept) == pytest.approx((0.25, 0), abs=1e-12)
    np.testing.assert_allclose(aligned.depth, row(1, 2, 4, 1000, 1000))
    limited = align(
        "least-squares", "disparity", prediction, depth, everywhere(depth), depth_range=(1.5, 80)
    )
    np.testing.assert_allclose(limited.depth, row(1.5, 2, 4, 80, 80))
    with pytest.raises(Degenerate, match="positive at fewer than two valid pixels"):
        align("least-squares", "disparity", row(-1, 0, 1), row(1, 2, 3), np.ones((1, 3), bool))


def test_a_falling_line_is_taken_as_it_is() -> None:
    depth = row(1, 2, 3)
    aligned = align("least-squares", "depth", row(5, 3, 1), depth, everywhere(depth))
    np.testing.assert_allclose(aligned.depth, depth)
    assert aligned.note == "falling prediction (slope -0.5)"


# Both --------------------------------------------------------------------------------------------


def both(check: Callable[..., None]) -> Callable[..., None]:
    named = pytest.mark.parametrize("kind", KINDS)(check)
    return pytest.mark.parametrize("protocol", PROTOCOLS)(named)  # type: ignore[no-any-return]


@both
def test_an_exact_prediction_is_undone_exactly(protocol: Protocol, kind: Kind) -> None:
    _, depth, mask = problem(kind, 0)
    aligned = align(protocol, kind, 0.02 * SPACES[kind](depth) + 7, depth, mask)
    np.testing.assert_allclose(aligned.depth[mask], depth[mask], rtol=1e-9)
    assert aligned.slope == pytest.approx(50) and aligned.note is None
    assert aligned.depth.dtype == np.float64 and aligned.depth.shape == depth.shape


@both
@pytest.mark.parametrize("seed", range(3))
def test_scale_and_shift_do_not_matter(protocol: Protocol, kind: Kind, seed: int) -> None:
    prediction, depth, mask = problem(kind, seed)
    expected = align(protocol, kind, prediction, depth, mask, seed)
    for scale, shift in ((5, 0), (0.01, 3), (1e4, 5e3)):  # positive, for Marigold's disparity
        changed = align(protocol, kind, scale * prediction + shift, depth, mask, seed)
        np.testing.assert_allclose(changed.depth, expected.depth, rtol=1e-6)


@both
@pytest.mark.parametrize("value", [0.1, 1e9])
def test_a_constant_becomes_the_mean(protocol: Protocol, kind: Kind, value: float) -> None:
    _, depth, mask = problem(kind, 0)
    aligned = align(protocol, kind, np.full(SHAPE, value), depth, mask)
    y = SPACES[kind](depth[mask])
    near = y
    for _ in range(3 if protocol == "trimmed" else 0):
        apart = np.abs(y - near.mean())
        near = y[apart <= np.quantile(apart, 0.9)]
    np.testing.assert_allclose(SPACES[kind](aligned.depth), near.mean())
    assert aligned.note == "constant prediction" and aligned.slope == 0


@pytest.mark.parametrize("value", [0.0, -3.0])
def test_a_constant_may_be_zero_or_below(value: float) -> None:
    depth = row(1, 2, 6)
    means = {"authors": 3, "least-squares": 3, "trimmed": 1.5}
    for protocol in PROTOCOLS:
        aligned = align(protocol, "depth", np.full((1, 3), value), depth, everywhere(depth))
        np.testing.assert_allclose(aligned.depth, means[protocol])
        assert aligned.note == "constant prediction"


@both
def test_what_is_not_valid_neither_fits_nor_limits(protocol: Protocol, kind: Kind) -> None:
    prediction, depth, mask = problem(kind, 0)
    expected = align(protocol, kind, prediction, depth, mask)
    spoiled, deep = prediction.copy(), depth.copy()
    spoiled[~mask], deep[~mask] = np.nan, 1e6
    deep.flat[np.flatnonzero(~mask)[:3]] = (np.nan, 0, -1)
    aligned = align(protocol, kind, spoiled, deep, mask)
    np.testing.assert_array_equal(aligned.depth[mask], expected.depth[mask])
    assert np.isnan(aligned.depth[~mask]).all()


@both
def test_far_outside_the_fit_nothing_overflows(protocol: Protocol, kind: Kind) -> None:
    _, depth, mask = problem(kind, 0)
    prediction = SPACES[kind](depth).astype(np.float32)
    mask[0, :2] = False
    prediction[0, :2] = (-1e30, 1e30)
    with np.errstate(all="raise", under="ignore"):
        aligned = align(protocol, kind, prediction, depth, mask, depth_range=(0.1, 50))
    limits = {"authors": (1e-3, depth[mask].max()), "trimmed": (1e-3, 200)}
    lowest, highest = limits.get(protocol, (0.1, 50))
    order = (highest, lowest) if kind == "disparity" else (lowest, highest)
    np.testing.assert_allclose(aligned.depth[0, :2], order)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("prediction", "depth", "reason"),
    [
        (row(), row(), "no valid pixel"),
        (row(1), row(2), "only one valid pixel"),
        (row(1, np.nan, np.inf, 4), row(1, 2, 3, 4), "NaN or infinite at 2 of 4 valid pixels"),
        (row(1, 2, 3, 4), row(1, 0, -1, np.nan), "true depth is not positive at 3 of 4"),
    ],
)
def test_degenerate_images_are_refused(
    protocol: Protocol, prediction: np.ndarray, depth: np.ndarray, reason: str
) -> None:
    beside = np.full((1, 2), 5.0)  # not valid, so no help
    mask = np.concatenate((everywhere(depth), np.zeros((1, 2), bool)), axis=1)
    prediction, depth = (np.concatenate((a, beside), axis=1) for a in (prediction, depth))
    with pytest.raises(Degenerate, match=reason):
        align(protocol, "ppd", prediction, depth, mask)


def test_two_pixels_suffice() -> None:
    depth = row(1, 3)
    for protocol in PROTOCOLS:
        aligned = align(protocol, "ppd", row(0, 1), depth, everywhere(depth))
        assert isinstance(aligned, Aligned)
        assert (aligned.slope, aligned.intercept) == pytest.approx((math.log(2),) * 2)
