"""Imports Open3D, also if the system lacks the libusb that its Linux wheel needs."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from ppdcli.cloud_data import CloudData
from ppdcli.errors import PpdError, shown


@cache
def import_open3d() -> ModuleType:
    """Imports Open3D on first use, which takes seconds.

    Its Linux wheel links to libusb-1.0.so.0, which small systems lack. The copy in the PyPI package
    ``libusb-package`` is then loaded first.

    Raises:
        ImportError: X11, OpenGL or EGL is missing, to which the wheel links too.
    """
    if sys.platform == "linux":
        try:
            ctypes.CDLL("libusb-1.0.so.0")
        except OSError:
            import libusb_package

            ctypes.CDLL(str(libusb_package.get_library_path()), mode=ctypes.RTLD_GLOBAL)
    import open3d  # takes seconds

    return open3d


def open3d_cloud(cloud: CloudData) -> Any:
    """The same points as an ``open3d.geometry.PointCloud``.

    Raises:
        PpdError: Open3D cannot be imported here.
    """
    try:
        o3d = import_open3d()
    except (ImportError, OSError) as error:
        raise PpdError(
            f"Open3D cannot be loaded here ({shown(error)}); install the system libraries that it "
            "names"
        ) from error
    vectors = o3d.utility.Vector3dVector
    made = o3d.geometry.PointCloud(vectors(cloud.points.astype(np.float64)))
    made.colors = vectors(cloud.colors / 255)
    if cloud.normals is not None:
        made.normals = vectors(cloud.normals.astype(np.float64))
    return made
