"""Hand-marked pairs: there are enough of them, and they are read the right way round."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from studies.point_pairs import count_right, load_pairs, right_order


def test_there_are_sixty_pairs_inside_their_photos() -> None:
    pairs = load_pairs()
    assert sum(map(len, pairs.values())) >= 60 and min(map(len, pairs.values())) >= 10
    for found in pairs.values():
        assert all(len(pair) == 4 and all(0 <= v < 1 for v in pair) for pair in found)


def test_near_is_less() -> None:
    depth = np.array([[1.0, 2.0], [3.0, 4.0]])
    pairs = [(0.1, 0.1, 0.9, 0.9), (0.9, 0.9, 0.1, 0.1), (0.6, 0.1, 0.1, 0.6), (0.1, 0.1, 0.2, 0.2)]
    assert right_order(depth, pairs) == [True, False, True, False]


def test_photos_that_are_there_are_counted(tmp_path: Path) -> None:
    Image.new("RGB", (8, 6)).save(tmp_path / "flower.jpg")
    pairs = load_pairs()["flower.jpg"]
    ramp = np.linspace(1, 0, 100)[:, None] * np.ones(100)  # far above
    right = sum(near_y > far_y for _, near_y, _, far_y in pairs)
    assert count_right([tmp_path / "none", tmp_path], lambda photo: ramp) == {
        "flower.jpg": (right, len(pairs))
    }
