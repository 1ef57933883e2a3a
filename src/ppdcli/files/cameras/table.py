"""The formats of camera files: one row each, in the order in which a file is compared with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ppdcli.errors import InputError
from ppdcli.files.cameras import (
    colmap,
    intrinsics_json,
    kalibr,
    kitti,
    metashape,
    middlebury,
    nerfstudio,
    numpy_arrays,
    opencv,
    orbslam,
    plain_text,
    record3d,
    ros,
    splatting,
)
from ppdcli.files.cameras.content import Content
from ppdcli.files.cameras.stated import Contents
from ppdcli.files.source import Kind, is_dir, read_file


@dataclass(frozen=True)
class CameraFormat:
    """A format of camera files.

    Attributes:
        name: for the list of formats in messages; rows of one name appear once.
        fits: whether a file is of the format, by its structure. Raises InputError where a file
            cannot be told, such as damaged JSON.
        read: the cameras in it. Raises InputError.
    """

    name: str
    fits: Callable[[Content], bool]
    read: Callable[[Content], Contents]


FORMATS: list[CameraFormat] = [
    CameraFormat("fx,fy,cx,cy or a camera matrix as text", plain_text.fits, plain_text.read),
    CameraFormat(".npy or .npz", numpy_arrays.is_array, numpy_arrays.read_array),
    CameraFormat(".npy or .npz", numpy_arrays.is_archive, numpy_arrays.read_archive),
    CameraFormat("a file of COLMAP", colmap.is_text, colmap.read_text),
    CameraFormat("a file of COLMAP", colmap.is_binary, colmap.read_binary),
    CameraFormat("KITTI", kitti.fits, kitti.read),
    CameraFormat("Middlebury", middlebury.fits, middlebury.read),
    CameraFormat("Metashape", metashape.fits, metashape.read),
    CameraFormat("ROS", ros.is_camera_info, ros.read_camera_info),
    CameraFormat("ROS", ros.is_calibration, ros.read_calibration),
    CameraFormat("Record3D", record3d.fits, record3d.read),
    CameraFormat("Kalibr", kalibr.fits, kalibr.read),
    CameraFormat("ORB-SLAM", orbslam.fits, orbslam.read),
    CameraFormat("nerfstudio", nerfstudio.fits, nerfstudio.read),
    CameraFormat("3D Gaussian splatting", splatting.fits, splatting.read),
    CameraFormat("OpenCV", opencv.fits, opencv.read),
    CameraFormat("or JSON with fx, fy, cx, cy", intrinsics_json.fits, intrinsics_json.read),
]

KIND = Kind("a camera file", 64 * 2**20, "give a file that has the cameras alone")
"""COLMAP's image lists may be larger: they are not read whole."""


def formats_in_words() -> str:
    """The formats, for messages."""
    return ", ".join(dict.fromkeys(row.name for row in FORMATS))


def read_contents(path: Path) -> Contents:
    """The cameras of a file, or of the camera list in a COLMAP folder.

    Raises:
        InputError: the file is missing, empty, too large, of no known format, or damaged.
    """
    if is_dir(path):
        path = colmap.find_cameras(path)
    data = read_file(path, str(path), KIND)
    way_on = f"give {formats_in_words()}"
    if not data.strip():
        raise InputError(f"{path}: is empty; {way_on}")
    content = Content(path, data)
    for row in FORMATS:
        if row.fits(content):
            return row.read(content)
    if content.is_blank:
        raise InputError(f"{path}: holds no camera, only comments; {way_on}")
    what = "is" if content.text is not None else "is a binary file and"
    raise InputError(f"{path}: {what} no camera file that is known; {way_on}")
