"""The picture of a cloud: what is where in it, and what is in front."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.geometry import side_view as module
from ppdcli.geometry.side_view import BACKGROUND, HEIGHT, WIDTH, side_view

NEAR, FAR = (255, 0, 0), (0, 0, 255)


def two_walls(gap_filled: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """A near red square at z = 2 and a far blue one at z = 6, a metre to each side."""
    y, x = np.mgrid[-1:1:80j, -1:1:80j]
    near = np.stack((x, y, np.full_like(x, 2)), axis=-1).reshape(-1, 3)
    far = near + (0, 0, 4)
    points, colors = [near, far], [NEAR, FAR]
    if gap_filled:
        t = np.linspace(0, 1, 2000)[:, None]
        points.append((1, 0, 2) + t * (0, 0, 4))
        colors.append((0, 255, 0))
    shades = [np.tile(np.uint8(c), (len(p), 1)) for p, c in zip(points, colors, strict=True)]
    return np.concatenate(points).astype(np.float32), np.concatenate(shades)


def share(picture: np.ndarray, color: tuple[int, int, int]) -> float:
    return float((picture == color).all(axis=-1).mean())


def test_a_clean_edge_is_a_gap_and_a_flying_one_is_not() -> None:
    clean, flying = side_view(*two_walls()), side_view(*two_walls(gap_filled=True))
    assert clean.shape == flying.shape == (HEIGHT, 2 * WIDTH, 3)
    for half in (slice(None, WIDTH), slice(WIDTH, None)):
        assert share(clean[:, half], (BACKGROUND,) * 3) > 0.5
        assert share(clean[:, half], (0, 255, 0)) == 0
        assert share(flying[:, half], (0, 255, 0)) > 0.001


def centre(picture: np.ndarray, color: tuple[int, int, int]) -> tuple[float, float]:
    """(row, column) of the middle of what has a colour."""
    rows, columns = np.nonzero((picture == color).all(axis=-1))
    return float(rows.mean()), float(columns.mean())


def test_far_is_to_the_right_from_the_side_and_at_the_top_from_above() -> None:
    picture = side_view(*two_walls())
    side, above = picture[:, :WIDTH], picture[:, WIDTH:]
    assert centre(side, FAR)[1] > centre(side, NEAR)[1] + WIDTH / 4
    assert centre(above, FAR)[0] < centre(above, NEAR)[0] - HEIGHT / 4


def test_the_nearer_point_hides_the_other() -> None:
    # From the right, x decides what is in front; from above, y.
    cross = np.array([[1, -1, 5], [-1, 1, 5], [0, 0, 4], [0, 0, 6]], np.float32)
    front, back = np.repeat(cross[:1], 50, axis=0), np.repeat(cross[1:2], 50, axis=0)
    points = np.concatenate((front, back, cross[2:]))
    colors = np.concatenate(
        (
            np.tile(np.uint8(NEAR), (50, 1)),
            np.tile(np.uint8(FAR), (50, 1)),
            np.zeros((2, 3), np.uint8),
        )
    )
    above = side_view(points * (0, 1, 1), colors)[:, WIDTH:]
    assert share(above, NEAR) > 0 and share(above, FAR) == 0


def test_one_point_and_a_few_strays_do_no_harm() -> None:
    assert share(side_view(np.ones((1, 3), np.float32), np.full((1, 3), 200, np.uint8)), (200,) * 3)
    points, colors = two_walls()
    points = np.concatenate((points, np.full((20, 3), 1e6, np.float32)))
    colors = np.concatenate((colors, np.zeros((20, 3), np.uint8)))
    assert share(side_view(points, colors), NEAR) > 0.01


def test_many_points_are_thinned(monkeypatch: pytest.MonkeyPatch) -> None:
    points, colors = two_walls()
    whole = side_view(points, colors)
    monkeypatch.setattr(module, "MOST_POINTS", len(points) // 2)
    thinned = side_view(points, colors)
    assert 0 < share(thinned, NEAR) < share(whole, NEAR)


def test_a_frame_makes_clouds_comparable() -> None:
    points, colors = two_walls()
    alone = side_view(points, colors)
    np.testing.assert_array_equal(side_view(points, colors, points), alone)
    near = (colors == NEAR).all(axis=-1)
    part = side_view(points[near], colors[near], points)
    for half in (slice(None, WIDTH), slice(WIDTH, None)):
        red, both = part[:, half], alone[:, half]
        # Where it is in the whole picture, but for what hid it there.
        assert ((red == NEAR).all(-1) >= (both == NEAR).all(-1)).all() and share(red, NEAR) > 0
        assert share(red, NEAR) < 1.5 * share(both, NEAR)
