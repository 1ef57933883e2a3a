"""GLB: taken apart by the format's description, and read by another library."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ppdcli.errors import OutputError
from ppdcli.files import glb
from ppdcli.files.glb import TexturedMesh
from ppdcli.files.open3d_import import import_open3d

MESH = TexturedMesh(
    np.array([(0, 0, -2), (1, 0, -2), (0, 1, -2), (1, 1, -3)], np.float32),
    np.array([(0, 0, 1)] * 4, np.float32),
    np.array([(0, 1), (1, 1), (0, 0), (1, 0)], np.float32),
    np.array([(0, 1, 2), (2, 1, 3)], np.int32),
    np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8),
    ("unit m", "photo é"),
)


def parse(data: bytes) -> tuple[dict, bytes]:
    """The JSON and the binary part."""
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    size, kind = struct.unpack_from("<I4s", data, 12)
    assert kind == b"JSON" and size % 4 == 0
    stated = json.loads(data[20 : 20 + size])
    rest, kind = struct.unpack_from("<I4s", data, 20 + size)
    assert kind == b"BIN\0" and 28 + size + rest == len(data) and rest % 4 == 0
    return stated, data[28 + size :]


def test_every_part_is_where_the_file_says(tmp_path: Path) -> None:
    glb.write(tmp_path / "a.glb", MESH)
    stated, body = parse((tmp_path / "a.glb").read_bytes())
    assert stated["buffers"] == [{"byteLength": len(body)}]
    kinds = {"VEC3": ("<f4", 3), "VEC2": ("<f4", 2), "SCALAR": ("<u4", 3)}
    found = []
    for accessor in stated["accessors"]:
        view = stated["bufferViews"][accessor["bufferView"]]
        assert view["byteOffset"] % 4 == 0
        part = body[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]
        kind, width = kinds[accessor["type"]]
        found.append(np.frombuffer(part, kind).reshape(-1, width))
    for values, expected in zip(
        found, (MESH.vertices, MESH.normals, MESH.texture_at, MESH.faces), strict=True
    ):
        np.testing.assert_array_equal(values, expected)
    assert stated["accessors"][0]["min"] == [0, 0, -3]
    assert stated["accessors"][0]["max"] == [1, 1, -2]
    assert stated["asset"]["extras"]["comments"] == ["unit m", "photo é"]
    view = stated["bufferViews"][4]
    with Image.open(io.BytesIO(body[view["byteOffset"] :][: view["byteLength"]])) as image:
        assert (image.format, image.size) == ("JPEG", (7, 5))


def test_open3d_reads_it(tmp_path: Path) -> None:
    glb.write(tmp_path / "a.glb", MESH)
    mesh = import_open3d().io.read_triangle_mesh(str(tmp_path / "a.glb"))
    assert len(mesh.triangles) == 2
    np.testing.assert_allclose(np.asarray(mesh.get_max_bound()), (1, 1, -2))


def test_a_large_photo_becomes_a_texture_that_every_card_takes(tmp_path: Path) -> None:
    large = TexturedMesh(
        *(getattr(MESH, name) for name in ("vertices", "normals", "texture_at", "faces")),
        np.zeros((10, 9000, 3), np.uint8),
    )
    glb.write(tmp_path / "a.glb", large)
    stated, body = parse((tmp_path / "a.glb").read_bytes())
    view = stated["bufferViews"][4]
    with Image.open(io.BytesIO(body[view["byteOffset"] :])) as image:
        assert max(image.size) == glb.LARGEST_TEXTURE


def test_nothing_is_left_where_it_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "a.glb").mkdir()
    with pytest.raises(OutputError, match=r"a\.glb"):
        glb.write(tmp_path / "a.glb", MESH)
    assert [path.name for path in tmp_path.iterdir()] == ["a.glb"]
