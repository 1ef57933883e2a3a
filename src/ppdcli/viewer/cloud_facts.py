"""What the comments of a cloud say, as ``cloud.make_cloud`` writes them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_args

from ppdcli.axes import Axes
from ppdcli.errors import UsageError
from ppdcli.geometry.camera import Camera

_NUMBER = r"[-+]?\d[\d.eE+-]*"
_CAMERA = re.compile(rf"({_NUMBER}) ({_NUMBER}) ({_NUMBER}) ({_NUMBER}) of (\d+)x(\d+)\b")


@dataclass(frozen=True)
class CloudFacts:
    """Facts about a cloud.

    Attributes:
        axes: of its points; None where nothing says it.
        camera: that saw it, in its own axes; None where nothing says it.
        metric: whether its unit is the metre; None where nothing says it.
        unit: of a cloud in the unit of its poses, in words; None of others.
        model: that its depth is from; None where nothing says it.
        photo: name of the photo; None where nothing says it.
        bent: whether the lens bent rays, so that the camera's frame is not a rectangle.
    """

    axes: Axes | None = None
    camera: Camera | None = None
    metric: bool | None = None
    unit: str | None = None
    model: str | None = None
    photo: str | None = None
    bent: bool = False


def facts_of(comments: Iterable[str]) -> CloudFacts:
    """Facts in comments of the form ``key value``; what is none of them is passed over."""
    said: dict[str, str] = {}
    for line in comments:
        key, _, value = line.strip().partition(" ")
        said.setdefault(key, value.strip())
    axes = said.get("axes", "").split(" ")[0]
    return CloudFacts(
        axes=axes if axes in get_args(Axes) else None,  # type: ignore[arg-type]
        camera=_camera(said.get("intrinsics", "")),
        metric={"m": True, "relative": False}.get(said.get("unit", "")),
        unit=said.get("unit") if said.get("unit", "").startswith("arbitrary") else None,
        model=said.get("model") or None,
        photo=said.get("photo") or None,
        bent="distortion" in said,
    )


def _camera(text: str) -> Camera | None:
    match = _CAMERA.match(text)
    if match is None:
        return None
    try:
        fx, fy, cx, cy = (float(number) for number in match.groups()[:4])
        return Camera(fx, fy, cx, cy, int(match[5]), int(match[6]))
    except (ValueError, UsageError):
        return None
