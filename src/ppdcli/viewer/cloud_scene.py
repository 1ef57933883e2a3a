"""Clouds as scenes: thinned, encoded and described."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ppdcli.axes import MEANING, Axes, to_opencv
from ppdcli.errors import InputError
from ppdcli.geometry.camera import Camera
from ppdcli.viewer.cloud_facts import CloudFacts
from ppdcli.viewer.encoding import encoded
from ppdcli.viewer.scene import Scene
from ppdcli.viewer.thinning import MOST_POINTS, thinned_in_space, thinned_in_view

TO_SCREEN = np.array((1, -1, -1), np.float32)  # OpenCV's axes to those of the page's script
WIDEST_FRAME = 3.0  # x/z of a frame's border: 143 degrees in all
ENDS = (2, 98)  # per cent of the points between the ends of the colours
FAR = 100  # times the size of the cloud from zero
NEIGHBOURS = 4
SAMPLES = 2000


@dataclass(frozen=True, eq=False)
class ShownCloud:
    """A cloud that is to be shown.

    Attributes:
        title: of the page.
        points: (N, 3) float32 or float64 finite, in the axes that ``facts`` state.
        colors: (N, 3) uint8 sRGB; None without colours.
        facts: what is known of it.
        flying: (M, 3) points that the edge filter removed, in the same axes.
        notes: lines for the page.
        cameras: (K, 5, 3) of each camera that is drawn its place and four corners of what it sees,
            in the same axes; None without any.
    """

    title: str
    points: np.ndarray
    colors: np.ndarray | None
    facts: CloudFacts
    flying: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    cameras: np.ndarray | None = None


def cloud_scene(cloud: ShownCloud, most: int | None = None) -> Scene:
    """The scene of a cloud.

    Args:
        cloud: to show.
        most: points that are shown, ``MOST_POINTS`` by default; the others are left out evenly.

    Raises:
        InputError: it has no points.
    """
    most = MOST_POINTS if most is None else most
    count = len(cloud.points)
    if count == 0:
        raise InputError("the cloud has no points")
    facts = cloud.facts
    parts = [cloud.points, *([] if cloud.flying is None else [cloud.flying])]
    middle = np.zeros(3)
    if facts.axes is None:
        middle = _far_from_zero(cloud.points)
        # The encoding turns them back.
        parts = [(part - middle).astype(np.float32) * TO_SCREEN for part in parts]
    else:
        parts = [to_opencv(part.astype(np.float32), facts.axes) for part in parts]
    seen = facts.axes is not None and facts.camera is not None
    seen = seen and all(bool((part[:, 2] > 0).all()) for part in parts)
    thinned_by = thinned_in_view if seen else thinned_in_space
    total = sum(map(len, parts))
    kept, cell = thinned_by(parts[0], max(1, most * count // total))
    points = parts[0][kept]
    flying = [part[thinned_by(part, max(1, most * len(part) // total))[0]] for part in parts[1:]]
    shown = len(points)
    bytes_ = encoded(np.concatenate((points, *flying)), seen)
    colors = b"" if cloud.colors is None else cloud.colors[kept].tobytes()
    described = _seen(points, cell, facts) if seen else _found(points, cell)
    thinned = count > shown
    number = f"{shown:,} of {count:,} points shown" if thinned else f"{count:,} points"
    about = [facts.model, number if count > 1 else "1 point"]
    stated: dict[str, Any] = {
        "title": cloud.title,
        "about": " · ".join(part for part in about if part),
        "notes": list(cloud.notes),
        "unit": _unit(facts, middle),
        "metric": bool(facts.metric),
        "encoding": bytes_.name,
        "points": shown,
        "removed": sum(map(len, flying)),
        "flying": total - count,
        "ranges": bytes_.ranges,
        "colors": cloud.colors is not None,
        "axes": None if facts.axes is None else _directions(facts.axes),
        "up": "z" if facts.axes is None else None,
        **described,
    }
    if cloud.cameras is not None and facts.axes is not None:
        stated["cameras"] = _lines_of(to_opencv(cloud.cameras.reshape(-1, 3), facts.axes))
    lines = (f"the page shows {shown:,} of {count:,} points",) if thinned else ()
    return Scene(stated, bytes_.data + colors, lines)


def _lines_of(corners: np.ndarray) -> list[list[float]]:
    """Fifteen numbers for each camera: five places in the axes of the script."""
    places = np.float32(corners * TO_SCREEN).reshape(-1, 15)
    return [[float(f"{number:.6g}") for number in row] for row in places]


def _far_from_zero(points: np.ndarray) -> np.ndarray:
    """Where the cloud is, if it is so far from zero that float32 would be coarse; else zero."""
    middle = np.rint(np.median(points, axis=0)).astype(np.float64)
    size = float(np.percentile(np.abs(points - middle), ENDS[1]))
    return middle if np.abs(middle).max() > FAR * size else np.zeros(3)


def _seen(points: np.ndarray, cell: float, facts: CloudFacts) -> dict[str, Any]:
    """What the script must know of a cloud in the axes of its camera."""
    camera = facts.camera
    assert camera is not None
    depth = points[:, 2]
    frame = frame_of(camera)
    if facts.bent:
        slopes = points[:, :2] / points[:, 2:]
        low, high = np.clip((slopes.min(axis=0), slopes.max(axis=0)), -WIDEST_FRAME, WIDEST_FRAME)
        frame = {"left": low[0], "right": high[0], "top": -low[1], "bottom": -high[1]}
        frame = {side: float(value) for side, value in frame.items()}
    low, high = np.percentile(depth, ENDS)
    spacing = cell or 1 / min(camera.fx, camera.fy)
    if not cell and len(points) < camera.width * camera.height / 4:  # a thinned cloud
        area = (frame["right"] - frame["left"]) * (frame["top"] - frame["bottom"])
        spacing = math.sqrt(area / len(points))
    return {
        "frame": frame,
        "near": float(low),
        "pivot": _in_the_middle(points, frame),
        "depth": {"low": float(low), "high": float(high)},
        "spacing": float(spacing),
        "box": _box(points),
    }


def frame_of(camera: Camera) -> dict[str, float]:
    """x/z and y/z of the borders of a camera's picture, y up."""
    return {
        "left": -(camera.cx + 0.5) / camera.fx,
        "right": (camera.width - 0.5 - camera.cx) / camera.fx,
        "top": (camera.cy + 0.5) / camera.fy,
        "bottom": -(camera.height - 0.5 - camera.cy) / camera.fy,
    }


def _in_the_middle(points: np.ndarray, frame: dict[str, float]) -> float:
    """The depth of what is in the middle of the picture, which the viewer turns around."""
    x, y = points[:, 0] / points[:, 2], -points[:, 1] / points[:, 2]
    width, height = frame["right"] - frame["left"], frame["top"] - frame["bottom"]
    inside = np.abs(x - (frame["left"] + frame["right"]) / 2) < width / 4
    inside &= np.abs(y - (frame["top"] + frame["bottom"]) / 2) < height / 4
    depth = points[inside, 2] if inside.any() else points[:, 2]
    return float(np.median(depth))


def _found(points: np.ndarray, cell: float) -> dict[str, Any]:
    """What the script must know of a cloud of which no camera is known."""
    box = _box(points)
    return {
        "frame": None,
        "depth": {"low": box[0][2], "high": box[1][2]},
        "spacing": cell or _spacing(points),
        "box": box,
    }


def _box(points: np.ndarray) -> list[list[float]]:
    """The corners of a box around most points, in the axes of the script."""
    low, high = np.percentile(points * TO_SCREEN, ENDS, axis=0)
    return [low.tolist(), high.tolist()]


def _spacing(points: np.ndarray) -> float:
    """About how far neighbours are from each other."""
    from scipy.spatial import cKDTree

    if len(points) < 2:
        return 0.01
    sample = points[:: max(1, len(points) // SAMPLES)]
    count = min(NEIGHBOURS, len(points))
    distances, _ = cKDTree(points).query(sample, count)
    return float(np.median(distances[:, -1])) or 0.01


def _unit(facts: CloudFacts, middle: np.ndarray) -> str:
    lines = {
        True: ["metres"],
        False: ["relative units, not to scale"],
        None: ["unit not stated"],
    }[facts.metric]
    if facts.axes is not None:
        lines.append(MEANING[facts.axes])
    if middle.any():
        lines.append("around {:.0f}, {:.0f}, {:.0f}".format(*middle))
    return "\n".join(lines)


def _directions(axes: Axes) -> dict[str, list[float]]:
    """Where the axes of a file point, in the axes of the script."""
    rows = to_opencv(np.eye(3, dtype=np.float32), axes) * TO_SCREEN
    return {name: row.tolist() for name, row in zip("xyz", rows, strict=True)}
