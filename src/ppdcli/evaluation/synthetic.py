"""The ``synthetic`` set: rendered scenes that no training has seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ppdcli.depth import DepthMap
from ppdcli.evaluation.metrics import Scores, align_log, score
from ppdcli.geometry.upsample import downsample_depth
from ppdcli.photo import Photo
from ppdcli.training.render import SKY_DEPTH
from ppdcli.training.shards import make_samples

SEED = 20_001  # of the scenes; training's are below recipe.SEEDS
BANK = 90_001  # of the textures
SHAPE = (384, 512)  # larger than small models work at, as photos are
Predict = Callable[[Photo], np.ndarray]


@dataclass(frozen=True)
class Row:
    """Mean scores of one predictor over the set.

    Attributes:
        images: how many were scored.
    """

    name: str
    scores: Scores
    images: int


def scenes(count: int) -> Iterator[tuple[Photo, np.ndarray]]:
    """Photos and their true depth (H, W) in metres; equal numbers give equal scenes."""
    for k in range(count):
        samples = make_samples(SEED, k, 1, SHAPE, BANK)
        yield Photo(samples.rgb[0], f"synthetic {k}"), samples.depth[0]


def constant(photo: Photo) -> np.ndarray:
    """A predictor that sees nothing."""
    return np.zeros(photo.rgb.shape[:2])


def vertical_ramp(photo: Photo) -> np.ndarray:
    """A predictor that knows only that the ground is below: far above, near below."""
    height, width = photo.rgb.shape[:2]
    return np.repeat(np.linspace(1, 0, height)[:, None], width, axis=1)


def of_depth_map(predict: Callable[[Photo], DepthMap]) -> Predict:
    """A model's depth, brought to the photo's size by the nearest pixel, as the protocol has it."""
    return lambda photo: downsample_depth(predict(photo).values, *photo.rgb.shape[:2])


def evaluate(predictors: dict[str, Predict], count: int) -> list[Row]:
    """Scores predictors on the first ``count`` scenes; the sky is masked.

    Returns:
        A row a predictor, means over images.
    """
    columns: dict[str, list[Scores]] = {name: [] for name in predictors}
    for photo, depth in scenes(count):
        mask = depth < SKY_DEPTH
        if not mask.any():
            continue
        for name, predict in predictors.items():
            columns[name].append(score(align_log(predict(photo), depth, mask), depth, mask))
    return [_mean(name, column) for name, column in columns.items()]


def _mean(name: str, column: list[Scores]) -> Row:
    abs_rel = float(np.mean([s.abs_rel for s in column]))
    return Row(name, Scores(abs_rel, float(np.mean([s.delta1 for s in column]))), len(column))
