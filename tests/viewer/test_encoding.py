"""Points as bytes: decoded again, they are where they were."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.viewer.encoding import STEPS, Encoded, encoded


def decoded(encoded: Encoded, count: int) -> np.ndarray:
    """What the page's script makes of the bytes, back in OpenCV's axes."""
    if encoded.name == "floats":
        return np.frombuffer(encoded.data, "<f4").reshape(count, 3) * (1, -1, -1)
    steps = np.frombuffer(encoded.data, "<u2").reshape(3, count).astype(np.float64)
    x, y, z = (
        low + (high - low) / STEPS * part
        for part, (low, high) in zip(steps, encoded.ranges, strict=True)
    )
    return np.column_stack((x * np.exp(z), y * np.exp(z), np.exp(z)))


def cloud(near: float, far: float, slope: float = 0.8) -> np.ndarray:
    rng = np.random.default_rng(0)
    z = np.exp(rng.uniform(np.log(near), np.log(far), 5000))
    slopes = rng.uniform(-slope, slope, (5000, 2))
    return np.column_stack((slopes * z[:, None], z)).astype(np.float32)


@pytest.mark.parametrize(("near", "far"), [(1, 10), (0.05, 5000), (1e5, 1e6), (2, 2)])
def test_the_error_is_as_stated(near: float, far: float) -> None:
    points = cloud(near, far)
    made = encoded(points, has_camera=True)
    assert made.name == "rays" and len(made.data) == 6 * len(points)
    again = decoded(made, len(points))
    assert (np.abs(again[:, 2] / points[:, 2] - 1)).max() < 1.1e-4
    slopes = again[:, :2] / again[:, 2:] - points[:, :2] / points[:, 2:]
    assert np.abs(slopes).max() < 1.6 / 131070 + 1e-6


@pytest.mark.parametrize(
    "points",
    [
        cloud(1, 10) * np.float32((1, 1, -1)),
        cloud(1, 1e7),
        cloud(1, 2, 500),
        np.float32([[0, 0, 0], [1, 2, 3]]),
    ],
    ids=["behind", "deep", "wide", "at the camera"],
)
def test_what_16_bits_are_too_coarse_for_is_float(points: np.ndarray) -> None:
    made = encoded(points, has_camera=True)
    assert made.name == "floats"
    np.testing.assert_array_equal(decoded(made, len(points)), points)


def test_one_point() -> None:
    made = encoded(np.float32([[0.5, -0.25, 2]]), has_camera=True)
    np.testing.assert_allclose(decoded(made, 1), [[0.5, -0.25, 2]], rtol=1e-6)
