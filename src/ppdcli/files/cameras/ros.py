"""ROS: calibration YAML (camera_calibration, camera_info_manager), and dumps of camera_info.

Fields: sensor_msgs/CameraInfo and REP 104. The first pixel centre is at (0, 0).

Such a file is of two images: the raw one (``image_raw``), by K and D, and the rectified one
(``image_rect``), by P. Nothing in the file says which one the user has. A photo is taken for the
raw one, as it came from the camera; where the two differ, the rectified camera is kept beside it,
so that the user is told and can give its numbers instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ppdcli.errors import InputError, shown
from ppdcli.files.cameras.stated import (
    Contents,
    Pair,
    StatedCamera,
    from_matrix,
    image_size,
    number,
    numbers,
)
from ppdcli.geometry.distortion import NAMES, Distortion, Model

MAX_YAML = 2**20  # characters, without repeated messages; the parser is slow
MAX_SCALAR = 4096  # characters; integers of base 60 take the square of it
MAX_DEPTH = 32

_MODELS: dict[str, Model] = {
    "plumb_bob": "opencv",
    "rational_polynomial": "opencv",
    "equidistant": "fisheye",
    "fisheye": "fisheye",
}
_NO_MODEL = ("", "none", "pinhole")

_SEPARATOR = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)
# Of a message, all that changes from one to the next.
_HEADER = re.compile(r"^header:.*?\n(?=\S)", re.MULTILINE | re.DOTALL)
# OpenCV's FileStorage writes a directive that is not always valid YAML, and tags of its own.
_NOT_PLAIN = re.compile(r"\A%YAML.*|!!opencv-(?:nd-)?matrix")


def parse_yaml(text: str, path: Path) -> list[Any]:
    """The documents of a YAML file or of a dump of messages; equal messages once.

    Raises:
        InputError: it is no YAML, or too long.
    """
    import yaml  # type: ignore[import-untyped]

    parts = (_HEADER.sub("", part).strip() for part in _SEPARATOR.split(_NOT_PLAIN.sub("", text)))
    documents = [part for part in dict.fromkeys(parts) if part]
    if sum(map(len, documents)) > MAX_YAML:
        raise InputError(f"{path}: is larger than any camera's YAML; give a file of one camera")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        if not all(_is_plain(document, loader) for document in documents):
            return []
        return [yaml.load(document, loader) for document in documents]
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        at = f" at line {mark.line + 1}" if mark else ""
        raise InputError(f"{path}: cannot be read as YAML{at}; correct it") from error


def _is_plain(document: str, loader: Any) -> bool:
    """Whether a document may be built; finds out, before anything is, what can grow without bounds.

    False for a value longer than ``MAX_SCALAR``: it is no camera file. Raises YAMLError for aliases
    and for lists in lists in lists.
    """
    import yaml

    depth = 0
    for event in yaml.parse(document, loader):
        if isinstance(event, yaml.ScalarEvent) and len(event.value) > MAX_SCALAR:
            return False
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if isinstance(event, yaml.AliasEvent) or depth > MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem_mark=event.start_mark)
    return True


def is_calibration(data: Mapping[str, Any]) -> bool:
    """Whether it is ROS's calibration file, or OpenCV's, which has the same names."""
    return "camera_matrix" in data


def is_camera_info(data: Mapping[str, Any]) -> bool:
    """Whether it is a message of ROS 1 (K) or ROS 2 (k)."""
    return "K" in data or "k" in data


def read_calibration(data: Mapping[str, Any], where: str) -> Contents:
    """From the content of a calibration YAML.

    Raises:
        InputError: a value is missing or makes no sense.
    """
    known = ("distortion_model", "distortion_coefficients")
    unknown = [key for key in data if "dist" in str(key).lower() and key not in known]
    if unknown:
        raise InputError(
            f"{where}: {shown(unknown[0])} is not a known entry; rename it to "
            "distortion_coefficients"
        )
    model = str(data.get("distortion_model") or "")
    if not model and number(data.get("fisheye_model", 0), "fisheye_model", where) != 0:
        model = "fisheye"  # OpenCV's calibration sample
    camera = _stated(
        _data(data.get("camera_matrix"), "camera_matrix", where),
        _data(data.get("distortion_coefficients", []), "distortion_coefficients", where),
        model,
        _data(data.get("projection_matrix", []), "projection_matrix", where),
        image_size(data, "image_width", "image_height", where),
        (0.0, 0.0),
        where,
    )
    return Contents("ROS calibration", (camera,))


def read_camera_info(messages: list[Mapping[str, Any]], where: str) -> Contents:
    """From the messages of a dump, which must be of one camera.

    Raises:
        InputError: a value is missing or makes no sense, or the cameras differ.
    """
    cameras = {_of_message(message, where) for message in messages}
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
        # K is of the whole sensor, the image shows this part of it; binning only scales it.
        x, y = (number(roi.get(key, 0), f"roi.{key}", where) for key in ("x_offset", "y_offset"))
        size, corner = part, (x, y)
    return _stated(
        numbers(fields["k"], "K", where),
        numbers(fields.get("d") or [], "D", where),
        str(fields.get("distortion_model") or ""),
        numbers(fields.get("p") or [], "P", where),
        size,
        corner,
        where,
    )


def _data(entry: Any, what: str, where: str) -> list[float]:
    """A matrix: rows, cols, data; or a plain list."""
    return numbers(entry.get("data") if isinstance(entry, dict) else entry, what, where)


def _stated(
    k: list[float],
    d: list[float],
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
        distortion = _distortion(model, d)
    except ValueError as error:
        return StatedCamera(problem=str(error))
    raw = StatedCamera("", focal, (cx - corner[0], cy - corner[1]), size, distortion=distortion)
    if len(p) != 12 or p[0] <= 0 or p[5] <= 0:
        return raw
    rectified = StatedCamera("", (p[0], p[5]), (p[2] - corner[0], p[6] - corner[1]), size)
    if rectified == raw:
        return raw
    return StatedCamera("", raw.focal, raw.centre, size, None, distortion, rectified)


def _distortion(model: str, d: list[float]) -> Distortion | None:
    """None for a pinhole; ValueError with the reason where it cannot be undistorted."""
    name = model.lower()
    if name in _NO_MODEL:
        if not any(d):
            return None
        name = "plumb_bob"
    if name not in _MODELS:
        raise ValueError(
            f"its distortion model {shown(model)} cannot be undistorted; undistort the image "
            "first, or calibrate with plumb_bob, rational_polynomial or equidistant"
        )
    lens = _MODELS[name]
    known = len(NAMES[lens])
    if any(d[known:]):
        raise ValueError(
            f"its {len(d)} distortion coefficients are more than the {known} that can be "
            "undistorted; undistort the image first, or calibrate without the others"
        )
    distortion = Distortion.of(lens, *d[:known])
    return None if distortion.is_pinhole else distortion
