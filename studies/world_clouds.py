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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

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
from studies.cloud_scores import CloudScores, Surface, concatenated, table
from studies.posed_model import Dirt, observed, poses_of, write_model

SHAPE = (192, 256)
REDUCTION = 4  # of the exact depth with bilinear dirt at its edges
BLOCKS = 4_000  # of Open3D's grid at first, 16 x 16 x 16 voxels each; it grows
RULES = {
    "view agreement": AgreementRule(refine=False),
    "view agreement and mean": AgreementRule(refine=True),
}


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
    aligned = _aligned(clip, relative, seed)
    first = next(iter(aligned.values())).fit
    unfitted = [_view(k, clip, first.apply(relative[k])) for k in aligned]
    yield "no fit: the first view's for all", concatenated(unfitted)
    yield "fit", concatenated([_view(k, clip, view.alone) for k, view in aligned.items()])
    smooth = [_view(k, clip, view.smooth, view.spread) for k, view in aligned.items()]
    yield "+ smooth correction (concatenation)", concatenated(smooth)
    clean = [_view(k, clip, view.clean, view.spread) for k, view in aligned.items()]
    yield "+ edge cleaning", concatenated(clean)
    near = choose_neighbours([sample_of(view) for view in clean])
    for name, rule in RULES.items():
        checked = [
            replace(view, depth=check(view, [clean[n] for n in near[k]], rule).depth)
            for k, view in enumerate(clean)
        ]
        yield f"+ {name}", concatenated(checked)
        fused = merge(len(clean), clean.__getitem__, MergeSettings(rule=rule))
        yield f"+ {name}, fusion", fused.points.astype(np.float64)
    yield "TSDF of the concatenated", tsdf(smooth, fused.voxel)
    yield "TSDF of the edge-cleaned", tsdf(clean, fused.voxel)


@dataclass(frozen=True, eq=False)
class AlignedView:
    """One view's depth (H, W) after the fit alone, with the smooth correction, and edge-clean."""

    fit: LogFit
    alone: np.ndarray
    smooth: np.ndarray
    clean: np.ndarray
    spread: float


def _aligned(clip: Clip, relative: Sequence[np.ndarray], seed: int) -> dict[int, AlignedView]:
    """Returns the views by number, without those whose points cannot fix a scale."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        write_model(Path(folder), clip, Dirt(), seed)
        model = read_poses(Path(folder))
    assert model is not None and model.points is not None and model.points.seen is not None
    for k, values in enumerate(relative):
        index = model.index_of(f"{k:03}.png")
        places = model.points.places[model.points.seen[index]]
        seen = points_in(places, model.pose(index), clip.camera)
        try:
            both = align_photo(values, seen.u, seen.v, seen.depth)
        except InputError as error:
            print(f"view {k} is left out: {error}", flush=True)
            continue
        tidy, flying = cleaned(both.values, clip.rgb[k], CloudOptions(), None)
        clean = np.where(both.trusted & ~flying, tidy, np.float32(np.nan))
        alone = np.where(both.trusted, both.fit.apply(values), np.float32(np.nan))
        found[k] = AlignedView(both.fit, alone, both.depth, clean, both.spread)
    if len(found) < 2:
        raise InputError("fewer than two views are left")
    return found


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
