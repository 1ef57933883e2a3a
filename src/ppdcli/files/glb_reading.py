"""GLB files, ours and other programs', as far as it takes to hand them to a viewer."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppdcli.errors import shown
from ppdcli.files.decoding import decoding
from ppdcli.files.foreign import parse_json, read_regular

MAGIC = b"glTF"
MOST_BYTES = 1_000_000_000
WAY_ON = "export it again as GLB"
TRIANGLES = 4
# Of compressed files, whose decoders the viewer does not have.
_COMPRESSED = (
    "KHR_draco_mesh_compression",
    "EXT_meshopt_compression",
    "KHR_meshopt_compression",
    "KHR_texture_basisu",
)


@dataclass(frozen=True, eq=False)
class Glb:
    """A file that is whole and needs no other.

    Attributes:
        data: the file.
        comments: that ppd has written into it.
        triangles: about how many it draws.
        depths: lowest and highest z of the first mesh; None where it states none.
    """

    data: bytes
    comments: tuple[str, ...]
    triangles: int
    depths: tuple[float, float] | None


def read(path: Path) -> Glb:
    """Read a file and check that a viewer can draw it.

    Raises:
        InputError: missing, damaged, without a mesh, compressed, or one that needs other files.
    """
    with decoding(path, "GLB", WAY_ON):
        data = read_regular(path, MOST_BYTES)
        stated = _stated(data)
        _require_whole(stated)
        return _described(data, stated)


def _stated(data: bytes) -> dict[str, Any]:
    """The JSON part."""
    if len(data) < 20 or data[:4] != MAGIC:
        raise ValueError("it is no binary glTF")
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2:
        raise ValueError(f"it is glTF {version}, and only glTF 2 is read")
    if length > len(data):
        raise ValueError(f"it is cut off after {len(data)} of {length} bytes")
    size, kind = struct.unpack_from("<I4s", data, 12)
    if kind != b"JSON" or 20 + size > len(data):
        raise ValueError("it does not begin with a JSON part")
    stated = parse_json(data[20 : 20 + size])
    if not isinstance(stated, dict):
        raise ValueError("its JSON part is no table")
    return stated


def _require_whole(stated: dict[str, Any]) -> None:
    if not _tables(stated, "meshes"):
        raise ValueError("it holds no mesh")
    needed = [name for name in _COMPRESSED if name in _list(stated, "extensionsRequired")]
    if needed:
        raise ValueError(f"it is compressed ({needed[0]}), which the viewer cannot read")
    for part in _tables(stated, "buffers") + _tables(stated, "images"):
        uri = part.get("uri")
        if isinstance(uri, str) and not uri.startswith("data:"):
            raise ValueError(f"it needs another file, {shown(uri, 60)}")


def _described(data: bytes, stated: dict[str, Any]) -> Glb:
    asset = stated.get("asset")
    asset = asset if isinstance(asset, dict) else {}
    extras = asset.get("extras")
    comments = _list(extras, "comments") if isinstance(extras, dict) else []
    accessors = _tables(stated, "accessors")

    def accessor(number: object) -> dict[str, Any]:
        if isinstance(number, int) and 0 <= number < len(accessors):
            return accessors[number]
        return {}

    triangles, depths = 0, None
    for mesh in _tables(stated, "meshes"):
        for part in _tables(mesh, "primitives"):
            attributes = part.get("attributes")
            at = accessor(attributes.get("POSITION") if isinstance(attributes, dict) else None)
            count = accessor(part.get("indices")).get("count", at.get("count"))
            if part.get("mode", TRIANGLES) == TRIANGLES and isinstance(count, int):
                triangles += count // 3
            low, high = (_list(at, end)[2:3] for end in ("min", "max"))
            if depths is None and low and high:
                depths = (float(low[0]), float(high[0]))
    lines = tuple(line for line in comments if isinstance(line, str))
    return Glb(data, lines, triangles, depths)


def _list(table: dict[str, Any], key: str) -> list[Any]:
    value = table.get(key)
    return value if isinstance(value, list) else []


def _tables(table: dict[str, Any], key: str) -> list[dict[str, Any]]:
    return [part for part in _list(table, key) if isinstance(part, dict)]
