"""Previews: near is warm or bright, ranges can be fixed, and the file says that it is a picture."""

from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from ppdcli.depth import DepthMap
from ppdcli.depth_data import Kind
from ppdcli.errors import UsageError
from ppdcli.files import png_encoder
from ppdcli.files.choices import Colormap
from ppdcli.files.preview import colorize, write

RAMP = np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16)


def relative(values: np.ndarray = RAMP) -> DepthMap:
    return DepthMap(values, "relative")


@pytest.mark.parametrize(
    ("colormap", "near", "far"),
    [
        ("spectral", (158, 1, 66), (94, 79, 162)),  # matplotlib's Spectral(0), Spectral(255)
        ("inferno", (252, 255, 164), (0, 0, 4)),
        ("viridis", (253, 231, 37), (68, 1, 84)),
        ("turbo", (122, 4, 3), (48, 18, 59)),
        ("gray", (255, 255, 255), (0, 0, 0)),
    ],
)
def test_near_and_far_ends(colormap: Colormap, near: tuple, far: tuple) -> None:
    picture = colorize(relative(), colormap, (0, 1))
    assert picture.shape == (16, 16, 3) and picture.dtype == np.uint8
    np.testing.assert_allclose(picture[0, 0].astype(int), near, atol=2)
    np.testing.assert_allclose(picture[-1, -1].astype(int), far, atol=2)


def test_every_colormap_tells_all_steps_apart() -> None:
    for colormap in get_args(Colormap):
        colours = colorize(relative(), colormap, (0, 1)).reshape(-1, 3)
        assert len(np.unique(colours, axis=0)) > 230


def test_spectral_in_the_middle() -> None:
    # matplotlib's Spectral(128 / 255) lies next to the middle anchor ffffbf.
    middle = colorize(relative(np.full((1, 1), 0.5, np.float32)), "spectral", (0, 1))[0, 0]
    np.testing.assert_allclose(middle.astype(int), (255, 255, 191), atol=3)


def test_a_fixed_range_does_not_flicker() -> None:
    other = RAMP.copy()
    other[0] = 9
    same = colorize(relative(), value_range=(0, 1))[1:]
    np.testing.assert_array_equal(colorize(relative(other), value_range=(0, 1))[1:], same)
    assert not np.array_equal(colorize(relative(other))[1:], colorize(relative())[1:])


def test_the_automatic_range_ignores_outliers() -> None:
    outlier = RAMP.copy()
    outlier[5, 5] = 1e6
    with_outlier, without = colorize(relative(outlier), "gray"), colorize(relative(), "gray")
    difference = np.abs(with_outlier.astype(int) - without)
    difference[5, 5] = 0
    assert difference.max() <= 3


def test_metric_depth_looks_like_its_relative_map() -> None:
    metres = DepthMap(np.expm1(RAMP * 3), "metric")
    fixed = colorize(metres, "gray", (0, float(np.expm1(3))))
    np.testing.assert_allclose(
        fixed.astype(int), colorize(relative(), "gray", (0, 1)).astype(int), atol=1
    )


def test_holes_are_black_and_constant_maps_are_fine() -> None:
    holed = RAMP.copy()
    holed[2, 3] = np.nan
    picture = colorize(relative(holed))
    assert (picture[2, 3] == 0).all() and picture[2, 4].any()
    for kind in ("relative", "metric"):
        assert (colorize(DepthMap(np.full((3, 3), np.nan), kind)) == 0).all()
        constant = colorize(DepthMap(np.full((3, 3), 0.4), kind))
        assert constant.any() and (constant == constant[0, 0]).all()


@pytest.mark.parametrize("kind", ["relative", "metric"])
@pytest.mark.parametrize("value_range", [None, (0.5, 2.0)])
def test_a_large_picture_is_what_the_formula_says(
    monkeypatch: pytest.MonkeyPatch, kind: Kind, value_range: tuple[float, float] | None
) -> None:
    monkeypatch.setattr(png_encoder, "BAND_BYTES", 20_000)
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:700, :1100] / 700
    values = (1 + np.sin(3 * x) * np.cos(2 * y) + rng.normal(0, 0.02, x.shape)).astype(np.float32)
    values = np.maximum(values, 0)
    values[:90, :50], values[200:, 77], values[3, 3] = np.nan, np.inf, 1e30
    valid = np.isfinite(values)
    low, high = value_range or np.percentile(values[valid], (2, 98))
    shown = values.astype(np.float64)
    if kind == "metric":
        shown, low, high = np.log1p(shown), np.log1p(low), np.log1p(high)
    index = np.clip((np.where(valid, shown, low) - low) / (high - low), 0, 1) * 255
    picture = colorize(DepthMap(values, kind), "gray", value_range)
    assert (picture == picture[..., :1]).all()
    assert (picture[~valid] == 0).all()
    # Half a step is rounding, the rest what a sample of the pixels does to the percentiles.
    assert np.abs(255 - index - picture[..., 0])[valid].max() < (0.51 if value_range else 1.5)


def test_the_range_of_a_large_map_that_is_nearly_all_hole() -> None:
    values = np.full((1100, 1100), np.nan, np.float32)
    values[101, 101:104] = 0.2, 0.5, 0.8  # between the pixels that are looked at first
    picture = colorize(relative(values), "gray")
    assert picture[101, 101, 0] == 255 and picture[101, 103, 0] == 0
    assert 120 < picture[101, 102, 0] < 135


def test_errors() -> None:
    with pytest.raises(UsageError, match="spectral, inferno, turbo, viridis, gray"):
        colorize(relative(), "jet")  # type: ignore[arg-type]
    for bad in ((1, 1), (2, 1), (0, np.nan), (0, np.inf)):
        with pytest.raises(UsageError, match="MIN < MAX"):
            colorize(relative(), value_range=bad)
    with pytest.raises(UsageError, match="not negative"):
        colorize(DepthMap(RAMP, "metric"), value_range=(-3, 1))


def test_the_file_says_that_it_is_a_picture(tmp_path: Path) -> None:
    file = tmp_path / "photo_preview.png"
    write(file, relative(), "turbo", (0, 1))
    with Image.open(file) as image:
        assert image.mode == "RGB"
        assert "not data" in image.text["Comment"]  # type: ignore[attr-defined]
        np.testing.assert_array_equal(np.array(image), colorize(relative(), "turbo", (0, 1)))
