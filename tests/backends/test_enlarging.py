"""Enlargement by tensor operations, held against that by NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ppdcli.backends import enlarging
from ppdcli.backends.enlarging import area_mean, cells_with_step, enlarge, enlarge_on
from ppdcli.geometry import upsample
from ppdcli.geometry.step_cells import find_cells, make_axis
from ppdcli.geometry.upsample import upsample_depth

CPU = torch.device("cpu")
SIZES = [(97, 131), (120, 160), (61, 300), (30, 57), (240, 320)]
BOUND = 1e-6  # of values from 0 to 1
FLIPPED = 1e-5  # share of pixels that may get another surface


def scene(seed: int, holes: bool, h: int = 30, w: int = 40) -> np.ndarray:
    """Surfaces at several depths with thin things, slopes and ripple; NaN and infinity if asked."""
    rng = np.random.default_rng(seed)
    levels = rng.integers(0, 4, (h // 3 + 1, w // 3 + 1)).repeat(3, 0).repeat(3, 1)[:h, :w] / 4
    values = levels + np.linspace(0, 0.2, w) + rng.uniform(-0.004, 0.004, (h, w))
    values[rng.random((h, w)) < 0.05] = 0.5
    if holes:
        values[rng.random((h, w)) < 0.05] = np.nan
        values[3:7, 3:9] = np.inf
    return values.astype(np.float32)


def picture(seed: int, height: int, width: int) -> np.ndarray:
    """Areas of one colour, with noise in half of them."""
    rng = np.random.default_rng(seed)
    tiles = rng.integers(0, 256, (height // 5 + 1, width // 5 + 1, 3))
    rgb = tiles.repeat(5, 0).repeat(5, 1)[:height, :width]
    rgb = rgb + rng.integers(0, 40, rgb.shape) * (rgb[..., :1] > 128)
    return rgb.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("guided", [False, True])
@pytest.mark.parametrize("holes", [False, True])
def test_it_is_the_same_within_the_bound(
    size: tuple[int, int], guided: bool, holes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enlarging, "BAND_PIXELS", 5000)  # several bands
    flipped = pixels = 0
    for seed in range(4):
        source = scene(seed, holes)
        guide = picture(seed, *size) if guided else None
        expected = upsample_depth(source, *size, guide=guide)
        found = enlarge(source, *size, guide=guide, device=CPU)
        assert found.shape == size and found.dtype == np.float32
        missing = np.isnan(found) != np.isnan(expected)
        apart = np.abs(np.nan_to_num(found) - np.nan_to_num(expected))
        flipped += int((missing | (apart > BOUND)).sum())
        pixels += found.size
    assert flipped <= FLIPPED * pixels


@pytest.mark.parametrize("edge", [0.0, 0.01, 0.3, 2.0])
@pytest.mark.parametrize("holes", [False, True])
def test_the_cells_with_a_step_are_the_same(edge: float, holes: bool) -> None:
    source = scene(7, holes)
    source[~np.isfinite(source)] = np.nan
    axes = make_axis(30, 120), make_axis(40, 160)
    expected = np.zeros((31, 41), bool)
    for cells in find_cells(source, edge, *axes):
        expected[cells.rows, cells.columns] = True
    found = cells_with_step(torch.from_numpy(source), edge).numpy()
    empty = np.zeros_like(found)  # cells all of whose corners are holes, which NumPy leaves out
    hole = np.pad(np.isnan(source), 1, mode="edge")
    empty[:] = hole[:-1, :-1] & hole[:-1, 1:] & hole[1:, :-1] & hole[1:, 1:]
    np.testing.assert_array_equal(found & ~empty, expected)


@pytest.mark.parametrize("size", [(30, 40), (29, 31), (97, 131), (1, 1)])
def test_the_mean_of_colours_is_the_same(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enlarging, "BAND_PIXELS", 3000)
    rgb = picture(1, 97, 131)
    found = area_mean(torch.from_numpy(rgb), *size).numpy()
    np.testing.assert_allclose(found, upsample.area_mean(rgb, *size), rtol=1e-6)


@pytest.mark.parametrize(
    ("shape", "size"), [((30, 40), (30, 40)), ((30, 40), (20, 80)), ((1, 1), (5, 7))]
)
def test_other_sizes(shape: tuple[int, int], size: tuple[int, int]) -> None:
    source = scene(3, False)[: shape[0], : shape[1]]
    found = enlarge(source, *size, device=CPU)
    np.testing.assert_allclose(found, upsample_depth(source, *size), atol=BOUND)


@pytest.mark.parametrize("value", [np.nan, 0.5])
def test_a_map_of_one_value(value: float) -> None:
    found = enlarge(np.full((4, 5), value, np.float32), 16, 20, device=CPU)
    np.testing.assert_array_equal(found, np.full((16, 20), value, np.float32))


def test_pictures_of_any_layout_serve() -> None:
    source, rgb = scene(2, False), picture(2, 160, 120).transpose(1, 0, 2)
    rgb.setflags(write=False)
    source.setflags(write=False)
    found = enlarge(source, 120, 160, guide=rgb[:, ::-1], device=CPU)
    expected = upsample_depth(source, 120, 160, guide=rgb[:, ::-1])
    assert (np.abs(found - expected) > BOUND).mean() <= FLIPPED


def test_short_memory_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    source = scene(2, True)
    monkeypatch.setattr(enlarging, "area_mean", fail)
    found = enlarge(source, 60, 80, guide=picture(1, 60, 80), device=CPU)
    np.testing.assert_array_equal(found, upsample_depth(source, 60, 80, guide=picture(1, 60, 80)))


def test_a_processor_keeps_to_numpy() -> None:
    assert enlarge_on(CPU) is upsample_depth
    assert enlarge_on(torch.device("cuda:0")) is not upsample_depth
