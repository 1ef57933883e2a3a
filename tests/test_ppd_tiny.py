"""The model inside the package: small, documented, better than knowing nothing, not its noise."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import ppdcli
from ppdcli import Predictor
from ppdcli.checkpoints.catalog import models
from ppdcli.checkpoints.hub import find
from ppdcli.checkpoints.layouts import read_metadata
from ppdcli.evaluation import synthetic
from ppdcli.evaluation.frames import Frame
from ppdcli.evaluation.predictors import Candidate, constant, of_model, vertical_ramp
from ppdcli.evaluation.scoring import Rules, score_prediction

SCENES, PHOTOS = 8, 4


@pytest.fixture(scope="module")
def file() -> Path:
    path = find(models()["ppd-tiny"].network)
    assert path is not None
    return path


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return ppdcli.load("ppd-tiny", device="cpu")


@pytest.fixture(scope="module")
def frames() -> list[tuple[str, Frame]]:
    return [(entry.name, entry.load()) for entry in synthetic.entries(SCENES)]


def test_the_file_is_small_and_says_what_it_is(file: Path) -> None:
    assert file.stat().st_size <= 32_000_000
    header = read_metadata(file)
    assert {"network", "encoder", "about", "data", "license"} <= header.keys()
    assert header["license"] == "Apache-2.0"


def test_it_beats_a_constant_and_a_vertical_ramp_on_scenes_it_has_not_seen(
    predictor: Predictor, frames: list[tuple[str, Frame]]
) -> None:
    candidates = [of_model(predictor, 2, 0, None, False), constant(), vertical_ramp()]
    rules = Rules("least-squares", edges=None)

    def mean(candidate: Candidate) -> tuple[float, float]:
        scores = [
            score_prediction(f, candidate.predict(n, f), "ppd", rules).scores for n, f in frames
        ]
        return tuple(float(np.mean([s[key] for s in scores])) for key in ("abs_rel", "delta1"))

    (abs_rel, delta1), *trivial = map(mean, candidates)
    assert abs_rel < 0.8 * min(a for a, _ in trivial)
    assert delta1 > 0.1 + max(d for _, d in trivial)


def test_the_noise_does_not_print_its_pattern_on_every_photo(
    predictor: Predictor, frames: list[tuple[str, Frame]]
) -> None:
    photos = [frame.photo for _, frame in frames[:PHOTOS]]
    seeds = range(2)
    depth = np.array(
        [[predictor.predict(p, steps=1, seed=s).values.ravel() for s in seeds] for p in photos]
    )

    def likeness(shift: int) -> float:
        """Mean correlation of two photos' depth when their seeds are ``shift`` apart."""
        pairs = [(s, a, b) for s in seeds for a, b in combinations(range(len(photos)), 2)]
        other = {s: seeds[(s + shift) % len(seeds)] for s in seeds}
        return float(
            np.mean([np.corrcoef(depth[a, s], depth[b, other[s]])[0, 1] for s, a, b in pairs])
        )

    # Depth maps are alike by their layout; sharing the noise must not make them more so.
    assert likeness(0) - likeness(1) < 0.02
    spread = depth - depth.mean(axis=1, keepdims=True)
    assert spread.std() < 0.15 * depth.std()
