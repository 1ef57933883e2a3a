from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from parity import ParityRecord, normal
from video_parity import VideoGolden, mirrored_windows

from ppdcli.films.alignment import Line
from ppdcli.films.stitching import (
    exact_line,
    fit_keys,
    joined,
    next_references,
    plain_line,
)

GOLDEN = VideoGolden("stitch")
CASES = ["two", "four", "mirrored", "flat", "large"]


def film_of(windows: np.ndarray, exact: bool) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """The joined depth of all frames, and the lines of the windows after the first."""
    film, lines, references = [], [], None
    for window in windows[:, :, 0]:
        if references is None:
            film.append(window)
        else:
            window, fit = joined(window, references, exact)  # noqa: PLW2901
            film.append(window[3:])
            lines.append((fit.scale, fit.shift))
        references = next_references(window, references)
    return np.concatenate(film), lines


def float64_chain(windows: np.ndarray) -> np.ndarray:
    """Scale and shift of each window after the first; the joined maps are not rounded."""
    lines, references = [], None
    for window in windows[:, :, 0].astype(np.float64):
        if references is not None:
            line = plain_line(window[:3], references)
            window = line.scale * window + line.shift  # noqa: PLW2901
            lines.append(line)
        references = next_references(window, references)
    return np.array(lines)


@pytest.mark.parametrize("case", CASES)
def test_exact_stitching_parity(case: str, parity: ParityRecord) -> None:
    film, lines = film_of(GOLDEN[f"in.{case}"], exact=True)
    if case == "large":
        GOLDEN.check(parity, "out.large.depth_every10", film[:, ::10, ::10], "depth")
    else:
        kept = film[:, :2, :2] if case == "flat" else film
        GOLDEN.check(parity, f"out.{case}.depth", kept, "depth")
    GOLDEN.check(parity, f"out.{case}.scale_shift", np.array(lines), "scale and shift")


@pytest.mark.parametrize("case", ["one", "two", "four", "large"])
def test_guarded_stitching_parity(case: str, parity: ParityRecord) -> None:
    """Where nothing is wrong, the guard changes nothing."""
    film, lines = film_of(GOLDEN[f"in.{case}"], exact=False)
    kept, key = (film[:, ::10, ::10], "_every10") if case == "large" else (film, "")
    GOLDEN.check(parity, f"out.{case}.depth{key}", kept, "depth, guarded")
    if lines:
        expected = GOLDEN[f"out.{case}.scale_shift_float64"]
        np.testing.assert_allclose(lines, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("case", ["two", "four", "mirrored", "large"])
def test_float64_fit_parity(case: str, parity: ParityRecord) -> None:
    lines = float64_chain(GOLDEN[f"in.{case}"])
    GOLDEN.check(parity, f"out.{case}.scale_shift_float64", lines, "float64 fit")


def test_low_contrast_parity(parity: ParityRecord) -> None:
    """The authors' float32 gives 2 and 233 here; the fit in float64 does not."""
    mirrored = mirrored_windows(3, 12, 16, 15, 730)
    low = np.float32(0.75) + (mirrored - np.float32(0.5)) * np.float32(2**-9)
    lines = float64_chain(low)
    GOLDEN.check(parity, "out.low_contrast.scale_shift_float64", lines, "float64 fit")
    _, exact = film_of(low, exact=True)
    assert exact[1][0] > 100, "what the exact fit repeats"


# The guard ---------------------------------------------------------------------------------------


def scene(seed: int = 1) -> np.ndarray:
    """(3, 40, 50) float32 depth of three key frames, with a range of about 1."""
    y, x = np.mgrid[:40, :50]
    base = x / 100 + 0.3 * (y > 20) + 0.2
    return (base + 0.003 * normal((3, 40, 50), seed)).astype(np.float32)


@pytest.mark.parametrize(
    ("scale", "shift"), [(1.0, 0.0), (0.6, 0.3), (1.8, -0.2), (0.3, 0.1), (3.5, -1.0)]
)
def test_a_line_is_found(scale: float, shift: float) -> None:
    references = scene()
    fit = fit_keys((references - np.float32(shift)) / np.float32(scale), references)
    assert (fit.scale, fit.shift) == pytest.approx((scale, shift), abs=1e-4)
    assert fit.method == "least squares"
    assert fit.residual < 1e-5


def test_a_window_that_is_mirrored_begins_a_unit_of_its_own() -> None:
    fit = fit_keys(1 - scene(), scene())
    assert (fit.scale, fit.shift, fit.method) == (1.0, 0.0, "none")
    assert fit.residual > 0.1


@pytest.mark.parametrize("factor", [30.0, 1 / 30])
def test_a_runaway_scale_is_not_taken(factor: float) -> None:
    references = scene()
    fit = fit_keys((references - np.float32(0.5)) / np.float32(factor), references)
    assert fit.scale == 1.0
    assert fit.method in {"shift", "none"}


def test_outliers_do_not_decide() -> None:
    """A tenth of the pixels, far off, turn least squares round; the robust line holds."""
    references = scene()
    depth = (references - np.float32(0.1)) / np.float32(1.2)
    depth[:, :5, 45:] = np.float32(40)
    assert plain_line(depth, references).scale < 0.1
    fit = fit_keys(depth, references)
    assert fit.method == "robust"
    assert (fit.scale, fit.shift) == pytest.approx((1.2, 0.1), abs=0.01)


@pytest.mark.parametrize(("level", "target"), [(0.5, 0.75), (0.25, 0.2501), (0.0, 0.0)])
def test_a_constant_clip_stays_at_its_level(level: float, target: float) -> None:
    """A wall: the authors' fit would jump, or divide by nearly 0."""
    depth, references = (np.full((3, 8, 9), v, np.float32) for v in (level, target))
    fit = fit_keys(depth, references)
    assert (fit.scale, fit.method) == (1.0, "shift")
    np.testing.assert_allclose(fit.at(depth), references, atol=1e-6)


def test_noise_on_a_wall_decides_no_scale() -> None:
    wall = np.full((3, 40, 50), 0.7, np.float32)
    depth, references = (wall + 1e-4 * normal(wall.shape, seed) for seed in (1, 2))
    fit = fit_keys(depth, references + np.float32(0.05))
    assert (fit.scale, fit.method) == (1.0, "shift")
    assert fit.shift == pytest.approx(0.05, abs=1e-4)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_holes_do_not_count(bad: float) -> None:
    references = scene()
    depth = (references - np.float32(0.1)) / np.float32(1.2)
    depth[0, :10], references[2, 5:9] = bad, bad
    fit = fit_keys(depth, references)
    assert (fit.scale, fit.shift) == pytest.approx((1.2, 0.1), abs=1e-4)
    assert fit_keys(np.full_like(depth, bad), references).method == "none"


@pytest.mark.parametrize("fit", [exact_line, plain_line], ids=lambda fit: fit.__name__)
def test_lines_are_of_both_kinds_of_floats(fit: Callable[..., Line]) -> None:
    references = scene().astype(np.float64)
    line = fit(2 * references + 1, references)
    assert line == pytest.approx((0.5, -0.5), abs=1e-3)


def test_the_first_reference_never_changes() -> None:
    first, second = (normal((16, 4, 5), seed) for seed in (1, 2))
    references = next_references(first, None)
    assert (references == first[[0, 8, 15]]).all()
    later = next_references(second, references)
    assert (later == np.stack([first[0], second[8], second[15]])).all()
