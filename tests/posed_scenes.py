"""Posed views of a small scene of boxes, with exact depth."""

from __future__ import annotations

import numpy as np

from ppdcli.geometry.camera import Camera
from ppdcli.geometry.distortion import Distortion
from ppdcli.geometry.posed import Pose, PosedDepth
from ppdcli.geometry.unproject import slopes_of

# Boxes as (low, high) corners; y points down, as in COLMAP's usual worlds. The first one is the
# room, which is seen from inside.
BOXES = np.array(
    [
        [[-3.0, -2.0, -1.0], [3.0, 1.0, 6.0]],
        [[-1.0, -0.2, 2.5], [0.0, 1.0, 3.5]],
        [[0.4, 0.2, 3.0], [1.2, 1.0, 3.8]],
        [[-2.4, 0.4, 3.2], [-1.6, 1.0, 4.4]],
    ]
)
CAMERA = Camera(104.0, 104.0, 63.5, 47.5, 128, 96)


def looking(at: tuple[float, float, float], target: tuple[float, float, float]) -> Pose:
    """A camera at a place that looks at another, upright."""
    forward = np.subtract(target, at)
    forward = forward / np.linalg.norm(forward)
    right = np.cross((0.0, 1.0, 0.0), forward)
    right /= np.linalg.norm(right)
    rotation = np.stack((right, np.cross(forward, right), forward))
    return Pose(rotation, -rotation @ np.array(at))


def poses(count: int = 6) -> list[Pose]:
    """Cameras on an arc in front of the boxes."""
    angles = np.linspace(-0.6, 0.6, count)
    return [
        looking((2.2 * np.sin(a), -0.5 + 0.2 * np.cos(3 * a), 3.0 - 3.2 * np.cos(a)), (0, 0.4, 3.2))
        for a in angles
    ]


def cast(pose: Pose, camera: Camera = CAMERA, lens: Distortion | None = None) -> np.ndarray:
    """(H, W) float32 depth; NaN where the lens has no ray."""
    slopes = slopes_of(camera, lens).reshape(-1, 2).astype(np.float64)
    rays = np.column_stack((slopes, np.ones(len(slopes)))) @ pose.rotation
    start = pose.centre
    nearest = np.full(len(rays), np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        for number, (low, high) in enumerate(BOXES):
            ends = np.sort(np.stack([(low - start) / rays, (high - start) / rays]), axis=0)
            enter, leave = ends[0].max(axis=1), ends[1].min(axis=1)
            hit = leave if number == 0 else np.where(enter < leave, enter, np.inf)
            nearest = np.minimum(nearest, np.where(hit > 0, hit, np.inf))
    depth = np.where(np.isfinite(slopes[:, 0]), nearest, np.nan)
    return depth.reshape(camera.height, camera.width).astype(np.float32)


def painted(pose: Pose, depth: np.ndarray, camera: Camera = CAMERA) -> np.ndarray:
    """(H, W, 3) uint8: a colour for each place in the world."""
    slopes = slopes_of(camera, None)
    points = pose.to_world(np.concatenate((slopes * depth[..., None], depth[..., None]), 2))
    return np.rint(127 + 120 * np.sin(2.0 * np.nan_to_num(points))).astype(np.uint8)


def views(count: int = 6, spread: float = 0.003) -> list[PosedDepth]:
    """Posed depth maps of the scene."""
    made = []
    for number, pose in enumerate(poses(count)):
        depth = cast(pose)
        colors = painted(pose, depth)
        made.append(PosedDepth(f"{number}.png", depth, colors, CAMERA, pose, None, spread))
    return made


def distance(points: np.ndarray) -> np.ndarray:
    """(N,): distance of points from the surfaces of the scene."""
    best = np.full(len(points), np.inf)
    for low, high in BOXES:
        outside = np.maximum(np.maximum(low - points, points - high), 0)
        inside = np.minimum(points - low, high - points).min(axis=1)
        away = np.linalg.norm(outside, axis=1)
        best = np.minimum(best, np.where(inside > 0, inside, away))
    return best
