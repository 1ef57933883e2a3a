"""Writes posed views as a COLMAP model, with points as noisy as those of structure from motion."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pycolmap

from ppdcli.geometry.posed import Pose, seen_at
from ppdcli.scenes.sequences import Clip

EACH = 200  # points that are found in each view
SAME = 0.01  # of depth: a view sees a point if its true depth there is this close
LEAST_TRACK = 2  # views that must see a point


@dataclass(frozen=True)
class Dirt:
    """What is wrong with the points.

    Attributes:
        noise: Standard deviation of their distance, as a share of it.
        pixels: Standard deviation of the observations.
        outliers: Share of points whose distance is wrong by far (a factor of e^0.7 or so).
    """

    noise: float = 0.005
    pixels: float = 0.5
    outliers: float = 0.05


def poses_of(clip: Clip) -> list[Pose]:
    """Returns the world-to-camera poses of the views."""
    inverse = np.linalg.inv(clip.poses)
    return [Pose(pose[:3, :3], pose[:3, 3]) for pose in inverse]


def write_model(folder: Path, clip: Clip, dirt: Dirt, seed: int) -> int:
    """Writes cameras, images (``000.png`` and so on) and points3D as .bin.

    Args:
        folder: Where to, created if missing.
        clip: The views.
        dirt: What is wrong with the points.
        seed: Decides the points and their errors.

    Returns:
        The number of points.
    """
    rng = np.random.default_rng(seed)
    camera, poses = clip.camera, poses_of(clip)
    points = np.concatenate([_found(clip, k, pose, rng) for k, pose in enumerate(poses)])
    views = [observed(clip, k, pose, points) for k, pose in enumerate(poses)]
    lasting = np.sum(views, axis=0) >= LEAST_TRACK
    points, views = points[lasting], [view[lasting] for view in views]
    made = pycolmap.Reconstruction()
    # COLMAP's first pixel centre is at (0.5, 0.5).
    numbers = [camera.fx, camera.fy, camera.cx + 0.5, camera.cy + 0.5]
    made.add_camera_with_trivial_rig(
        pycolmap.Camera(
            model="PINHOLE", width=camera.width, height=camera.height, params=numbers, camera_id=1
        )
    )
    tracks: list[list[pycolmap.TrackElement]] = [[] for _ in points]
    for k, (pose, view) in enumerate(zip(poses, views, strict=True)):
        seen = np.flatnonzero(view)
        places = np.stack(seen_at(pose.to_camera(points[seen]), camera), -1) + 0.5
        places += rng.normal(0, dirt.pixels, places.shape)
        image = pycolmap.Image(name=f"{k:03}.png", keypoints=places, camera_id=1, image_id=k + 1)
        rigid = pycolmap.Rigid3d(pycolmap.Rotation3d(pose.rotation), pose.translation)
        made.add_image_with_trivial_frame(image, rigid)
        for position, point in enumerate(seen):
            tracks[point].append(pycolmap.TrackElement(k + 1, position))
    centre = np.mean([pose.centre for pose in poses], axis=0)
    wrong = rng.random(len(points)) < dirt.outliers
    errors = np.where(wrong, rng.normal(0, 0.7, len(points)), 0)
    errors += rng.normal(0, dirt.noise, len(points))
    moved = centre + (points - centre) * np.exp(errors)[:, None]
    grey = np.full(3, 128, np.uint8)
    for place, track in zip(moved, tracks, strict=True):
        made.add_point3D(place, pycolmap.Track(track), grey)
    folder.mkdir(parents=True, exist_ok=True)
    made.write_binary(str(folder))
    return len(points)


def _found(clip: Clip, k: int, pose: Pose, rng: np.random.Generator) -> np.ndarray:
    """Returns (N, 3) points of the world at random pixels of a view."""
    rows, columns = np.nonzero(clip.valid[k])
    taken = rng.choice(rows.size, min(EACH, rows.size), replace=False)
    row, column = rows[taken], columns[taken]
    z = clip.depth[k][row, column].astype(np.float64)
    camera = clip.camera
    x, y = (column - camera.cx) / camera.fx * z, (row - camera.cy) / camera.fy * z
    return pose.to_world(np.column_stack((x, y, z)))


def observed(clip: Clip, k: int, pose: Pose, points: np.ndarray) -> np.ndarray:
    """Returns (N,) bool, the points of the world that view ``k`` sees.

    Args:
        clip: The views.
        k: Which one.
        pose: Its pose.
        points: (N, 3).
    """
    inside = pose.to_camera(points)
    u, v = seen_at(inside, clip.camera)
    height, width = clip.depth.shape[1:]
    seen = (u >= 0) & (u <= width - 1) & (v >= 0) & (v <= height - 1)
    index = np.flatnonzero(seen)
    there = clip.depth[k][np.rint(v[index]).astype(int), np.rint(u[index]).astype(int)]
    seen[index] = np.abs(there - inside[index, 2]) < SAME * inside[index, 2]
    return seen
