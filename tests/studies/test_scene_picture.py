"""The picture of a scene, of depth maps and of their clouds."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ppdcli import load
from studies import scene_picture
from studies.scene_picture import GAP, SHAPE, columns


def test_columns_of_truth_and_models() -> None:
    predictor = load("ppd-tiny", device="cpu")
    truth, one, two = columns(1, [(predictor, 1), (predictor, 2)])
    assert truth.shape == one.shape == (2 * SHAPE[0] + GAP, SHAPE[1], 3)
    above, below = slice(SHAPE[0]), slice(SHAPE[0] + GAP, None)
    for part in (above, below):
        assert not np.array_equal(one[part], two[part])
        assert not np.array_equal(truth[part], one[part])


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, random_checkpoint: Path
) -> None:
    arguments = ["scene_picture", "-o", str(tmp_path / "a.png"), f"{random_checkpoint}@1"]
    monkeypatch.setattr(sys, "argv", arguments)
    scene_picture.main()
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == (3 * SHAPE[1] + 2 * GAP, 2 * SHAPE[0] + GAP)
