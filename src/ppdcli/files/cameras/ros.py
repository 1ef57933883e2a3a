"""Reads ROS's calibration YAML (camera_calibration, camera_info_manager) and camera_info dumps.

Fields: sensor_msgs/CameraInfo and REP 104. The first pixel centre is at (0, 0).

Such a file describes two images: the raw one (``image_raw``) by K and D, and the rectified one
(``image_rect``) by P. It does not say which of them the user has. A photo counts as the raw image.
If the two cameras differ, the rectified one is kept too, so that a message can show its numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ppdcli.errors import InputError, shown
from ppdcli.files.cameras.content import Content
from ppdcli.files.cameras.lens import is_no_lens, lens_of
from ppdcli.files.cameras.matrix import from_matrix
from ppdcli.files.cameras.names import flat
from ppdcli.files.cameras.stated import (
    Contents,
    Pair,
    StatedCamera,
    image_size,
    number,
    numbers,
)

_OF_MESSAGES = {"r", "p", "distortion_model", "binning_x", "roi", "header"}
_OF_CALIBRATIONS = {
    "camera_name",
    "distortion_model",
    "rectification_matrix",
    "projection_matrix",
}


def is_calibration(content: Content) -> bool:
    """Whether it has camera_matrix, as OpenCV's files do, and another entry of ROS."""
    data = content.mapping
    return "camera_matrix" in data and bool(_OF_CALIBRATIONS & data.keys())


def is_camera_info(content: Content) -> bool:
    """Whether all documents are camera_info messages of ROS 1 (K) or ROS 2 (k)."""
    messages = content.documents
    return bool(messages) and all(map(_is_message, messages))


def _is_message(data: Any) -> bool:
    if not isinstance(data, dict) or not ("K" in data or "k" in data):
        return False
    names = {str(key).lower() for key in data}
    return {"width", "height"} <= names and bool(_OF_MESSAGES & names)


def read_calibration(content: Content) -> Contents:
    """Reads a calibration YAML.

    Raises:
        InputError: a value is missing or makes no sense.
    """
    data, where = content.mapping, content.where
    known = ("distortion_model", "distortion_coefficients")
    unknown = [key for key in data if "dist" in str(key).lower() and key not in known]
    if unknown:
        raise InputError(
            f"{where}: {shown(unknown[0])} is not a known entry; rename it to "
            "distortion_coefficients"
        )
    camera = _stated(
        _data(data.get("camera_matrix"), "camera_matrix", where),
        None
        if data.get("distortion_coefficients") is None
        else _data(data["distortion_coefficients"], "distortion_coefficients", where),
        str(data.get("distortion_model") or ""),
        _data(data.get("projection_matrix", []), "projection_matrix", where),
        image_size(data, "image_width", "image_height", where),
        (0.0, 0.0),
        where,
    )
    return Contents("ROS calibration", (camera,))


def read_camera_info(content: Content) -> Contents:
    """Reads the messages of a dump, which must be about one camera.

    Raises:
        InputError: a value is missing or makes no sense, or the cameras differ.
    """
    where = content.where
    cameras = {_of_message(message, where) for message in content.documents}
    if len(cameras) > 1:
        raise InputError(
            f"{where}: its messages are of {len(cameras)} different cameras; keep one message"
        )
    return Contents("ROS camera_info", tuple(cameras))


def _of_message(message: Mapping[str, Any], where: str) -> StatedCamera:
    fields = {str(key).lower(): value for key, value in message.items()}
    size = image_size(fields, "width", "height", where)
    roi = fields.get("roi") or {}
    if not isinstance(roi, dict):
        raise InputError(f"{where}: roi has no entries; correct it")
    corner = (0.0, 0.0)
    part = image_size(roi, "width", "height", f"{where}: roi")
    if part is not None:
        # K describes the whole sensor, and the image shows this part of it. Binning only scales it.
        x, y = (number(roi.get(key, 0), f"roi.{key}", where) for key in ("x_offset", "y_offset"))
        size, corner = part, (x, y)
    return _stated(
        numbers(fields["k"], "K", where),
        None if fields.get("d") is None else numbers(fields["d"], "D", where),
        str(fields.get("distortion_model") or ""),
        numbers(fields.get("p") or [], "P", where),
        size,
        corner,
        where,
    )


def _data(entry: Any, what: str, where: str) -> list[float]:
    """Returns the values of a matrix with rows, cols and data, or of a plain list."""
    return numbers(flat(entry), what, where)


def _stated(
    k: list[float],
    d: list[float] | None,
    model: str,
    p: list[float],
    size: tuple[int, int] | None,
    corner: Pair,
    where: str,
) -> StatedCamera:
    if len(k) == 9 and k[0] == 0:
        raise InputError(
            f"{where}: the camera is not calibrated (K is zero); calibrate it, or give a field of "
            "view"
        )
    focal, (cx, cy) = from_matrix(k, where)
    try:
        distortion = lens_of(model, d or [])
        if d is None and not is_no_lens(model):
            raise ValueError(f"it states the distortion model {model} without D; add it")
    except ValueError as error:
        return StatedCamera(problem=str(error))
    raw = StatedCamera("", focal, (cx - corner[0], cy - corner[1]), size, distortion=distortion)
    if len(p) != 12 or p[0] <= 0 or p[5] <= 0:
        return raw
    rectified = StatedCamera("", (p[0], p[5]), (p[2] - corner[0], p[6] - corner[1]), size)
    if rectified == raw:
        return raw
    return StatedCamera("", raw.focal, raw.centre, size, None, distortion, rectified)
