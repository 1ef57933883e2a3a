"""Point clouds as binary glTF 2.0: y up, z backward.

https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ppdcli.cloud_data import CloudData
from ppdcli.files.glb import FLOAT, VERTICES, write_blocks

SHORT = 5123  # component type
POINTS = 0  # mode of a primitive


def write(path: Path, cloud: CloudData) -> None:
    """Writes the file.

    Args:
        path: the file to write.
        cloud: in OpenGL's axes, at least one point.

    Raises:
        OutputError: the file cannot be written.
    """
    values: list[tuple[np.ndarray, int, str, dict[str, Any], str]]
    values = [(cloud.points.astype("<f4"), FLOAT, "VEC3", {}, "POSITION")]
    if cloud.normals is not None:
        values.append((cloud.normals.astype("<f4"), FLOAT, "VEC3", {}, "NORMAL"))
    values.append((_linear(cloud.colors), SHORT, "VEC4", {"normalized": True}, "COLOR_0"))
    accessors = [
        {
            "bufferView": number,
            "componentType": kind,
            "count": len(array),
            "type": shape,
            **more,
        }
        for number, (array, kind, shape, more, _) in enumerate(values)
    ]
    lowest, highest = cloud.points.min(axis=0), cloud.points.max(axis=0)
    accessors[0] |= {"min": lowest.tolist(), "max": highest.tolist()}
    attributes = {name: number for number, (*_, name) in enumerate(values)}
    primitive = {"attributes": attributes, "mode": POINTS, "material": 0}
    stated = {
        "meshes": [{"primitives": [primitive]}],
        # The photos already contain the light, so viewers should add none.
        "extensionsUsed": ["KHR_materials_unlit"],
        "materials": [{"extensions": {"KHR_materials_unlit": {}}}],
        "accessors": accessors,
    }
    blocks = [(np.ascontiguousarray(array).tobytes(), VERTICES) for array, *_ in values]
    write_blocks(path, stated, blocks, cloud.comments)


def _linear(srgb: np.ndarray) -> np.ndarray:
    """(N, 3) uint8 sRGB -> (N, 4) uint16 linear light, as glTF wants colours of vertices."""
    share = np.arange(256) / 255
    table = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    colors = np.full((len(srgb), 4), 65535, "<u2")
    colors[:, :3] = np.rint(65535 * table).astype("<u2")[srgb]
    return colors
