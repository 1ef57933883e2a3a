"""Meshes as scenes: the GLB itself, described."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ppdcli.axes import MEANING
from ppdcli.viewer.cloud_facts import facts_of
from ppdcli.viewer.cloud_scene import frame_of
from ppdcli.viewer.scene import Scene


def mesh_scene(
    title: str,
    data: bytes,
    triangles: int,
    comments: Iterable[str],
    depths: tuple[float, float] | None,
) -> Scene:
    """The scene of a GLB.

    Args:
        title: of the page.
        data: the file, which needs no other.
        triangles: that it draws.
        comments: as ``cloud.make_cloud`` writes them; none of a file of another program.
        depths: lowest and highest z of our mesh, which is negative before the camera; None if they
            are not known.
    """
    facts = facts_of(comments)
    about = [facts.model, f"mesh of {triangles:,} triangles" if triangles else "points"]
    unit = "relative units, not to scale" if facts.metric is False else "metres"
    if facts.metric is None and facts.unit is not None:
        unit = f"unit {facts.unit}"
    started = {}
    if facts.camera is not None and not facts.bent and depths is not None and depths[1] < 0:
        far, near = -depths[0], -depths[1]
        started = {"frame": frame_of(facts.camera), "near": near, "pivot": math.sqrt(near * far)}
    return Scene(
        {
            "title": title,
            "about": " · ".join(part for part in about if part),
            "notes": [],
            "unit": f"{unit}\n{MEANING['opengl']}",
            "encoding": "glb",
            "frame": None,
            **started,
        },
        data,
    )
