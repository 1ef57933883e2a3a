"""GLB files that a viewer is given, and those that it cannot draw."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppdcli.errors import InputError
from ppdcli.files import glb
from ppdcli.files.glb_reading import read

MESH = glb.TexturedMesh(
    np.float32([[0, 0, -2], [1, 0, -3], [0, 1, -4]]),
    np.float32([[0, 0, 1]] * 3),
    np.float32([[0, 0], [1, 0], [0, 1]]),
    np.int32([[0, 1, 2]]),
    np.zeros((4, 4, 3), np.uint8),
    ("unit m", "model ppd-tiny"),
)


def packed(stated: Any, length: int | None = None, version: int = 2) -> bytes:
    text = json.dumps(stated).encode()
    text += b" " * (-len(text) % 4)
    total = 20 + len(text) if length is None else length
    return struct.pack("<4sIII4s", b"glTF", version, total, len(text), b"JSON") + text


def test_ours(tmp_path: Path) -> None:
    glb.write(tmp_path / "a.glb", MESH)
    made = read(tmp_path / "a.glb")
    assert made.data == (tmp_path / "a.glb").read_bytes()
    assert (made.triangles, made.depths) == (1, (-4, -2))
    assert made.comments == MESH.comments


def test_what_others_leave_out(tmp_path: Path) -> None:
    mesh = {"primitives": [{"attributes": {"POSITION": 7}}, {"indices": "x"}, {"mode": 1}, 5]}
    (tmp_path / "a.glb").write_bytes(packed({"meshes": [mesh], "asset": 1, "accessors": [3]}))
    made = read(tmp_path / "a.glb")
    assert (made.triangles, made.depths, made.comments) == (0, None, ())


MESHES: dict[str, Any] = {"meshes": [{"primitives": []}]}
BAD = {
    "other": (b"glTX" + bytes(40), "no binary glTF"),
    "short": (b"glTF", "no binary glTF"),
    "old": (packed(MESHES, version=1), "glTF 1"),
    "cut": (packed(MESHES, length=10**6), "cut off after"),
    "no JSON": (packed(MESHES).replace(b"JSON", b"BIN\0"), "JSON part"),
    "a list": (packed([1]), "no table"),
    "no mesh": (packed({"asset": {}}), "no mesh"),
    "Draco": (
        packed({**MESHES, "extensionsRequired": ["KHR_draco_mesh_compression"]}),
        "compressed .KHR_draco",
    ),
    "buffer": (packed({**MESHES, "buffers": [{"uri": "../a.bin"}]}), r"needs another file, \.\./a"),
    "image": (packed({**MESHES, "images": [{"uri": "http://x/y.png"}]}), "needs another file"),
    "deep": (
        b"glTF" + struct.pack("<III4s", 2, 620, 600, b"JSON") + b"[" * 300 + b"]" * 300,
        "too deep",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_a_viewer_cannot_draw_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    data, message = BAD[name]
    (tmp_path / "a.glb").write_bytes(data)
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path / "a.glb")
    line = str(caught.value)
    assert line.startswith(f"{tmp_path / 'a.glb'}: ") and "\n" not in line and "; " in line
