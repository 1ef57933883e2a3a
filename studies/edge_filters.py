"""A table of filters for flying pixels, on rendered scenes with exact depth.

``python -m studies.edge_filters [--images N]`` shows the effect of each filter on clean depth and
on several kinds of corrupted depth. The scenes are those of ``ppd evaluate synthetic``; no
threshold was chosen on them. The sky is included in the corruption, as in photos, but its pixels
are not points.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from ppdcli.depth import DepthMap
from ppdcli.evaluation import synthetic
from ppdcli.evaluation.edge_metrics import Reference, Score, placed_truth, total
from ppdcli.evaluation.metrics import align_log
from ppdcli.geometry.edges import flying_pixels
from ppdcli.geometry.snap import snap_points
from ppdcli.geometry.unproject import unproject
from ppdcli.geometry.upsample import downsample_depth
from ppdcli.photo import Photo
from ppdcli.scenes.samples import SKY_DEPTH

REDUCTION = 4
EVERY = 2  # every n-th point in the edge band is measured
NEIGHBOURS, DEVIATIONS = 20, 3.0  # of the statistical outlier removal; the authors' choice
JUMP = 0.04  # in 3 x 3 pixels; MoGe's choice
Predict = Callable[[Photo], np.ndarray]


@dataclass(frozen=True, eq=False)
class Case:
    """One corrupted depth map.

    Attributes:
        reference: The true depth on the map's grid.
        depth: (H, W) metres, the corrupted map.
        rgb: (H, W, 3) uint8, the photo on the same grid.
        own: The map on the network's own grid, if ``depth`` is an enlargement of it.
        scene: Number of the scene.
    """

    reference: Reference
    depth: np.ndarray
    rgb: np.ndarray
    own: np.ndarray | None = None
    scene: int = 0


Filter = Callable[[Case], np.ndarray]  # returns the clean depth map, NaN for removed points


def leave(case: Case) -> np.ndarray:
    """Applies no filter."""
    return case.depth


def remove_outliers(case: Case) -> np.ndarray:
    """Applies Open3D's statistical outlier removal (20, 3.0) to the points in space."""
    from ppdcli.files.open3d_import import import_open3d

    open3d = import_open3d()
    valid = case.reference.valid
    points, _ = unproject(np.where(valid, case.depth, np.nan), case.reference.camera)
    cloud = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(points.astype(np.float64)))
    _, kept = cloud.remove_statistical_outlier(NEIGHBOURS, DEVIATIONS)
    pixels = np.flatnonzero(valid)[np.asarray(kept, np.intp)]
    result = np.full(case.depth.size, np.nan, np.float32)
    result[pixels] = case.depth.ravel()[pixels]
    return result.reshape(case.depth.shape)


def remove_jumps(case: Case) -> np.ndarray:
    """Removes pixels whose 3 x 3 neighbourhood spans more than 4 % of their depth, as in MoGe."""
    depth = case.depth.astype(np.float32)
    window = np.ones((3, 3), np.uint8)
    span = cv2.dilate(depth, window) - cv2.erode(depth, window)
    return np.where(span > JUMP * depth, np.nan, depth)


def remove_flying(case: Case) -> np.ndarray:
    """Applies our filter, on the network's own grid if there is one, as ``ppd pointcloud`` does."""
    depth = case.depth if case.own is None else case.own
    return _at_size_of(case, np.where(flying_pixels(depth), np.nan, depth))


def snap_or_remove(case: Case) -> np.ndarray:
    """Moves flying pixels to the surface of the most similar colour; removes the others."""
    depth = case.depth if case.own is None else case.own
    rgb = cv2.resize(case.rgb, depth.shape[::-1], interpolation=cv2.INTER_AREA)
    flying = flying_pixels(depth)
    snapped, moved = snap_points(depth, rgb, flying)
    return _at_size_of(case, np.where(flying & ~moved, np.nan, snapped))


def snap_or_leave(case: Case) -> np.ndarray:
    """The same, but keeps a point without such a surface: a depth map without holes."""
    depth = case.depth if case.own is None else case.own
    rgb = cv2.resize(case.rgb, depth.shape[::-1], interpolation=cv2.INTER_AREA)
    return _at_size_of(case, snap_points(depth, rgb, flying_pixels(depth))[0])


FILTERS: dict[str, Filter] = {
    "no filter": leave,
    "statistical": remove_outliers,
    "3x3 jump": remove_jumps,
    "flying": remove_flying,
    "snap, remove": snap_or_remove,
    "snap, leave": snap_or_leave,
}


def cases(count: int, predict: Predict | None = None) -> Iterator[tuple[str, Case]]:
    """Yields every kind of corrupted depth on ``count`` scenes, by name.

    Args:
        count: Number of scenes.
        predict: Returns a model's relative depth map on its own grid. Without it, the three kinds
            of the model are left out.
    """
    for k, (photo, truth) in enumerate(synthetic.scenes(count)):
        if not (truth < SKY_DEPTH).any():
            continue
        reference = _reference(truth, k)
        height, width = truth.shape
        small = downsample_depth(truth, height // REDUCTION, width // REDUCTION)
        enlarged = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
        yield "clean", Case(reference, truth, photo.rgb, scene=k)
        yield "bilinear x4", Case(reference, enlarged, photo.rgb, scene=k)
        for sigma in (1, 2):
            blurred = cv2.GaussianBlur(truth, (0, 0), sigma)
            yield f"blur, sigma {sigma}", Case(reference, blurred, photo.rgb)
        if predict is None:
            continue
        relative = predict(photo)
        own = _reference(downsample_depth(truth, *relative.shape), k)
        depth = align_log(relative, own.truth, own.valid).astype(np.float32)
        rgb = cv2.resize(photo.rgb, relative.shape[::-1], interpolation=cv2.INTER_AREA)
        yield "model, own size", Case(own, depth, rgb)
        placed = Reference(placed_truth(own.truth, depth), own.camera, own.valid)
        yield "model, own size, against its own surfaces", Case(placed, depth, rgb)
        yield "model, enlarged", Case(reference, _enlarged(depth, photo.rgb), photo.rgb, depth, k)


def evaluate(count: int, predict: Predict | None = None) -> dict[str, dict[str, Score]]:
    """Returns the scores of every filter on every kind, over ``count`` scenes: [kind][filter]."""
    scores: dict[str, dict[str, list[Score]]] = {}
    for kind, case in cases(count, predict):
        column = scores.setdefault(kind, {name: [] for name in FILTERS})
        for name, clean in FILTERS.items():
            column[name].append(case.reference.score(case.depth, clean(case), EVERY))
    return {
        kind: {name: total(images) for name, images in column.items()}
        for kind, column in scores.items()
    }


def table(scores: dict[str, dict[str, Score]]) -> list[str]:
    """Returns the lines to print; shares in per cent, distances in per cent of depth."""
    lines = []
    for kind, rows in scores.items():
        any_row = next(iter(rows.values()))
        lines.append(
            f"{kind}: {any_row.points} points, {any_row.flying} flying, "
            f"{any_row.true} true, {any_row.thin} of them thin"
        )
        lines.append(
            f"  {'':<14}{'flying gone':>12}{'true kept':>11}{'thin kept':>11}{'all lost':>10}"
            f"{'to truth':>10}{'from truth':>12}{'Chamfer':>9}"
        )
        for name, s in rows.items():
            shares = (
                (s.flying - s.flying_left, s.flying, 12),
                (s.true_kept, s.true, 11),
                (s.thin_kept, s.thin, 11),
                (s.lost, s.points, 10),
            )
            percent = "".join(f"{_percent(part, whole):>{width}}" for part, whole, width in shares)
            distances = (
                f"{100 * s.accuracy:>10.3f}{100 * s.completeness:>12.3f}"
                f"{100 * (s.accuracy + s.completeness):>9.3f}"
            )
            lines.append(f"  {name:<14}{percent}{distances}")
    return lines


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f}" if whole else "-"


def _reference(truth: np.ndarray, number: int) -> Reference:
    camera = synthetic.camera_of(number, *truth.shape)
    return Reference(truth, camera, truth < SKY_DEPTH)


def _at_size_of(case: Case, depth: np.ndarray) -> np.ndarray:
    return depth if case.own is None else _enlarged(depth, case.rgb)


def _enlarged(depth: np.ndarray, rgb: np.ndarray) -> np.ndarray:
    """Enlarges metric depth to the photo's size as ``ppd pointcloud`` does."""
    height, width = rgb.shape[:2]
    return DepthMap(depth, "metric").resized(height, width, rgb).values


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=40, help="number of scenes (40)")
    parser.add_argument("--model", default="ppd-tiny", help="model for the predicted depth")
    given = parser.parse_args()
    from ppdcli import load

    predictor = load(given.model)
    cv2.setNumThreads(1)
    scores = evaluate(given.images, lambda photo: predictor.predict(photo).values)
    print("\n".join(table(scores)))


if __name__ == "__main__":
    main()
