"""Pixel-perfect depth: ``ppdcli.load("ppd-tiny").predict("photo.jpg")``.

Names are imported on first use, so that importing the package is quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ppdcli.version import __version__

if TYPE_CHECKING:
    from ppdcli.cloud import PointCloud
    from ppdcli.depth import DepthMap
    from ppdcli.depth_reading import read_depth
    from ppdcli.errors import (
        CheckpointError,
        InputError,
        OutputError,
        PpdError,
        PpdWarning,
        UsageError,
    )
    from ppdcli.geometry.camera import Camera
    from ppdcli.loading import load
    from ppdcli.photo import Photo, load_photo
    from ppdcli.predictor import Predictor

__all__ = [
    "Camera",
    "CheckpointError",
    "DepthMap",
    "InputError",
    "OutputError",
    "Photo",
    "PointCloud",
    "PpdError",
    "PpdWarning",
    "Predictor",
    "UsageError",
    "__version__",
    "load",
    "load_photo",
    "read_depth",
]

_HOMES = {
    "Camera": "ppdcli.geometry.camera",
    "DepthMap": "ppdcli.depth",
    "Photo": "ppdcli.photo",
    "PointCloud": "ppdcli.cloud",
    "Predictor": "ppdcli.predictor",
    "load": "ppdcli.loading",
    "load_photo": "ppdcli.photo",
    "read_depth": "ppdcli.depth_reading",
    **dict.fromkeys(
        ("CheckpointError", "InputError", "OutputError", "PpdError", "PpdWarning", "UsageError"),
        "ppdcli.errors",
    ),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'ppdcli' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
