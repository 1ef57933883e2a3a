"""A table of meshes made from depth maps, on rendered scenes with exact depth.

``python -m studies.meshes [--images N]`` compares three ways to join neighbouring pixels by faces:
all of them; MoGe's way (pixels whose 3 x 3 neighbourhood spans more than 4 % of their depth get no
face); and ours (the edge-clean filter, then ``geometry.mesh``), also simplified. The scenes are
those of ``ppd evaluate synthetic``; no threshold was chosen on them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from ppdcli.evaluation.edge_metrics import FLYING, REACH, flying_points, scaled_points, search_tree
from ppdcli.evaluation.synthetic import finer_depth
from ppdcli.files.cloud_mesh import surface
from ppdcli.files.open3d_import import import_open3d
from ppdcli.geometry.mesh import grid_faces
from ppdcli.geometry.unproject import unproject
from studies.edge_filters import Case, Predict, cases, leave, remove_flying, remove_jumps

KINDS = ("clean", "bilinear x4", "model, enlarged")
FEWER = 20_000  # faces of a simplified mesh, of about 390,000
FINER = 3  # times as many pixels of true depth in both directions
EVERY = 3  # every n-th pixel in both directions is measured


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles in the axes of the camera: (V, 3) vertices, (F, 3) their numbers."""

    vertices: np.ndarray
    faces: np.ndarray


@dataclass(frozen=True)
class MeshScore:
    """How well a mesh shows the true surfaces.

    Attributes:
        faces: Number of faces.
        rubber: Share of faces whose centre hangs between two true surfaces.
        seen_rubber: Share of the pixels that the camera sees on such a place.
        covered: Share of the valid pixels at which the camera sees the mesh.
        to_truth, from_truth: Mean distance of what the camera sees to the true surface, and back,
            in per cent of depth.
    """

    faces: float
    rubber: float
    seen_rubber: float
    covered: float
    to_truth: float
    from_truth: float


def all_joined(case: Case) -> Mesh:
    """Joins all neighbours."""
    return _joined(case, _valid(case, leave(case)))


def joined_like_moge(case: Case) -> Mesh:
    """Joins neighbours except at jumps, as MoGe's program does."""
    return _joined(case, _valid(case, remove_jumps(case)))


def ours(case: Case) -> Mesh:
    """Joins neighbours on one surface, without flying pixels, as ``ppd pointcloud -f glb`` does."""
    depth = _valid(case, remove_flying(case))
    return _mesh(case, depth, grid_faces(depth))


def ours_simplified(case: Case) -> Mesh:
    """The same with fewer faces."""
    camera = case.reference.camera
    points, taken = unproject(_valid(case, remove_flying(case)), camera)
    return Mesh(*surface(points, taken, FEWER))


WAYS: dict[str, Callable[[Case], Mesh]] = {
    "all joined": all_joined,
    "MoGe's way": joined_like_moge,
    "ours": ours,
    f"ours, {FEWER} faces": ours_simplified,
}


def score(case: Case, mesh: Mesh, fine: np.ndarray) -> MeshScore:
    """Compares a mesh with the true depth, which ``fine`` has with more pixels."""
    truth, valid = case.reference.truth, case.reference.valid
    seen = rendered(case, mesh)
    hit = np.isfinite(seen) & valid
    hanging = flying_points(np.where(hit, seen, truth), truth) & hit
    grid = np.zeros_like(hit)
    grid[::EVERY, ::EVERY] = True
    camera = case.reference.camera
    ours_, true = (scaled_points(np.where(valid, a, np.nan), camera) for a in (seen, truth))
    ours_, true = ours_[hit & grid], true[valid & grid]
    return MeshScore(
        len(mesh.faces),
        float(hangs(case, mesh, fine).mean()),
        float(hanging.sum() / max(1, hit.sum())),
        float(hit.sum() / valid.sum()),
        100 * float(search_tree(true).query(ours_)[0].mean()),
        100 * float(search_tree(ours_).query(true)[0].mean()),
    )


def hangs(case: Case, mesh: Mesh, fine: np.ndarray) -> np.ndarray:
    """Whether the centre of each face hangs between true surfaces.

    Its depth differs by more than 3 % from every true depth in the 9 x 9 fine pixels around, and
    lies between the nearest and the farthest of these. So a steep slope does not count.

    Args:
        case: The scene.
        mesh: Of the scene.
        fine: (FINER H, FINER W) true depth.
    """
    camera = case.reference.camera
    centres = mesh.vertices[mesh.faces].mean(axis=1)
    log = np.log(centres[:, 2])
    height, width = fine.shape
    u, v = (
        np.rint(FINER * (focal * centres[:, k] / centres[:, 2] + middle) + FINER // 2).astype(int)
        for k, focal, middle in ((0, camera.fx, camera.cx), (1, camera.fy, camera.cy))
    )
    true = np.pad(np.log(fine), REACH, mode="edge")
    around = np.stack(
        [
            true[np.clip(v, 0, height - 1) + dy, np.clip(u, 0, width - 1) + dx]
            for dy in range(2 * REACH + 1)
            for dx in range(2 * REACH + 1)
        ]
    )
    apart = np.abs(around - log).min(axis=0)
    between = (log > around.min(axis=0)) & (log < around.max(axis=0))
    hanging: np.ndarray = between & (apart > np.log1p(FLYING))
    return hanging


def rendered(case: Case, mesh: Mesh) -> np.ndarray:
    """Depth of the mesh as the camera sees it, (H, W); NaN where it sees none."""
    open3d = import_open3d()
    camera, (height, width) = case.reference.camera, case.reference.truth.shape
    scene = open3d.t.geometry.RaycastingScene(nthreads=1)
    scene.add_triangles(mesh.vertices.astype(np.float32), mesh.faces.astype(np.uint32))
    v, u = np.mgrid[:height, :width].astype(np.float32)
    rays = np.zeros((height, width, 6), np.float32)
    rays[..., 3], rays[..., 4] = (u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy
    rays[..., 5] = 1  # so that the distance is the depth
    found = scene.cast_rays(open3d.core.Tensor(rays), nthreads=1)["t_hit"].numpy()
    return np.where(np.isfinite(found), found, np.nan)


def evaluate(count: int, predict: Predict) -> dict[str, dict[str, MeshScore]]:
    """Returns the mean scores of every way on every kind, over ``count`` scenes: [kind][way]."""
    found: dict[str, dict[str, list[MeshScore]]] = {}
    for kind, case in cases(count, predict):
        if kind in KINDS:
            rows = found.setdefault(kind, {name: [] for name in WAYS})
            fine = finer_depth(case.scene, FINER)
            for name, way in WAYS.items():
                rows[name].append(score(case, way(case), fine))
    return {
        kind: {name: _mean(scores) for name, scores in rows.items()} for kind, rows in found.items()
    }


def table(scores: dict[str, dict[str, MeshScore]]) -> Iterator[str]:
    """Yields the lines to print."""
    for kind, rows in scores.items():
        yield kind
        yield (
            f"  {'':<20}{'faces':>9}{'rubber faces':>14}{'rubber seen':>13}{'covered':>9}"
            f"{'to truth':>10}{'from truth':>12}"
        )
        for name, s in rows.items():
            shares = f"{s.rubber:>14.2%}{s.seen_rubber:>13.2%}{s.covered:>9.1%}"
            yield f"  {name:<20}{s.faces:>9.0f}{shares}{s.to_truth:>10.3f}{s.from_truth:>12.3f}"


def _mean(scores: list[MeshScore]) -> MeshScore:
    return MeshScore(*np.mean([list(vars(s).values()) for s in scores], axis=0).tolist())


def _valid(case: Case, depth: np.ndarray) -> np.ndarray:
    return np.where(case.reference.valid, depth, np.nan).astype(np.float32)


def _joined(case: Case, depth: np.ndarray) -> Mesh:
    """Two faces for each square of pixels with depth."""
    height, width = depth.shape
    number = np.arange(height * width, dtype=np.int32).reshape(height, width)
    known = np.isfinite(depth)
    square = known[:-1, :-1] & known[:-1, 1:] & known[1:, :-1] & known[1:, 1:]
    a, b, c, d = (n[square] for n in (number[:-1, :-1], number[:-1, 1:], number[1:, :-1],
                                      number[1:, 1:]))  # fmt: skip
    faces = np.concatenate((np.stack((a, c, b), axis=1), np.stack((b, c, d), axis=1)))
    return _mesh(case, depth, faces)


def _mesh(case: Case, depth: np.ndarray, faces: np.ndarray) -> Mesh:
    points, taken = unproject(depth, case.reference.camera)
    number = np.cumsum(taken.ravel()) - 1
    return Mesh(points, number[faces].astype(np.int32))


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=40, help="number of scenes (40)")
    given = parser.parse_args()
    from ppdcli import load

    predictor = load("ppd-tiny")
    cv2.setNumThreads(1)
    for line in table(evaluate(given.images, lambda photo: predictor.predict(photo).values)):
        print(line)


if __name__ == "__main__":
    main()
