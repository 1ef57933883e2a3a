"""A table of clouds merged from posed photos, on rendered scenes with exact surfaces.

``python -m studies.world_clouds [--scenes N] [--views N]`` writes the views as a COLMAP model with
noisy points and outliers, reads it back, and merges depth maps step by step: one fit for all, a fit
for each view, the smooth correction, edge cleaning, agreement of views, fusion. Plain concatenation
and Open3D's TSDF fusion get the same depth maps. Distances are in per cent of a point's distance to
the nearest camera.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from scipy.spatial import cKDTree

from ppdcli.cloud import cleaned
from ppdcli.cloud_options import CloudOptions
from ppdcli.errors import InputError
from ppdcli.files.cameras.poses import read_poses
from ppdcli.files.open3d_import import import_open3d
from ppdcli.geometry.agreement import AgreementRule, check
from ppdcli.geometry.aligning import align_photo
from ppdcli.geometry.log_fit import LogFit
from ppdcli.geometry.merging import MergeSettings, merge
from ppdcli.geometry.neighbours import choose_neighbours, sample_of
from ppdcli.geometry.posed import PosedDepth
from ppdcli.geometry.upsample import downsample_depth
from ppdcli.geometry.visible import points_in
from ppdcli.photo import Photo
from ppdcli.scenes.sequences import Clip
from studies.clips import worlds
from studies.posed_model import Dirt, observed, poses_of, write_model

SHAPE = (192, 256)
REDUCTION = 4  # of the exact depth with bilinear dirt at its edges
THRESHOLDS = (0.01, 0.02, 0.05)  # of the distance to the nearest camera
MOST = 200_000  # points of a cloud that are measured
BLOCKS = 4_000  # of Open3D's grid at first, 16 x 16 x 16 voxels each; it grows
Predict = Callable[[Photo], np.ndarray]


@dataclass(frozen=True)
class CloudScores:
    """Scores of a cloud; shares of the distance to the nearest camera.

    Attributes:
        points: Number of points.
        accuracy: Mean distance from the cloud to the true surface.
        completeness: Mean distance to the cloud from the true surface that two or more views see.
        f: F-score at each of ``THRESHOLDS``: the harmonic mean of the shares of points of the cloud
            that are close to the surface, and of points of that surface close to the cloud.
        f_all: The same with what only one view sees, which nothing can confirm.
    """

    points: int
    accuracy: float
    completeness: float
    f: tuple[float, ...]
    f_all: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Surface:
    """The true surface that the views see.

    Attributes:
        points: (N, 3).
        shared: (N,) bool, those that two or more views see.
        centres: (V, 3), where the cameras are.
        cell: Side of the cells in which clouds are thinned to one point, for equal weights.
    """

    points: np.ndarray
    shared: np.ndarray
    centres: np.ndarray
    cell: float

    def score(self, cloud: np.ndarray) -> CloudScores:
        """Scores a cloud (N, 3)."""
        thin = cloud[one_each(cloud, self.cell)]
        to_truth = cKDTree(self.points).query(thin)[0] / self._away(thin)
        chosen = one_each(self.points, self.cell)
        truth, shared = self.points[chosen], self.shared[chosen]
        to_cloud = cKDTree(cloud).query(truth)[0] / self._away(truth)
        return CloudScores(
            len(cloud),
            float(to_truth.mean()),
            float(to_cloud[shared].mean()),
            _f_scores(to_truth, to_cloud[shared]),
            _f_scores(to_truth, to_cloud),
        )

    def _away(self, points: np.ndarray) -> np.ndarray:
        return cKDTree(self.centres).query(points)[0]


def _f_scores(to_truth: np.ndarray, to_cloud: np.ndarray) -> tuple[float, ...]:
    found = []
    for limit in THRESHOLDS:
        precision, recall = float((to_truth < limit).mean()), float((to_cloud < limit).mean())
        found.append(2 * precision * recall / max(precision + recall, 1e-9))
    return tuple(found)


def one_each(points: np.ndarray, cell: float) -> np.ndarray:
    """Returns the index of one of the points in each cell, by chance, and at most ``MOST``."""
    mixed = np.random.default_rng(0).permutation(len(points))
    cells = np.floor(points[mixed] / cell).astype(np.int64)
    _, first = np.unique(cells, axis=0, return_index=True)
    return mixed[np.sort(first)[:MOST]]


def surface_of(clip: Clip) -> Surface:
    """Returns the true surface of a clip's views."""
    views = [
        _view(k, clip, np.where(clip.valid[k], clip.depth[k], np.nan))
        for k in range(len(clip.depth))
    ]
    cell = float(np.median(clip.depth[clip.valid])) / clip.camera.fx
    points, poses = concatenated(views), poses_of(clip)
    seen = np.sum([observed(clip, k, pose, points) for k, pose in enumerate(poses)], axis=0)
    return Surface(points, seen > 1, np.array([pose.centre for pose in poses]), cell)


def concatenated(views: Sequence[PosedDepth]) -> np.ndarray:
    """Returns all points (N, 3) of the world."""
    clouds = []
    for view in views:
        known = np.isfinite(view.depth)
        z = view.depth[known].astype(np.float64)
        points = np.column_stack((view.slopes[known] * z[:, None], z))
        clouds.append(view.pose.to_world(points))
    return np.concatenate(clouds)


def dirty(depth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns exact relative depth with bilinear dirt at its edges, under a scale and a shift."""
    height, width = depth.shape
    small = downsample_depth(np.log1p(depth), height // REDUCTION, width // REDUCTION)
    relative = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return (relative * rng.uniform(0.15, 0.3) + rng.uniform(-0.1, 0.1)).astype(np.float32)


def clouds(
    clip: Clip, relative: Sequence[np.ndarray], seed: int
) -> Iterator[tuple[str, np.ndarray]]:
    """Yields the cloud (N, 3) after each step, by name.

    Args:
        clip: The views.
        relative: The relative depth (H, W) of each.
        seed: Of the errors of the points.
    """
    fits, aligned = _aligned(clip, relative, seed)
    yield (
        "no fit: the first view's for all",
        concatenated([_view(k, clip, fits[0].apply(x)) for k, x in enumerate(relative)]),
    )
    yield "fit", concatenated([_view(k, clip, depth) for k, (depth, *_) in enumerate(aligned)])
    smooth = [_view(k, clip, d, spread) for k, (_, d, _, spread) in enumerate(aligned)]
    yield "+ smooth correction (concatenation)", concatenated(smooth)
    clean = [_view(k, clip, d, spread) for k, (_, _, d, spread) in enumerate(aligned)]
    yield "+ edge cleaning", concatenated(clean)
    plain = AgreementRule(refine=False)
    near = choose_neighbours([sample_of(view) for view in clean])
    for name, rule in (
        ("+ view agreement", plain),
        ("+ mean of those that agree", AgreementRule()),
    ):
        checked = [
            replace(view, depth=check(view, [clean[n] for n in near[k]], rule).depth)
            for k, view in enumerate(clean)
        ]
        yield name, concatenated(checked)
    fused = merge(len(clean), clean.__getitem__, MergeSettings())
    yield "+ fusion", fused.points.astype(np.float64)
    yield "TSDF of the concatenated", tsdf(smooth, fused.voxel)
    yield "TSDF of the edge-cleaned", tsdf(clean, fused.voxel)


def _aligned(
    clip: Clip, relative: Sequence[np.ndarray], seed: int
) -> tuple[list[LogFit], list[tuple[np.ndarray, np.ndarray, np.ndarray, float]]]:
    """Returns the fit of each view; its depth after the fit, after the correction and after edge
    cleaning, and its spread."""
    fits, found = [], []
    with tempfile.TemporaryDirectory() as folder:
        write_model(Path(folder), clip, Dirt(), seed)
        model = read_poses(Path(folder))
    assert model is not None and model.points is not None and model.points.seen is not None
    for k, values in enumerate(relative):
        index = model.index_of(f"{k:03}.png")
        places = model.points.places[model.points.seen[index]]
        seen = points_in(places, model.pose(index), clip.camera)
        alone = align_photo(values, seen.u, seen.v, seen.depth, field=False)
        both = align_photo(values, seen.u, seen.v, seen.depth)
        tidy, flying = cleaned(both.values, clip.rgb[k], CloudOptions(), None)
        clean = np.where(both.trusted & ~flying, tidy, np.float32(np.nan))
        fits.append(alone.fit)
        found.append((alone.depth, both.depth, clean, both.spread))
    return fits, found


def _view(k: int, clip: Clip, depth: np.ndarray, spread: float = 0.01) -> PosedDepth:
    pose = poses_of(clip)[k]
    return PosedDepth(f"{k:03}.png", depth, clip.rgb[k], clip.camera, pose, None, spread)


def tsdf(views: Sequence[PosedDepth], voxel: float) -> np.ndarray:
    """Returns the points (N, 3) of Open3D's TSDF fusion (tensor VoxelBlockGrid)."""
    o3d = import_open3d()
    core = o3d.core
    grid = o3d.t.geometry.VoxelBlockGrid(
        ("tsdf", "weight"), (core.float32, core.float32), ((1,), (1,)), voxel, 16, BLOCKS
    )
    for view in views:
        camera, extrinsic = view.camera, np.eye(4)
        matrix = [[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]]
        intrinsic = core.Tensor(np.array(matrix, np.float64))
        extrinsic[:3, :3], extrinsic[:3, 3] = view.pose.rotation, view.pose.translation
        depth = np.nan_to_num(view.depth, nan=0.0).astype(np.float32)
        image = o3d.t.geometry.Image(core.Tensor(np.ascontiguousarray(depth[..., None])))
        place = intrinsic, core.Tensor(extrinsic)
        blocks = grid.compute_unique_block_coordinates(image, *place, 1.0, float(depth.max()) + 1)
        grid.integrate(blocks, image, *place, 1.0, float(depth.max()) + 1)
    return np.asarray(grid.extract_point_cloud(1.0).point.positions.numpy(), np.float64)


def table(scores: dict[str, list[CloudScores]]) -> list[str]:
    """Returns the lines to print: means over scenes."""
    heads = "".join(f"{f'F {100 * limit:g} %':>8}" for limit in THRESHOLDS)
    lines = [f"{'':<38}{'points':>9}{'accuracy':>10}{'complete':>10}{heads}{'all 1 %':>9}"]
    for name, column in scores.items():
        accuracy = np.mean([100 * s.accuracy for s in column])
        complete = np.mean([100 * s.completeness for s in column])
        f = "".join(f"{value:>8.3f}" for value in np.mean([s.f for s in column], axis=0))
        points = int(np.mean([s.points for s in column]))
        lone = np.mean([s.f_all[0] for s in column])
        lines.append(f"{name:<38}{points:>9}{accuracy:>10.3f}{complete:>10.3f}{f}{lone:>9.3f}")
    return lines


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--scenes", type=int, default=6, help="number of scenes (6)")
    parser.add_argument("--views", type=int, default=12, help="views of each (12)")
    parser.add_argument("--model", default="ppd-tiny", help="the model (ppd-tiny); '' for none")
    given = parser.parse_args()
    predictor = None
    if given.model:
        from ppdcli import load

        predictor = load(given.model)
    exact: dict[str, list[CloudScores]] = {}
    predicted: dict[str, list[CloudScores]] = {}
    for number, (name, clip) in enumerate(worlds(given.scenes, given.views, SHAPE)):
        rng = np.random.default_rng(number)
        kinds = [("exact depth, bilinear edges", exact, [dirty(z, rng) for z in clip.depth])]
        if predictor is not None:
            values = [predictor.predict(Photo(rgb, name)).values for rgb in clip.rgb]
            kinds.append((given.model, predicted, values))
        surface = surface_of(clip)
        for kind, scores, relative in kinds:
            try:
                found = list(clouds(clip, relative, number))
            except InputError as error:
                print(f"{name}, {kind}: {error}", flush=True)
                continue
            for step, cloud in found:
                scores.setdefault(step, []).append(surface.score(cloud))
            print("\n".join((f"{kind}, with {name}:", *table(scores), "")), flush=True)


if __name__ == "__main__":
    main()
