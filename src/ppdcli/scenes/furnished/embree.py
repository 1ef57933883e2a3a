"""Ray casting against triangles with Embree, called from compiled loops.

The library is part of the Python package ``embreex``. Its C functions are called directly, because
they support what scenes of many models need: each tree is built once and placed many times.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ppdcli.errors import PpdError

# From Embree's headers, version 4.
_TRIANGLES, _INSTANCE = 0, 121
_INDEX, _VERTEX = 0, 1
_UINT3, _FLOAT3, _FLOAT3X4_ROWS = 0x5003, 0x9003, 0x9134
_VERSION_MAJOR = 1
_QUALITY = 1  # medium

_POINTER = ctypes.c_void_p
_SIGNATURES: dict[str, tuple[object, list[object]]] = {
    "rtcNewDevice": (_POINTER, [ctypes.c_char_p]),
    "rtcGetDeviceProperty": (ctypes.c_ssize_t, [_POINTER, ctypes.c_int]),
    "rtcGetDeviceError": (ctypes.c_int, [_POINTER]),
    "rtcNewScene": (_POINTER, [_POINTER]),
    "rtcSetSceneBuildQuality": (None, [_POINTER, ctypes.c_int]),
    "rtcCommitScene": (None, [_POINTER]),
    "rtcReleaseScene": (None, [_POINTER]),
    "rtcNewGeometry": (_POINTER, [_POINTER, ctypes.c_int]),
    "rtcReleaseGeometry": (None, [_POINTER]),
    "rtcCommitGeometry": (None, [_POINTER]),
    "rtcAttachGeometry": (ctypes.c_uint, [_POINTER, _POINTER]),
    "rtcSetNewGeometryBuffer": (
        _POINTER,
        [_POINTER, ctypes.c_int, ctypes.c_uint, ctypes.c_int, ctypes.c_size_t, ctypes.c_size_t],
    ),
    "rtcSetGeometryInstancedScene": (None, [_POINTER, _POINTER]),
    "rtcSetGeometryTransform": (None, [_POINTER, ctypes.c_uint, ctypes.c_int, _POINTER]),
}


@cache
def load_embree() -> ctypes.CDLL:
    """Loads Embree's library, and registers its functions by name for compiled code.

    Raises:
        PpdError: It is not installed, or is another version than 4.
    """
    from llvmlite import binding

    path = _path()
    if path is None:
        raise PpdError("rendering furnished scenes needs Embree; run `pip install embreex`")
    library = ctypes.CDLL(path)
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    binding.load_library_permanently(path)
    return library


def _path() -> str | None:
    spec = find_spec("embreex")
    if spec is not None and spec.origin is not None:
        package = Path(spec.origin).parent
        for folder in (package.parent / "embreex.libs", package, package / ".dylibs"):
            for path in sorted(folder.glob("*embree4*")):
                return str(path)
    return ctypes.util.find_library("embree4")


@cache
def _device() -> int:
    library = load_embree()
    # One thread per process: large jobs render in many processes.
    device = library.rtcNewDevice(b"threads=1,set_affinity=0")
    if not device:
        raise PpdError("Embree does not start on this machine; see what `embreex` needs")
    major = library.rtcGetDeviceProperty(device, _VERSION_MAJOR)
    if major != 4:
        raise PpdError(
            f"Embree {major} is installed, but version 4 is needed; run `pip install -U embreex`"
        )
    return int(device)


class Mesh:
    """Triangles with their search tree. One mesh can be placed in many scenes."""

    def __init__(self, vertices: np.ndarray, triangles: np.ndarray) -> None:
        """Builds the tree.

        Args:
            vertices: (V, 3) metres.
            triangles: (F, 3) indices of vertices.

        Raises:
            PpdError: Embree is not installed.
        """
        library, device = load_embree(), _device()
        geometry = library.rtcNewGeometry(device, _TRIANGLES)
        _fill(library, geometry, _VERTEX, _FLOAT3, vertices.astype(np.float32))
        _fill(library, geometry, _INDEX, _UINT3, triangles.astype(np.uint32))
        library.rtcCommitGeometry(geometry)
        self.scene = library.rtcNewScene(device)
        library.rtcSetSceneBuildQuality(self.scene, _QUALITY)
        library.rtcAttachGeometry(self.scene, geometry)
        library.rtcReleaseGeometry(geometry)
        library.rtcCommitScene(self.scene)
        self._release = library.rtcReleaseScene

    def __del__(self) -> None:
        if getattr(self, "scene", None):
            self._release(self.scene)
            self.scene = None


def _fill(library: ctypes.CDLL, geometry: int, slot: int, layout: int, values: np.ndarray) -> None:
    count = len(values)
    buffer = library.rtcSetNewGeometryBuffer(geometry, slot, 0, layout, 12, count)
    if not buffer:
        raise PpdError("Embree has no memory left for a mesh; render with fewer processes")
    ctypes.memmove(buffer, np.ascontiguousarray(values).ctypes.data, 12 * count)


class PlacedMeshes:
    """Meshes placed in one scene. Instance k of a hit is the k-th of ``placements``."""

    def __init__(self, placements: list[tuple[Mesh, np.ndarray]]) -> None:
        """Builds the tree over all placed meshes.

        Args:
            placements: Each mesh with its (3, 4) transform to the scene's metres.
        """
        library, device = load_embree(), _device()
        self.meshes = [mesh for mesh, _ in placements]  # kept alive as long as the scene
        self.scene = library.rtcNewScene(device)
        self._release = library.rtcReleaseScene
        for mesh, transform in placements:
            rows = np.ascontiguousarray(transform, np.float32)
            geometry = library.rtcNewGeometry(device, _INSTANCE)
            library.rtcSetGeometryInstancedScene(geometry, mesh.scene)
            library.rtcSetGeometryTransform(geometry, 0, _FLOAT3X4_ROWS, rows.ctypes.data)
            library.rtcCommitGeometry(geometry)
            library.rtcAttachGeometry(self.scene, geometry)
            library.rtcReleaseGeometry(geometry)
        library.rtcCommitScene(self.scene)

    def __del__(self) -> None:
        if getattr(self, "scene", None):
            self._release(self.scene)
            self.scene = None
