"""Cameras, and pictures of a scene with exact depth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppdcli.scenes.furnished import shading
from ppdcli.scenes.furnished.scene import LINEAR, Scene
from ppdcli.scenes.samples import SKY_DEPTH


@dataclass(frozen=True)
class Camera:
    """A pinhole camera.

    Attributes:
        place: Position, (3,) metres.
        target: Point in the middle of the picture, (3,) metres.
        roll: Rotation about the optical axis, in radians.
        fov: Angle in degrees over the picture's longer side; at most 100 for a panorama.
    """

    place: np.ndarray
    target: np.ndarray
    roll: float
    fov: float

    def axes(self) -> np.ndarray:
        """Returns axes (3, 3): the columns are right, up and forward in the world."""
        forward = self.target - self.place
        forward = forward / np.linalg.norm(forward)
        right = np.cross([0.0, 1.0, 0.0], forward)
        right /= np.linalg.norm(right)
        up = np.cross(forward, right)
        c, s = np.cos(self.roll), np.sin(self.roll)
        return np.stack([c * right + s * up, c * up - s * right, forward], 1)

    def focal(self, height: int, width: int) -> float:
        """Returns the focal length in pixels."""
        return 0.5 * max(height, width) / float(np.tan(np.radians(self.fov) / 2))


def take(
    scene: Scene, camera: Camera, height: int, width: int, hard: bool = False, rays: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Takes a picture.

    Args:
        scene: The scene.
        camera: The camera.
        height, width: Size of the picture.
        hard: Whether shadows keep sharp edges.
        rays: Number of ambient rays per pixel.

    Returns:
        Linear light (H, W, 3) float32 >= 0; depth along the optical axis (H, W) float32 metres at
        the pixel centres, SKY_DEPTH for the sky and for anything farther.
    """
    arrays = scene.arrays()
    world = scene.world()
    lights = np.array(scene.lights) if scene.lights else np.zeros((0, shading.LIGHT))
    buffers = np.zeros((height, width, shading.BUFFER), np.float32)
    depth = np.zeros((height, width), np.float32)
    instances = np.zeros((height, width), np.int32)
    tree, geometry, shape = arrays.meshes.scene, arrays.geometry, arrays.shape
    eye, axes = camera.place.astype(np.float64), np.ascontiguousarray(camera.axes())
    focal = camera.focal(height, width)
    common = tree, geometry, shape, lights, world, LINEAR, arrays.cutouts, eye, axes, focal
    reach = 2 if hard else 4
    shading.trace_picture(*common, rays, reach, buffers, depth, instances)
    falls = shading.smooth_light(buffers, depth, reach)
    fog = world[shading.SKY_LOW : shading.SKY_LOW + 3]
    light = shading.compose(buffers, falls, fog)
    shading.soften_edges(*common, buffers, depth, instances, falls, light)
    depth = np.where(depth > 0, np.minimum(depth, np.float32(SKY_DEPTH)), np.float32(SKY_DEPTH))
    return light, depth


def cast(scene: Scene, camera: Camera, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Casts rays from a camera.

    Args:
        scene: The scene.
        camera: The camera; only its place counts.
        directions: (N, 3) float64 in the scene, of length 1 along the optical axis.

    Returns:
        Depth along the optical axis (N,) float32 metres, SKY_DEPTH for the sky and for anything
        farther; the number of the placed part (N,) int64, -1 for the sky.
    """
    arrays = scene.arrays()
    depth, who = np.zeros(len(directions), np.float32), np.empty(len(directions), np.int64)
    eye = camera.place.astype(np.float64)
    shading.cast_rays(arrays.meshes.scene, arrays.geometry, eye, directions, depth, who)
    depth = np.where(depth > 0, np.minimum(depth, np.float32(SKY_DEPTH)), np.float32(SKY_DEPTH))
    return depth, who
