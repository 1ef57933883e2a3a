"""Poses from the matrices that other programs write."""

from __future__ import annotations

import numpy as np

from ppdcli.geometry.posed import Pose

_FROM_OPENGL = np.diag([1.0, -1.0, -1.0])  # x right, y up, z backward


def pose_of_opengl(to_world: np.ndarray) -> Pose | str:
    """The pose of a camera with OpenGL's axes, as nerfstudio's and ARKit's; or what is wrong.

    Args:
        to_world: (3, 4) from the camera to the world.
    """
    turn = to_world[:, :3] @ _FROM_OPENGL
    return _checked(turn.T, -turn.T @ to_world[:, 3])


def pose_of_opencv(to_camera: np.ndarray) -> Pose | str:
    """The pose of a camera with OpenCV's axes, as Open3D's; or what is wrong.

    Args:
        to_camera: (3, 4) from the world to the camera.
    """
    return _checked(to_camera[:, :3], to_camera[:, 3])


def _checked(rotation: np.ndarray, translation: np.ndarray) -> Pose | str:
    if np.linalg.det(rotation) <= 0:
        return "has a pose that mirrors"
    try:
        return Pose(rotation, translation)
    except ValueError as error:
        return f"cannot be used, since {error}"
