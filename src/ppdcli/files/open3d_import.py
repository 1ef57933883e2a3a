"""Imports Open3D, also if the system lacks the libusb that its Linux wheel needs."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from types import ModuleType


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
