"""Real COLMAP models of the small scene, written by COLMAP's own library."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pycolmap
from posed_scenes import CAMERA, cast

from ppdcli.geometry.camera import Camera
from ppdcli.geometry.posed import Pose, seen_at


def points_seen(
    poses: Sequence[Pose], camera: Camera, each: int, seed: int = 0
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Points on the surfaces of the scene, and for each camera those that it sees."""
    rng = np.random.default_rng(seed)
    places, depths = [], [cast(pose, camera) for pose in poses]
    for pose, depth in zip(poses, depths, strict=True):
        row, column = rng.integers(camera.height, size=each), rng.integers(camera.width, size=each)
        z = depth[row, column].astype(np.float64)
        x, y = (column - camera.cx) / camera.fx * z, (row - camera.cy) / camera.fy * z
        places.append(pose.to_world(np.column_stack((x, y, z))))
    points = np.concatenate(places)
    seen = []
    for pose, depth in zip(poses, depths, strict=True):
        inside = pose.to_camera(points)
        u, v = seen_at(inside, camera)
        there = (u > 0) & (u < camera.width - 1) & (v > 0) & (v < camera.height - 1)
        index = np.flatnonzero(there)
        z = depth[np.rint(v[index]).astype(int), np.rint(u[index]).astype(int)]
        seen.append(index[np.abs(z / inside[index, 2] - 1) < 0.02])
    return points, seen


def write_model(
    folder: Path,
    names: Sequence[str],
    poses: Sequence[Pose],
    camera: Camera = CAMERA,
    *,
    model: str = "PINHOLE",
    parameters: Sequence[float] = (),
    each: int = 150,
    text: bool = False,
    noise: float = 0.0,
) -> pycolmap.Reconstruction:
    """Writes cameras, images and points3D as .bin, or as .txt.

    Args:
        names, poses: of the images.
        camera: shared by all images.
        model, parameters: COLMAP's lens and its numbers after fx, fy, cx, cy.
        each: points that begin in each image.
        noise: of the points along the line of sight, relative to depth.
    """
    given = [camera.fx, camera.fy, camera.cx + 0.5, camera.cy + 0.5, *parameters]
    made = pycolmap.Reconstruction()
    made.add_camera_with_trivial_rig(
        pycolmap.Camera(
            model=model, width=camera.width, height=camera.height, params=given, camera_id=3
        )
    )
    points, seen = points_seen(poses, camera, each)
    rng = np.random.default_rng(1)
    tracks: list[list[tuple[int, int]]] = [[] for _ in points]
    for number, (name, pose, indices) in enumerate(zip(names, poses, seen, strict=True), 11):
        u, v = seen_at(pose.to_camera(points[indices]), camera)
        image = pycolmap.Image(
            name=name, keypoints=np.column_stack((u, v)) + 0.5, camera_id=3, image_id=number
        )
        rigid = pycolmap.Rigid3d(pycolmap.Rotation3d(pose.rotation), pose.translation)
        made.add_image_with_trivial_frame(image, rigid)
        for position, index in enumerate(indices):
            tracks[index].append((number, position))
    centre = np.mean([pose.centre for pose in poses], axis=0)
    for place, track in zip(points, tracks, strict=True):
        moved = centre + (place - centre) * np.exp(rng.normal(0, noise))
        elements = [pycolmap.TrackElement(*pair) for pair in track]
        made.add_point3D(moved, pycolmap.Track(elements), np.array([9, 9, 9], np.uint8))
    folder.mkdir(parents=True, exist_ok=True)
    (made.write_text if text else made.write_binary)(str(folder))
    return made
