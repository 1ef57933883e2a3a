"""Which points of the world a photo sees."""

from __future__ import annotations

import numpy as np
import pytest
from posed_scenes import CAMERA, looking

from ppdcli.geometry.distortion import Distortion
from ppdcli.geometry.posed import levelling
from ppdcli.geometry.visible import points_in

POSE = looking((0, 0, 0), (0, 0, 5))


def test_points_are_counted_and_placed() -> None:
    places = np.array([[0, 0, 2.0], [0.5, 0, 2.0], [9, 0, 2.0], [0, 0, -2.0], [0, 0, 0]])
    seen = points_in(places, POSE, CAMERA)
    assert (seen.behind, seen.outside) == (2, 1)
    np.testing.assert_allclose(seen.u, [CAMERA.cx, CAMERA.cx + 104 / 4])
    np.testing.assert_allclose(seen.depth, [2, 2])
    u, v = seen.on_grid(CAMERA, 64, 48)
    np.testing.assert_allclose(u, [31.5, 31.5 + 13])
    np.testing.assert_allclose(v, 23.5)
    mask = np.zeros((96, 128), bool)
    mask[:, :70] = True
    assert seen.where(mask).u.size == 1 and seen.where(None).u.size == 2


def test_points_behind_nearer_points_are_hidden() -> None:
    rng = np.random.default_rng(0)
    across = rng.uniform(-0.5, 0.5, (2000, 2))
    near = np.column_stack((across, np.full(2000, 2.0)))
    far = np.column_stack((2 * across, np.full(2000, 4.0)))
    beside = np.column_stack((2 * across[:50] + (2.0, 0), np.full(50, 4.0)))
    seen = points_in(np.concatenate((near, far, beside)), POSE, CAMERA, hide=True)
    assert (seen.depth == 2).sum() == 2000
    assert 30 <= (seen.depth == 4).sum() < 120  # those beside, and some at the border


def test_a_lens_is_undone() -> None:
    lens = Distortion.of("opencv", -0.2)
    places = np.array([[0.6, 0.3, 1.5], [50, 0, 1.5]])
    seen = points_in(places, POSE, CAMERA, lens)
    x, y = lens.distort(np.array([0.4]), np.array([0.2]))
    np.testing.assert_allclose(seen.u, CAMERA.fx * x + CAMERA.cx)
    np.testing.assert_allclose(seen.v, CAMERA.fy * y + CAMERA.cy)
    assert seen.outside == 1  # and not folded back into the picture


@pytest.mark.parametrize("spread", [0.02, 1.0])
def test_cameras_that_look_down_are_levelled(spread: float) -> None:
    angles = np.linspace(-spread, spread, 7)
    poses = [looking((3 * np.sin(a), -2, -3 * np.cos(a)), (0, 0, 0)) for a in angles]
    right, down, forward = levelling(poses)
    np.testing.assert_allclose(np.cross(down, forward), right, atol=1e-12)
    tilt = np.degrees(np.arccos(down @ (0, 1, 0)))
    # Without different directions nothing tells a look downwards from a slanted floor.
    assert tilt < 1e-6 if spread == 1 else tilt == pytest.approx(33.7, abs=1)
