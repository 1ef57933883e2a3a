"""The formats of camera files, one row each. A file is compared with them in this order."""

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
    open3d_trajectory,
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
        name: the name in the messages' list of formats. Rows with the same name appear once.
        fits: whether a file has the structure of the format. Raises InputError if the file cannot
            be parsed, such as damaged JSON.
        read: reads the cameras. Raises InputError.
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
    CameraFormat("Open3D", open3d_trajectory.fits, open3d_trajectory.read),
    CameraFormat("Kalibr", kalibr.fits, kalibr.read),
    CameraFormat("ORB-SLAM", orbslam.fits, orbslam.read),
    CameraFormat("nerfstudio", nerfstudio.fits, nerfstudio.read),
    CameraFormat("3D Gaussian splatting", splatting.fits, splatting.read),
    CameraFormat("OpenCV", opencv.fits, opencv.read),
    CameraFormat("or JSON with fx, fy, cx, cy", intrinsics_json.fits, intrinsics_json.read),
]

KIND = Kind("a camera file", 64 * 2**20, "give a file that has the cameras alone")
"""COLMAP's image lists may be larger, because they are not read as a whole."""


def formats_in_words() -> str:
    """Returns the names of the formats, for messages."""
    return ", ".join(dict.fromkeys(row.name for row in FORMATS))


def read_contents(path: Path) -> Contents:
    """Reads the cameras of a file, or those of a COLMAP folder.

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
    what = "is" if content.text is not None else "is a binary file, and"
    raise InputError(f"{path}: {what} not a camera file of a known format; {way_on}")
