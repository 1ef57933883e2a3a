"""What a page shows: facts in words and numbers, and points or a mesh as bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, eq=False)
class Scene:
    """One cloud or mesh.

    Attributes:
        facts: for the page's script, which can be written as JSON: ``title``, ``about``, ``unit``,
            ``notes``, ``encoding`` (``rays``, ``floats`` or ``glb``), and how ``data`` is laid out.
        data: points as ``viewer.encoding`` writes them, or a whole GLB file.
        lines: for the user, such as how many of the points are shown.
    """

    facts: Mapping[str, Any]
    data: bytes
    lines: tuple[str, ...] = ()
