"""Which photos see what a photo sees, from other places but not from too far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ppdcli.geometry.posed import PosedDepth, seen_at

SAMPLES = 16, 12  # points of a photo that are looked for in others
BEST_ANGLE, NARROWER, WIDER = 10.0, 5.0, 20.0  # degrees between two lines of sight
LEAST_WEIGHT = 0.05  # of photos from one place, and from opposite sides
SIZES = 3.0  # largest ratio of the depths that two photos see a point at
LEAST_SCORE = 0.02


@dataclass(frozen=True, eq=False)
class ViewSample:
    """A few points of a posed depth map, and what tells whether other cameras see them.

    Attributes:
        view: the map without its pixels.
        points: (K, 3) in the world.
        depth: (K,) of these.
    """

    view: PosedDepth
    points: np.ndarray
    depth: np.ndarray


def sample_of(view: PosedDepth) -> ViewSample:
    """Takes points of a depth map on a coarse grid."""
    height, width = view.depth.shape
    columns, rows = (
        ((np.arange(count) + 0.5) * size / count).astype(np.intp)
        for count, size in zip(SAMPLES, (width, height), strict=True)
    )
    depth = view.depth[np.ix_(rows, columns)].astype(np.float64)
    slopes = view.slopes[np.ix_(rows, columns)]
    taken = np.isfinite(depth) & np.isfinite(slopes[..., 0])
    z = depth[taken]
    points = np.column_stack((slopes[taken] * z[:, None], z))
    none, no_colors = np.empty((0, 0), np.float32), np.empty((0, 0, 3), np.uint8)
    light = PosedDepth(
        view.name, none, no_colors, view.camera, view.pose, view.distortion, view.spread
    )
    return ViewSample(light, view.pose.to_world(points), z)


def choose_neighbours(samples: Sequence[ViewSample], most: int = 8) -> list[list[int]]:
    """For each view the others that see most of its points, the best ones first.

    A point counts more if the two lines of sight meet at about ``BEST_ANGLE`` degrees: photos from
    one place repeat each other's mistakes, and photos from far apart see different surfaces.

    Args:
        samples: of all views.
        most: neighbours of a view.
    """
    centres = [sample.view.pose.centre for sample in samples]
    chosen = []
    for index, sample in enumerate(samples):
        scores = np.zeros(len(samples))
        if len(sample.points):
            own = _directions(sample.points - centres[index])
            for k, other in enumerate(samples):
                if k != index:
                    scores[k] = _score(sample, own, other, centres[k])
        order = np.argsort(-scores, kind="stable")[:most]
        chosen.append([int(k) for k in order if scores[k] > LEAST_SCORE])
    return chosen


def _score(sample: ViewSample, own: np.ndarray, other: ViewSample, centre: np.ndarray) -> float:
    camera = other.view.camera
    points = other.view.pose.to_camera(sample.points)
    u, v = seen_at(points, camera)  # a pinhole will do to choose
    inside = (u >= 0) & (u < camera.width) & (v >= 0) & (v < camera.height)
    if not inside.any():
        return 0.0
    ratio = points[inside, 2] / sample.depth[inside]
    alike = (ratio < SIZES) & (ratio > 1 / SIZES)
    theirs = _directions(sample.points[inside] - centre)
    angle = np.degrees(np.arccos(np.clip((own[inside] * theirs).sum(axis=1), -1, 1)))
    width = np.where(angle < BEST_ANGLE, NARROWER, WIDER)
    weight = np.exp(-(((angle - BEST_ANGLE) / width) ** 2) / 2)
    return float((np.maximum(weight, LEAST_WEIGHT) * alike).sum() / len(sample.points))


def _directions(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))
