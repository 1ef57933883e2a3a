"""Textured meshes as binary glTF 2.0: one file, metres, y up, z backward.

https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ppdcli.files.atomic import atomic_path
from ppdcli.version import __version__

LARGEST_TEXTURE = 4096  # pixels per side; every graphics card supports it
QUALITY = 92
FLOAT, UNSIGNED = 5126, 5125  # component types
VERTICES, INDICES = 34962, 34963  # targets of buffer views
CLAMP, LINEAR, MIPMAPS = 33071, 9729, 9987


@dataclass(frozen=True, eq=False)
class TexturedMesh:
    """A surface with a photo as its texture.

    Attributes:
        vertices: (V, 3) float32 metres, x right, y up, z backward.
        normals: (V, 3) float32 of unit length.
        texture_at: (V, 2) float32 in [0, 1]: texture coordinates from the upper left corner.
        faces: (F, 3) int32 indices of vertices, counter-clockwise from the front.
        texture: (H, W, 3) uint8 sRGB.
        comments: facts, which are written to the file's extras.
    """

    vertices: np.ndarray
    normals: np.ndarray
    texture_at: np.ndarray
    faces: np.ndarray
    texture: np.ndarray
    comments: tuple[str, ...] = ()


def write(path: Path, mesh: TexturedMesh) -> None:
    """Writes the file. It gets its name only when it is complete.

    Raises:
        OutputError: the file cannot be written.
    """
    arrays = [
        mesh.vertices.astype("<f4"),
        mesh.normals.astype("<f4"),
        mesh.texture_at.astype("<f4"),
        mesh.faces.astype("<u4"),
    ]
    blocks = [np.ascontiguousarray(array).tobytes() for array in arrays]
    blocks.append(_jpeg(mesh.texture))
    targets = (VERTICES, VERTICES, VERTICES, INDICES, None)
    write_blocks(path, _described(mesh), list(zip(blocks, targets, strict=True)), mesh.comments)


def write_blocks(
    path: Path,
    stated: dict[str, Any],
    blocks: Sequence[tuple[bytes, int | None]],
    comments: Sequence[str],
) -> None:
    """Writes a file with one mesh, the first of those in ``stated``.

    Args:
        path: the file. It gets its name only when it is complete.
        stated: the JSON part, without what every file has and without the places of the blocks.
        blocks: the binary part, one buffer view each, with their targets.
        comments: facts, which are written to the file's extras.

    Raises:
        OutputError: the file cannot be written.
    """
    views: list[dict[str, Any]] = []
    offset = 0
    for block, target in blocks:
        view = {"buffer": 0, "byteOffset": offset, "byteLength": len(block)}
        views.append(view if target is None else {**view, "target": target})
        offset += len(_padded(block, b"\0"))
    whole = {
        "asset": {
            "version": "2.0",
            "generator": f"ppdcli {__version__}",
            "extras": {"comments": list(comments)},
        },
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        **stated,
        "bufferViews": views,
        "buffers": [{"byteLength": offset}],
    }
    head = _padded(json.dumps(whole, separators=(",", ":")).encode(), b" ")
    length = 12 + 8 + len(head) + 8 + offset
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write(struct.pack("<4sII", b"glTF", 2, length))
        file.write(struct.pack("<I4s", len(head), b"JSON") + head)
        file.write(struct.pack("<I4s", offset, b"BIN\0"))
        for block, _ in blocks:
            file.write(_padded(block, b"\0"))


def _described(mesh: TexturedMesh) -> dict[str, Any]:
    """Returns the JSON part, which says what is in the binary part."""
    count = len(mesh.vertices)
    lowest, highest = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    bounds = {"min": lowest.tolist(), "max": highest.tolist()}
    accessors = [
        {"bufferView": 0, "componentType": FLOAT, "count": count, "type": "VEC3", **bounds},
        {"bufferView": 1, "componentType": FLOAT, "count": count, "type": "VEC3"},
        {"bufferView": 2, "componentType": FLOAT, "count": count, "type": "VEC2"},
        {"bufferView": 3, "componentType": UNSIGNED, "count": mesh.faces.size, "type": "SCALAR"},
    ]
    attributes = {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2}
    return {
        # The photo already contains the light, so viewers should add none.
        "extensionsUsed": ["KHR_materials_unlit"],
        "meshes": [{"primitives": [{"attributes": attributes, "indices": 3, "material": 0}]}],
        "materials": [
            {
                "pbrMetallicRoughness": {
                    "baseColorTexture": {"index": 0},
                    "metallicFactor": 0,
                    "roughnessFactor": 1,
                },
                "doubleSided": True,
                "extensions": {"KHR_materials_unlit": {}},
            }
        ],
        "textures": [{"sampler": 0, "source": 0}],
        "samplers": [{"magFilter": LINEAR, "minFilter": MIPMAPS, "wrapS": CLAMP, "wrapT": CLAMP}],
        "images": [{"bufferView": 4, "mimeType": "image/jpeg"}],
        "accessors": accessors,
    }


def _padded(block: bytes, filler: bytes) -> bytes:
    """Pads a block to a multiple of 4 bytes, as the format requires."""
    return block + filler * (-len(block) % 4)


def _jpeg(rgb: np.ndarray) -> bytes:
    image = Image.fromarray(rgb)
    image.thumbnail((LARGEST_TEXTURE, LARGEST_TEXTURE), Image.Resampling.BOX)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
