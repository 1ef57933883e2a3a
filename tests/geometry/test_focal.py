"""The camera behind a point map: the reference's numbers, and maps made by hand."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from parity import FOCAL_SHIFT, Golden, ParityRecord

from ppdcli.errors import InputError
from ppdcli.geometry.focal import fit_focal_shift, recover_focal_shift, subsampled

GOLDEN = Golden("focal_shift")
MOGE = Golden("moge_tiny")


def view(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixel centres, from the image's centre, in halves of its diagonal."""
    v, u = np.mgrid[0:height, 0:width] + 0.5
    half_diagonal = math.hypot(height, width) / 2
    return (u - width / 2) / half_diagonal, (v - height / 2) / half_diagonal


def plane(height: int, width: int) -> np.ndarray:
    u, v = view(height, width)
    return 3 / (1 + 0.4 * u - 0.3 * v)


def sphere(height: int, width: int) -> np.ndarray:
    u, v = view(height, width)
    return 4 - np.sqrt(2 - u**2 - v**2)


def seen(depth: np.ndarray, focal: float, shift: float) -> np.ndarray:
    """The point map that a camera of that focal length makes of ``depth``, moved by -shift."""
    u, v = view(*depth.shape)
    points = np.stack((u * depth / focal, v * depth / focal, depth - shift), axis=-1)
    return points.astype(np.float32)


# Parity ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [0, 1, 2])
def test_parity(case: int, parity: ParityRecord) -> None:
    focal, _, masked = GOLDEN[f"in.true_{case}"].tolist()
    points = GOLDEN[f"in.points_{case}"]
    mask = GOLDEN[f"in.mask_{case}"] if masked else None
    fitted = np.array(recover_focal_shift(points, mask))
    parity.check(GOLDEN, f"out.focal_shift_{case}", fitted, FOCAL_SHIFT, "focal and shift")
    given, shift = recover_focal_shift(points, mask, focal)
    assert given == focal
    key = f"out.shift_known_focal_{case}"
    parity.check(GOLDEN, key, np.array(shift), FOCAL_SHIFT, "shift, focal given")


@pytest.mark.parametrize("case", ["a", "b"])
def test_parity_on_maps_that_are_no_scenes(case: str, parity: ParityRecord) -> None:
    """Random weights make no scenes, so the result may be no camera."""
    xyz, uv = subsampled(MOGE[f"out.{case}.points"][0], MOGE[f"out.{case}.mask"][0] > 0.5)
    fitted = np.array(fit_focal_shift(xyz, uv, None))
    parity.check(MOGE, f"out.{case}.focal_shift", fitted, FOCAL_SHIFT, "focal and shift")


# Maps with a known answer ------------------------------------------------------------------------


@pytest.mark.parametrize("scene", [plane, sphere])
@pytest.mark.parametrize(("height", "width"), [(48, 64), (300, 200), (10, 500), (768, 1024)])
@pytest.mark.parametrize(("focal", "shift"), [(1.2, 0.0), (0.4, 0.7), (6.0, -0.5)])
def test_a_known_camera(scene, height: int, width: int, focal: float, shift: float) -> None:
    points = seen(scene(height, width), focal, shift)
    assert recover_focal_shift(points) == pytest.approx((focal, shift), abs=2e-3)
    assert recover_focal_shift(points, None, focal) == pytest.approx((focal, shift), abs=2e-3)


def test_the_scale_of_the_points_does_not_matter_to_the_focal_length() -> None:
    points = seen(sphere(60, 80), 0.8, 0.3)
    focal, shift = recover_focal_shift(points)
    assert recover_focal_shift(5 * points) == pytest.approx((focal, 5 * shift), rel=1e-3)


def test_what_is_masked_does_not_matter() -> None:
    points, mask = seen(sphere(60, 80), 0.8, 0.3), np.ones((60, 80), bool)
    points[:20, 30:] *= -3
    points[40:50, :40] = np.nan
    mask[:20, 30:] = mask[40:50, :40] = False
    assert recover_focal_shift(points, mask) == pytest.approx((0.8, 0.3), abs=2e-3)


def test_a_frontal_wall_is_taken_as_it_is() -> None:
    """Every shift fits it equally well, with another focal length: it stays where it is."""
    points = seen(np.full((60, 80), 2.0), 0.8, 0.5)
    assert recover_focal_shift(points) == pytest.approx((0.6, 0), abs=1e-5)


def test_a_wrong_focal_length_is_kept_and_moves_the_shift() -> None:
    points = seen(sphere(60, 80), 0.8, 0.3)
    focal, shift = recover_focal_shift(points, None, 1.0)
    assert focal == 1
    assert shift > 0.4


# Refusals ----------------------------------------------------------------------------------------


def refusal(points: np.ndarray, mask: np.ndarray | None = None, focal: float | None = None) -> str:
    with pytest.raises(InputError) as caught:
        recover_focal_shift(points, mask, focal)
    message = str(caught.value)
    assert "\n" not in message
    assert ("camera estimate failed" in message) == (focal is None)
    return message


@pytest.mark.parametrize("focal", [None, 0.8])
@pytest.mark.parametrize("kept", [0, 15])
def test_too_few_pixels(focal: float | None, kept: int) -> None:
    mask = np.zeros((64, 64), bool)
    mask.flat[: 64 * kept : 64] = True
    points = seen(sphere(64, 64), 0.8, 0.3)
    assert f"only {kept} of 4096 sampled pixels" in refusal(points, mask, focal)


def test_few_pixels_are_enough() -> None:
    mask = np.zeros((64, 64), bool)
    mask[::16, ::16] = True
    points = seen(sphere(64, 64), 0.8, 0.3)
    assert recover_focal_shift(points, mask) == pytest.approx((0.8, 0.3), abs=2e-3)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.parametrize("focal", [None, 0.8])
def test_points_that_are_not_finite(wrong: float, focal: float | None) -> None:
    points = seen(sphere(64, 64), 0.8, 0.3)
    points[20, 20, 0] = wrong
    assert "not finite" in refusal(points, None, focal)


@pytest.mark.parametrize("focal", [None, 0.8])
def test_points_in_the_plane_of_the_camera(focal: float | None) -> None:
    points = seen(sphere(64, 64), 0.8, 0.3)
    points[20, 20, 2] = 0
    assert "no camera fits" in refusal(points, None, focal)


def test_a_mirrored_map() -> None:
    points = seen(sphere(64, 64), 0.8, 0.3) * np.float32([-1, -1, 1])
    assert "negative (-0.8)" in refusal(points)
    mask = MOGE["out.b.mask"][0] > 0.5
    assert "negative (-0.0175)" in refusal(MOGE["out.b.points"][0], mask)


@pytest.mark.parametrize("focal", [None, 0.8])
def test_a_map_behind_the_camera(focal: float | None) -> None:
    points = -seen(sphere(64, 64), 0.8, 0.3)
    assert "100% of its points are behind the camera" in refusal(points, None, focal)


def test_a_map_without_perspective() -> None:
    """The further away, the better the fit: the search runs away."""
    u, v = view(60, 80)
    points = np.stack((u, v, sphere(60, 80)), axis=-1).astype(np.float32)
    assert re.search(r"fitted field of view is \d\.\d+e-0\d degrees", refusal(points))


@pytest.mark.parametrize(("focal", "degrees"), [(0.005, "179.3"), (200.0, "0.4584")])
def test_a_field_of_view_that_no_photo_has(focal: float, degrees: str) -> None:
    points = seen(sphere(48, 64), focal, 0.0)
    assert f"fitted field of view is {degrees}" in refusal(points)
    assert recover_focal_shift(points, None, focal)[0] == focal


@pytest.mark.parametrize("focal", [0.0, -1.0, math.inf, math.nan])
def test_a_focal_length_that_is_none(focal: float) -> None:
    with pytest.raises(ValueError, match="focal must be positive"):
        recover_focal_shift(seen(sphere(8, 8), 1, 0), None, focal)
