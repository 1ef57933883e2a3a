"""Turns a cloud with a point for each pixel into a mesh with the photo as its texture."""

from __future__ import annotations

import math

import numpy as np

from ppdcli.axes import Axes, from_opencv, to_opencv
from ppdcli.cloud_data import CloudData, CloudPixels
from ppdcli.errors import InputError
from ppdcli.files.glb import TexturedMesh
from ppdcli.geometry.mesh import grid_faces, grid_step, simplified, vertex_normals

COARSER = 1.3  # times the step of a grid that has too many faces


def mesh_of(cloud: CloudData, axes: Axes, most_faces: int) -> TexturedMesh:
    """Returns the surface through the points of neighbouring pixels, cut at depth edges.

    Args:
        cloud: a cloud with its pixels.
        axes: the axes of its points.
        most_faces: largest number of triangles.

    Returns:
        The mesh in glTF's axes.

    Raises:
        InputError: the cloud was thinned, or no two neighbouring pixels are on one surface.
    """
    pixels = cloud.pixels
    if pixels is None:
        raise InputError("a mesh needs a point for each pixel, and this cloud was thinned")
    points = to_opencv(cloud.points, axes)
    vertices, faces = surface(points, pixels.taken, most_faces)
    return TexturedMesh(
        from_opencv(vertices, "opengl"),
        from_opencv(vertex_normals(vertices, faces), "opengl"),
        _texture_at(vertices, pixels),
        faces,
        pixels.rgb,
        tuple(line for line in cloud.comments if not line.startswith("axes ")),
    )


def surface(
    points: np.ndarray, taken: np.ndarray, most_faces: int
) -> tuple[np.ndarray, np.ndarray]:
    """Returns vertices and faces of a surface, from the finest grid that the limit allows.

    Args:
        points: (N, 3) in the axes of the camera, in the order of pixels.
        taken: (H, W) bool, the pixels that have a point.
        most_faces: largest number of triangles.

    Raises:
        InputError: no two neighbouring pixels are on one surface.
    """
    number = np.zeros(taken.shape, np.int32)
    number[taken] = np.arange(len(points), dtype=np.int32)
    height, width = taken.shape
    step = grid_step(height, width, most_faces)
    while True:
        numbers = number[::step, ::step]
        depth = np.where(taken[::step, ::step], points[numbers, 2], np.nan)
        faces = grid_faces(depth, step)
        if len(faces) == 0:
            raise InputError("no two neighbouring pixels are on one surface, so there is no mesh")
        vertices, faces = simplified(points, numbers.ravel()[faces], most_faces)
        if len(faces) <= most_faces:
            return vertices, faces
        step = math.ceil(COARSER * step)  # small pieces cannot be simplified


def _texture_at(vertices: np.ndarray, pixels: CloudPixels) -> np.ndarray:
    """Returns where the camera sees each vertex: (V, 2) in [0, 1] from the upper left corner."""
    camera = pixels.camera
    x, y = (vertices[:, k].astype(np.float64) / vertices[:, 2] for k in (0, 1))
    if pixels.distortion is not None:
        x, y = pixels.distortion.distort(x, y)
    u = (camera.fx * x + camera.cx + 0.5) / camera.width
    v = (camera.fy * y + camera.cy + 0.5) / camera.height
    return np.clip(np.column_stack((u, v)), 0, 1).astype(np.float32)
