"""Fits of relative depth to metres: the authors' goldens, scikit-learn, refusals."""

import math

import numpy as np
import pytest
from parity import Golden
from sklearn.linear_model import HuberRegressor, RANSACRegressor, TheilSenRegressor

from ppdcli.errors import InputError
from ppdcli.geometry import align
from ppdcli.geometry.align import LogLine, fit_ransac, fit_sparse, relative_at

SLOPE, INTERCEPT = 1.7, 0.6


def scene(
    count: int, seed: int, wrong: float = 0.0, noise: float = 0.02
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Relative depth, metres (a share ``wrong`` is anything from 0.5 to 40), and which are right.

    Wrong depths differ by at least 0.2 in log(depth + 1) from the right ones.
    """
    rng = np.random.default_rng(seed)
    relative = rng.random(count)
    line = SLOPE * relative + INTERCEPT
    anything = np.log1p(rng.uniform(0.5, 40, count))
    right = (rng.random(count) >= wrong) | (np.abs(anything - line) < 0.2)
    logs = np.where(right, line + rng.normal(0, noise, count), anything)
    return relative, np.expm1(logs), right


# Dense ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_golden_of_the_authors_fit(seed: int) -> None:
    golden = Golden("align_ransac")
    relative, depth, mask = golden["in.pred"], golden["in.gt"], golden["in.mask"]
    line = fit_ransac(relative, depth, mask, seed)
    lines = golden["out.a_b_seed0_49"]
    assert (lines.min(axis=0) * 0.98 <= (line.slope, line.intercept)).all()
    assert (lines.max(axis=0) * 1.02 >= (line.slope, line.intercept)).all()
    metric = line.apply(relative, highest=float(depth[mask].max()))
    assert (metric >= golden["out.metric_lo"] * 0.99).all()
    assert (metric <= golden["out.metric_hi"] * 1.01).all()
    # It is what 49 of the authors' 50 runs found.
    np.testing.assert_allclose(metric, golden["out.metric_seed0"], rtol=1e-5)


def test_what_the_authors_turn_into_made_up_metres_is_refused() -> None:
    golden = Golden("align_ransac")
    relative, depth, mask = golden["in.pred"], golden["in.gt"], golden["in.mask"]
    with pytest.raises(InputError, match=r"falls where predicted depth rises \(slope -0\.3"):
        fit_ransac(1 - relative, depth, mask)
    assert golden["in.mask_one"].sum() == 1
    with pytest.raises(InputError, match="overlap at 1 pixel;"):
        fit_ransac(relative, depth, golden["in.mask_one"])


def test_dense_fit_against_scikit_learn() -> None:
    relative, depth, _ = scene(2000, 0, wrong=0.2)
    logs = np.log1p(depth)
    lines = []
    for seed in range(20):
        witness = RANSACRegressor(max_trials=1000, random_state=seed)
        witness.fit(relative[:, None], logs)
        lines.append((witness.estimator_.coef_[0], witness.estimator_.intercept_))
    for seed in range(4):
        line = fit_ransac(relative, depth, np.ones(2000, bool), seed)
        assert line.threshold == pytest.approx(np.median(np.abs(logs - np.median(logs))))
        assert (np.min(lines, axis=0) * 0.99 <= (line.slope, line.intercept)).all()
        assert (np.max(lines, axis=0) * 1.01 >= (line.slope, line.intercept)).all()


def test_dense_fit_looks_only_where_the_mask_is() -> None:
    relative, depth, _ = scene(1000, 0, noise=0)
    mask = np.arange(1000) < 400
    depth[~mask] = 3 * depth[~mask] + 1
    depth[:4] = (np.nan, np.inf, 0, -2)
    relative[4] = np.nan
    line = fit_ransac(*(a.reshape(20, 50) for a in (relative, depth, mask)))
    assert (line.points, line.ignored, line.inliers) == (395, 5, 395)
    assert (line.slope, line.intercept) == pytest.approx((SLOPE, INTERCEPT))
    assert line.residual == pytest.approx(0, abs=1e-12) and line.error == pytest.approx(0, abs=1e-9)


def test_equal_seeds_give_equal_results_of_more_points_than_are_looked_at() -> None:
    count = align.MOST_POINTS + 10_000
    relative, depth, _ = scene(count, 1, wrong=0.3)
    everywhere = np.ones(count, bool)
    np.random.seed(1)
    first = fit_ransac(relative, depth, everywhere, 3, trials=100)
    sparse = fit_sparse(relative, depth, 3)
    np.random.seed(2)
    assert fit_ransac(relative, depth, everywhere, 3, trials=100) == first
    assert fit_sparse(relative, depth, 3) == sparse
    assert first.points == sparse.points == align.MOST_POINTS
    assert fit_sparse(relative, depth, 4) != sparse
    # The authors' threshold is wide, and wrong depths within it pull the least squares.
    assert (first.slope, first.intercept) == pytest.approx((SLOPE, INTERCEPT), rel=0.05)
    assert (sparse.slope, sparse.intercept) == pytest.approx((SLOPE, INTERCEPT), rel=5e-3)


@pytest.mark.parametrize(
    ("relative", "depth", "cause"),
    [
        ([0.1, 0.2, 0.3], [np.nan, 0, -1], "overlap at 0 pixels"),
        ([0.5] * 4, [1, 2, 3, 4], "the predicted depth is constant"),
        ([0.1, 0.2, 0.3, 0.4], [2] * 4, "the known depth is constant"),
        ([0.1, 0.2, 0.3, 0.4], [4, 3, 2, 1], "falls"),
    ],
)
def test_dense_maps_that_fix_no_scale(relative: list, depth: list, cause: str) -> None:
    with pytest.raises(InputError, match=cause):
        fit_ransac(np.array(relative), np.array(depth, float), np.ones(len(depth), bool))


# The line ------------------------------------------------------------------------------------


def test_three_points_worked_out_by_hand() -> None:
    # depth + 1 = 2 * 4^relative: 2, 4, 8 at 0, 1/2, 1.
    line = fit_sparse(np.array([0, 0.5, 1]), np.array([1, 3, 7.0]))
    assert line.slope == pytest.approx(math.log(4))
    assert line.intercept == pytest.approx(math.log(2))
    assert (line.inliers, line.points, line.ignored) == (3, 3, 0)
    metres = line.apply(np.array([[0.25, np.nan], [-1, 2]], np.float32), highest=20)
    assert metres.dtype == np.float32
    np.testing.assert_allclose(metres, [[2 * math.sqrt(2) - 1, np.nan], [1e-3, 20]], rtol=1e-6)


def test_residuals_worked_out_by_hand() -> None:
    # Level pairs at 0 and 1, one 0.05 above and one below the line through (0, 1) and (1, 2).
    relative = np.array([0, 0, 1, 1.0])
    line = fit_sparse(relative, np.expm1([0.95, 1.05, 1.95, 2.05]))
    assert (line.slope, line.intercept) == pytest.approx((1, 1))
    assert line.residual == pytest.approx(0.05)
    known, fitted = np.expm1([0.95, 1.05, 1.95, 2.05]), np.expm1([1, 1, 2, 2])
    assert line.error == pytest.approx(np.median(np.abs(fitted - known) / known))
    described = line.describe()
    assert described.startswith("scale 1 and shift 1 in log(depth + 1), 4 of 4 points agree")
    assert "within 0.15, median residual 0.05, 6.7 % of the depth" in described


def test_metres_far_outside_the_fit_do_not_overflow() -> None:
    line = LogLine(8, 0, 3, 3, 0, 0.15, 0, 0, 0)
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(line.apply(np.array([1e6]), highest=500), [500])


# Sparse --------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [0.0, 0.3, 0.4])
@pytest.mark.parametrize("count", [30, 3000])
def test_sparse_fit_with_wrong_depths(count: int, wrong: float) -> None:
    relative, depth, right = scene(count, seed=count, wrong=wrong)
    line = fit_sparse(relative, depth)
    assert (line.slope, line.intercept) == pytest.approx((SLOPE, INTERCEPT), abs=0.03)
    assert line.inliers == right.sum() and line.points == count
    assert line.residual == pytest.approx(0.02 * 0.6745, rel=0.4)  # the quartile of the noise


@pytest.mark.parametrize("seed", range(2))
def test_sparse_fit_against_scikit_learn(seed: int) -> None:
    relative, depth, right = scene(400, seed, wrong=0.2)
    line = fit_sparse(relative, depth, seed)
    theil_sen = TheilSenRegressor(random_state=seed).fit(relative[:, None], np.log1p(depth))
    assert line.slope == pytest.approx(theil_sen.coef_[0], rel=0.05)
    huber = HuberRegressor(alpha=0).fit(relative[right, None], np.log1p(depth[right]))
    assert line.slope == pytest.approx(huber.coef_[0], rel=5e-3)
    assert line.intercept == pytest.approx(huber.intercept_, rel=5e-3)


def test_wrong_depths_that_agree_with_each_other_lose_to_the_majority() -> None:
    relative, depth, _ = scene(200, 5)
    depth[:80] = 12.0  # a pane of glass in front of 40 %
    line = fit_sparse(relative, depth)
    assert (line.slope, line.intercept) == pytest.approx((SLOPE, INTERCEPT), abs=0.03)


def test_wrong_depths_that_are_all_too_far_hardly_pull() -> None:
    # Points that fall beside the near surface that they belong to; least squares would be 0.02 off.
    rng = np.random.default_rng(0)
    relative = rng.random(500)
    logs = SLOPE * relative + INTERCEPT + rng.normal(0, 0.01, 500)
    logs[:200] += np.abs(rng.normal(0, 0.3, 200))
    line = fit_sparse(relative, np.expm1(logs))
    middle = line.slope * 0.5 + line.intercept
    assert middle == pytest.approx(SLOPE * 0.5 + INTERCEPT, abs=0.01)


def test_points_that_would_make_the_scene_endless_lose() -> None:
    steep = np.linspace(0.5, 0.52, 14)
    relative = np.concatenate((np.linspace(0, 1, 10), steep))
    logs = np.concatenate((SLOPE * relative[:10] + INTERCEPT, 0.3 + 130 * (steep - 0.5)))
    line = fit_sparse(relative, np.expm1(logs))
    assert (line.slope, line.intercept) == pytest.approx((SLOPE, INTERCEPT), abs=0.05)


def test_most_points_on_one_wall_and_some_elsewhere_fix_the_scale() -> None:
    relative, depth, _ = scene(300, 6)
    relative[:240] = 0.5
    depth[:240] = np.expm1(SLOPE * 0.5 + INTERCEPT)
    line = fit_sparse(relative, depth)
    assert (line.slope, line.intercept) == pytest.approx((SLOPE, INTERCEPT), abs=0.03)


def test_unusable_points_are_counted() -> None:
    relative = np.array([0, 0.5, 1, 0.2, 0.3, 0.4, 0.6, np.nan])
    depth = np.array([1, 3, 7, np.nan, np.inf, 0, -3, 2])
    line = fit_sparse(relative, depth)
    assert (line.inliers, line.points, line.ignored) == (3, 3, 5)


RELATIVE = np.linspace(0, 1, 40)
RNG = np.random.default_rng(0)
ON_LINE = np.expm1(SLOPE * RELATIVE + INTERCEPT)


@pytest.mark.parametrize(
    ("relative", "depth", "cause"),
    [
        (RELATIVE[:0], ON_LINE[:0], "overlap at 0 points"),
        (RELATIVE, np.full(40, np.nan), "overlap at 0 points"),
        (RELATIVE[:2], ON_LINE[:2], "overlap at 2 points; give 3 or more"),
        # One wall: the depth is one, the predicted depth is one, both are, up to noise.
        (RELATIVE, np.full(40, 3.0), r"40 known depths that agree lie between 3 and 3 m"),
        (RELATIVE, 3 + RNG.uniform(-0.05, 0.05, 40), "too close together"),
        (np.full(40, 0.5), 3 + RNG.uniform(-0.3, 0.3, 40), "at one predicted depth"),
        (0.5 + RNG.uniform(-0.01, 0.01, 40), 3 + RNG.uniform(-0.3, 0.3, 40), "one predicted depth"),
        (0.5 + RNG.normal(0, 0.1, 40), 3 + RNG.normal(0, 0.1, 40), "one constant depth fits"),
        # The wrong sign: inverted, disparity.
        (1 - RELATIVE, ON_LINE, r"falls .* \(slope -1\.7"),
        (RELATIVE, 1 / ON_LINE, "not disparity"),
        # Of another photo, or no depth at all.
        (RELATIVE, RNG.permutation(ON_LINE), "known depths"),
        (RELATIVE, np.exp(RNG.uniform(-4, 4, 40)), r"only \d+ of 40 known depths agree"),
        # Two of three agree as any two do.
        (np.array([0, 0.5, 1]), np.array([1, 30, 7.0]), "only 2 of 3"),
    ],
)
def test_points_that_fix_no_scale(relative: np.ndarray, depth: np.ndarray, cause: str) -> None:
    with pytest.raises(InputError, match=cause) as caught:
        fit_sparse(relative, depth)
    assert "\n" not in str(caught.value) and ";" in str(caught.value)


@pytest.mark.parametrize("seed", range(20))
def test_shuffled_depths_are_refused(seed: int) -> None:
    relative, depth, _ = scene(60, seed)
    with pytest.raises(InputError):
        fit_sparse(relative, np.random.default_rng(seed).permutation(depth), seed)


# Points on the map ---------------------------------------------------------------------------


def test_points_take_the_map_pixel_that_they_are_in() -> None:
    small = np.arange(6.0).reshape(2, 3)  # of a 12 x 4 photo: 4 x 2 photo pixels each
    u = np.array([-0.5, 0, 3, 3.4, 3.6, 4, 11, 11.49])
    v = np.array([-0.5, 0, 1, 1.4, 1.6, 2, 3, 3.49])
    np.testing.assert_array_equal(relative_at(small, u, v, 12, 4), [0, 0, 0, 0, 4, 4, 5, 5])
    large = np.arange(48.0).reshape(4, 12)
    rows, columns = np.indices((4, 12))
    at = relative_at(large, columns.ravel(), rows.ravel(), 12, 4)
    np.testing.assert_array_equal(at, large.ravel())
