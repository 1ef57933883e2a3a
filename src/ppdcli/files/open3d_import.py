"""Open3D, also where the system lacks the libusb that its Linux wheel asks for."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from types import ModuleType


@cache
def import_open3d() -> ModuleType:
    """Import Open3D on first use: it takes seconds.

    Its Linux wheel links to libusb-1.0.so.0, which slim systems lack; the copy inside the PyPI
    package ``libusb-package`` is loaded first in that case.

    Raises:
        ImportError: it links to X11, OpenGL and EGL too, and they are not there.
    """
    if sys.platform == "linux":
        try:
            ctypes.CDLL("libusb-1.0.so.0")
        except OSError:
            import libusb_package

            ctypes.CDLL(str(libusb_package.get_library_path()), mode=ctypes.RTLD_GLOBAL)
    import open3d  # takes seconds

    return open3d
