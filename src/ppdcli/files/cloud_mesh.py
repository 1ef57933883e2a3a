"""From a cloud with a point for each pixel to a mesh with the photo on it."""

from __future__ import annotations

import numpy as np

from ppdcli.axes import Axes, from_opencv, to_opencv
from ppdcli.cloud_data import CloudData, CloudPixels
from ppdcli.errors import InputError
from ppdcli.files.glb import TexturedMesh
from ppdcli.geometry.mesh import grid_faces, grid_step, simplified, vertex_normals


def mesh_of(cloud: CloudData, axes: Axes, most_faces: int) -> TexturedMesh:
    """The surface through the points of neighbouring pixels, cut at depth edges.

    Args:
        cloud: with its pixels.
        axes: of its points.
        most_faces: triangles that the mesh may have.

    Returns:
        The mesh in glTF's axes, whatever those of the cloud.

    Raises:
        InputError: the cloud was thinned, or no two neighbouring pixels are on one surface.
    """
    pixels = cloud.pixels
    if pixels is None:
        raise InputError("a mesh needs a point for each pixel, and this cloud was thinned")
    points = to_opencv(cloud.points, axes)
    height, width = pixels.taken.shape
    step = grid_step(height, width, most_faces)
    taken = pixels.taken[::step, ::step]
    number = np.zeros(pixels.taken.shape, np.int32)
    number[pixels.taken] = np.arange(len(points), dtype=np.int32)
    number = number[::step, ::step]
    depth = np.where(taken, points[number, 2], np.nan)
    faces = grid_faces(depth, step)
    if len(faces) == 0:
        raise InputError("no two neighbouring pixels are on one surface, so there is no mesh")
    vertices, faces = simplified(points, number.ravel()[faces], most_faces)
    return TexturedMesh(
        from_opencv(vertices, "opengl"),
        from_opencv(vertex_normals(vertices, faces), "opengl"),
        _texture_at(vertices, pixels),
        faces,
        pixels.rgb,
        tuple(line for line in cloud.comments if not line.startswith("axes ")),
    )


def _texture_at(vertices: np.ndarray, pixels: CloudPixels) -> np.ndarray:
    """Where the camera sees each vertex, (V, 2) in [0, 1] from the photo's upper left corner."""
    camera = pixels.camera
    x, y = (vertices[:, k].astype(np.float64) / vertices[:, 2] for k in (0, 1))
    if pixels.distortion is not None:
        x, y = pixels.distortion.distort(x, y)
    u = (camera.fx * x + camera.cx + 0.5) / camera.width
    v = (camera.fy * y + camera.cy + 0.5) / camera.height
    return np.clip(np.column_stack((u, v)), 0, 1).astype(np.float32)
