"""Reads Metashape's XML: the cameras of a project (cameras.xml), or one camera's calibration.

cx and cy count from the image's centre. p1 and p2 are OpenCV's p2 and p1. fx is f + b1, and b2 is
the skew (Metashape's manual, appendix "Camera models"). Old versions wrote fx and fy, and cx and cy
from the corner. The first pixel centre is at (0.5, 0.5).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ppdcli.errors import InputError, shown
from ppdcli.files.cameras.content import Content
from ppdcli.files.cameras.lens import FIRST, checked_lens
from ppdcli.files.cameras.matrix import SKEW_ALLOWED, checked_focal
from ppdcli.files.cameras.stated import Contents, StatedCamera, image_size, number
from ppdcli.geometry.distortion import Distortion

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_VALUES = ("f", "cx", "cy", "b1", "b2", "k1", "k2", "k3", "k4", "p1", "p2", "p3", "p4")
_OLD_VALUES = ("fx", "fy", "skew")


def fits(content: Content) -> bool:
    """Whether it is a document with sensors, or a calibration with a focal length."""
    root = content.xml
    if root is None:
        return False
    return (root.tag in ("document", "chunk") and root.find(".//sensor") is not None) or (
        root.tag == "calibration" and bool({"f", "fx"} & {entry.tag for entry in root})
    )


def read(content: Content) -> Contents:
    """Reads the sensors and the photos of each, or the one camera of a calibration.

    Raises:
        InputError: a value makes no sense, or no sensor has been calibrated.
    """
    root, where = content.xml, content.where
    assert root is not None
    if root.tag == "calibration":
        return Contents("Metashape", (_stated("", root, root, where),))
    cameras: list[StatedCamera] = []
    indices: dict[str | None, int] = {}
    for sensor in root.iter("sensor"):
        label = f"sensor {shown(sensor.get('label') or sensor.get('id'), 40)}"
        indices[sensor.get("id")] = len(cameras)
        cameras.append(_stated(label, sensor, _calibration(sensor), f"{where}: {label}"))
    images = [
        (str(camera.get("label")), indices[camera.get("sensor_id")])
        for camera in root.iter("camera")
        if camera.get("label") and camera.get("sensor_id") in indices
    ]
    return Contents("Metashape", tuple(cameras), tuple(images))


def _calibration(sensor: Element) -> Element | None:
    """Returns the adjusted calibration, or else the user's initial one."""
    found = sensor.findall("calibration")
    adjusted = [each for each in found if each.get("class") == "adjusted"]
    return next(iter(adjusted or found), None)


def _stated(label: str, sensor: Element, calibration: Element | None, where: str) -> StatedCamera:
    if calibration is None:
        return StatedCamera(label, problem="is not calibrated; align the photos, and export again")
    kind = calibration.findtext("projection") or calibration.get("type") or sensor.get("type") or ""
    if kind not in ("frame", "fisheye"):
        return StatedCamera(label, problem=f"its type {shown(kind)} cannot be undistorted; {FIRST}")
    every = (*_VALUES, *_OLD_VALUES)
    values = {key: number(calibration.findtext(key) or 0, key, where) for key in every}
    size = _size(calibration, where)
    if size is None:
        raise InputError(f"{where}: states no resolution; export it again")
    is_old = calibration.find("fx") is not None
    if is_old:
        values |= {"f": values["fy"], "b1": values["fx"] - values["fy"], "b2": values["skew"]}
        values |= {"cx": values["cx"] - size[0] / 2, "cy": values["cy"] - size[1] / 2}
    fx, fy = checked_focal(values["f"] + values["b1"], values["f"], where)
    if abs(values["b2"]) > SKEW_ALLOWED * fx:
        told = f"it has a skew (b2 = {values['b2']:g}), which is not supported; calibrate without"
        return StatedCamera(label, size=size, problem=told)
    if is_old and (values["p1"] or values["p2"]):
        told = "its p1 and p2 are of an old version; export the cameras with a newer one"
        return StatedCamera(label, size=size, problem=told)
    centre = (size[0] / 2 + values["cx"] - 0.5, size[1] / 2 + values["cy"] - 0.5)
    try:
        lens = _lens(kind, values)
    except ValueError as error:
        return StatedCamera(label, size=size, problem=str(error))
    return StatedCamera(label, (fx, fy), centre, size, distortion=lens)


def _size(calibration: Element, where: str) -> tuple[int, int] | None:
    resolution = calibration.find("resolution")
    if resolution is not None:
        return image_size(resolution.attrib, "width", "height", where)
    sides = {key: calibration.findtext(key) for key in ("width", "height")}
    return image_size(sides, "width", "height", where)


def _lens(kind: str, values: Mapping[str, float]) -> Distortion | None:
    beyond = [key for key in ("p3", "p4", *(["k4"] if kind == "frame" else [])) if values[key]]
    if beyond:
        raise ValueError(f"its lens has {beyond[0]}, which cannot be undistorted; {FIRST}")
    k1, k2, k3, k4 = (values[key] for key in ("k1", "k2", "k3", "k4"))
    p1, p2 = values["p2"], values["p1"]
    if kind == "frame":
        return checked_lens("opencv", [k1, k2, p1, p2, k3])
    return checked_lens("thin_prism_fisheye", [k1, k2, p1, p2, k3, k4, 0.0, 0.0])
