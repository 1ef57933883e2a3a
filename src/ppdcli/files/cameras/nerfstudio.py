"""Reads transforms.json of nerfstudio and Instant NGP. The first pixel centre is at (0.5, 0.5)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ppdcli.errors import InputError, shown
from ppdcli.files.cameras.content import Content
from ppdcli.files.cameras.matrix import checked_focal
from ppdcli.files.cameras.stated import (
    Contents,
    Pair,
    StatedCamera,
    image_size,
    number,
    numbers,
)
from ppdcli.geometry.distortion import NAMES, Distortion, Model

_PERSPECTIVE = ("", "OPENCV", "PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL")
_COEFFICIENTS = ("k1", "k2", "k3", "k4", "k5", "k6", "p1", "p2")
_LISTED = ("k1", "k2", "k3", "k4", "p1", "p2")  # the order of distortion_params
_OTHER_LENSES = ("ftheta_p0", "latlong", "equirectangular", "orthographic")  # Instant NGP's
# fmt: off
_SETTINGS = (
    "camera_model", "is_fisheye", "fl_x", "fl_y", "cx", "cy", "w", "h", "camera_angle_x",
    "camera_angle_y", *_COEFFICIENTS, "distortion_params", *_OTHER_LENSES,
)
# fmt: on


def fits(content: Content) -> bool:
    """Whether it states a focal length as this format does, or lists images with their poses."""
    data = content.mapping
    if data.keys() & {"fl_x", "camera_angle_x"}:
        return True
    frames = data.get("frames")
    listed = frames[0] if isinstance(frames, list) and frames else None
    return isinstance(listed, dict) and bool(listed.keys() & {"file_path", "transform_matrix"})


def read(content: Content) -> Contents:
    """Reads the intrinsics at the top. Those of a single frame take precedence over them.

    Raises:
        InputError: there is no focal length or no frame, or a value makes no sense.
    """
    data, where = content.mapping, content.where
    shared = {key: data[key] for key in _SETTINGS if key in data}
    frames = data.get("frames")
    if frames is None:
        return Contents("nerfstudio", (_of_settings(shared, where),))
    if not isinstance(frames, list) or not frames:
        raise InputError(f"{where}: frames is no list of images; export it again")
    cameras: dict[StatedCamera, int] = {}
    images: list[tuple[str, int]] = []
    for index, frame in enumerate(frames):
        if not isinstance(frame, dict) or not isinstance(frame.get("file_path"), str):
            raise InputError(f"{where}: frame {index} has no file_path; export it again")
        own = {key: frame[key] for key in _SETTINGS if key in frame}
        name = frame["file_path"]
        # The camera has no label, because most files have the same camera in all frames.
        camera = _of_settings({**shared, **own}, f"{where}: frame {shown(name)!r}")
        images.append((name, cameras.setdefault(camera, len(cameras))))
    return Contents("nerfstudio", tuple(cameras), tuple(images))


def _of_settings(settings: Mapping[str, Any], where: str) -> StatedCamera:
    values = {
        key: number(settings[key], key, where)
        for key in ("fl_x", "fl_y", "cx", "cy", "camera_angle_x", "camera_angle_y", *_COEFFICIENTS)
        if settings.get(key) is not None
    }
    if settings.get("distortion_params"):
        listed = numbers(settings["distortion_params"], "distortion_params", where)
        if len(listed) != len(_LISTED):
            raise InputError(
                f"{where}: distortion_params has {len(listed)} numbers instead of {len(_LISTED)}, "
                f"{' '.join(_LISTED)}; correct it"
            )
        values.update(zip(_LISTED, listed, strict=True))
    size = image_size(settings, "w", "h", where)
    model = str(settings.get("camera_model") or "").upper()
    fisheye = model == "OPENCV_FISHEYE" or (not model and bool(settings.get("is_fisheye")))
    lens: Model = "fisheye" if fisheye else "opencv"
    problem = _problem(settings, model, lens, values)
    if problem:
        return StatedCamera(problem=problem)
    # In this format k4 is the coefficient of r^8, which was refused above.
    distortion = Distortion.of(lens, *(values.get(name, 0.0) for name in NAMES[lens]))
    centre = (values["cx"] - 0.5, values["cy"] - 0.5) if {"cx", "cy"} <= values.keys() else None
    focal, fov = _focal(values, size, where)
    return StatedCamera("", focal, centre, size, fov, None if distortion.is_pinhole else distortion)


def _focal(
    values: Mapping[str, float], size: tuple[int, int] | None, where: str
) -> tuple[Pair | None, float | None]:
    """Returns the focal lengths, or the horizontal field of view if only that is stated."""
    if "fl_x" in values:
        return checked_focal(values["fl_x"], values.get("fl_y", values["fl_x"]), where), None
    angles = [values[key] for key in ("camera_angle_x", "camera_angle_y") if key in values]
    if "camera_angle_x" not in values:
        raise InputError(f"{where}: neither fl_x nor camera_angle_x says the focal length; add one")
    if not all(0 < angle < math.pi for angle in angles):
        raise InputError(f"{where}: the camera angles must lie between 0 and pi; they are radians")
    if size is None or len(angles) < 2:
        return None, angles[0]
    fx, fy = (side / 2 / math.tan(angle / 2) for side, angle in zip(size, angles, strict=True))
    return (fx, fy), None


def _problem(
    settings: Mapping[str, Any], model: str, lens: Model, values: Mapping[str, float]
) -> str:
    """Returns why the lens cannot be undistorted; empty if it can."""
    first = "undistort the images first"
    if lens == "opencv" and model not in _PERSPECTIVE:
        return f"its camera_model {shown(model)} cannot be undistorted; {first}"
    for key in _OTHER_LENSES:
        if settings.get(key):
            return f"its lens ({key}) cannot be undistorted; {first}"
    beyond = ("k4", "k5", "k6") if lens == "opencv" else ("k5", "k6", "p1", "p2")
    for key in beyond:
        if values.get(key, 0) != 0:
            return f"its lens has {key} = {values[key]:g}, which cannot be undistorted; {first}"
    if lens == "fisheye" and "fl_x" not in values:
        return "it is a fisheye without fl_x, so its focal length is unknown; add fl_x"
    return ""
