"""The table of meshes: it runs, and each way does what it says."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.evaluation import synthetic
from ppdcli.photo import Photo
from studies import meshes
from studies.meshes import MeshScore, evaluate, table


def ramp(photo: Photo) -> np.ndarray:
    """A model of sorts, at a quarter of the photo's size."""
    height, width = photo.rgb.shape[:2]
    return np.repeat(np.linspace(1, 0, height // 4)[:, None], width // 4, axis=1)


@pytest.fixture(scope="module")
def scores() -> dict[str, dict[str, MeshScore]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthetic, "SHAPE", (192, 256))
        patch.setattr(meshes, "FEWER", 4000)
        return evaluate(2, ramp)


def test_every_way_is_scored_on_every_kind(scores: dict[str, dict[str, MeshScore]]) -> None:
    assert set(scores) == set(meshes.KINDS)
    lines = list(table(scores))
    assert len(lines) == len(scores) * (2 + len(meshes.WAYS))


def test_cuts_remove_rubber_faces(scores: dict[str, dict[str, MeshScore]]) -> None:
    for kind in ("clean", "bilinear x4"):
        rows = scores[kind]
        assert rows["all joined"].rubber > 0.005
        assert rows["ours"].rubber < rows["all joined"].rubber / 2
        assert rows["MoGe's way"].covered < rows["ours"].covered


def test_a_mesh_of_the_truth_lies_on_it(scores: dict[str, dict[str, MeshScore]]) -> None:
    exact = scores["clean"]["all joined"]
    assert exact.to_truth == pytest.approx(0, abs=1e-3)
    assert exact.covered > 0.9
