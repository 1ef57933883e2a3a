"""Reads Sweet Home 3D's furniture libraries: zips of OBJ models, pictures and a catalogue."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
from PIL import Image

from ppdcli.scenes.furnished.models.model import NO_TEXTURE, Entry, Material, Model
from ppdcli.scenes.furnished.models.obj import MtlMaterial, ObjMesh, parse_mtl, parse_obj
from ppdcli.scenes.furnished.models.simplify import simplify

MOST_TRIANGLES = 8_000
MOST_OF_PLANTS = 30_000  # with fewer, a tree looks bare
TEXTURE_SIDE = 256
_CATALOGUE = "PluginFurnitureCatalog.properties"
_PLANTS = re.compile(r"tree|pine|palm|poplar|cypress|maple|beech|acacia|blossom|ficus|bamboo", re.I)


@dataclass(frozen=True)
class Listed:
    """A model of an open library: its catalogue entry and the path of its files."""

    entry: Entry
    path: str
    rotation: np.ndarray  # (3, 3)


def listed_models(library: zipfile.ZipFile) -> Iterator[Listed]:
    """Yields the models of a library, in the order of its catalogue.

    Raises:
        KeyError: The zip has no catalogue.
    """
    text = library.read(_CATALOGUE).decode("latin-1")
    common: dict[str, str] = {}
    numbered: dict[int, dict[str, str]] = {}
    for line in text.splitlines():
        match = re.match(r"\s*(\w+)(?:#(\d+))?\s*=\s*(.*)", line)
        if match:
            keys = numbered.setdefault(int(match[2]), {}) if match[2] else common
            keys[match[1]] = _unescaped(match[3].strip())
    names = set(library.namelist())
    for _, row in sorted(numbered.items()):
        path = row.get("model", "").lstrip("/")
        if path in names and path.endswith(".obj"):
            yield Listed(_entry(row, common), path, _rotation(row.get("modelRotation")))


def _unescaped(text: str) -> str:
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text)


def _entry(row: dict[str, str], common: dict[str, str]) -> Entry:
    width, height, depth = (float(row[k]) / 100 for k in ("width", "height", "depth"))
    drop = row.get("dropOnTopElevation")
    top = height if drop is None else float(drop) / 100
    return Entry(
        id=row.get("id", row["model"]),
        name=row.get("name", ""),
        category=row.get("category", ""),
        library=common.get("name", common.get("id", "")),
        license=common.get("license", ""),
        creator=row.get("creator", ""),
        size=(width, height, depth),
        elevation=float(row.get("elevation", 0)) / 100,
        top=top if top > 0 else None,
        opening=row.get("doorOrWindow") == "true",
    )


def _rotation(text: str | None) -> np.ndarray:
    return np.eye(3) if text is None else np.array(text.split(), np.float64).reshape(3, 3)


def read_model(library: zipfile.ZipFile, listed: Listed) -> Model:
    """Reads one model, scaled to its catalogue size and placed on the origin.

    Raises:
        ValueError: Its files cannot be read as a model.
        KeyError: A file is missing.
    """
    mesh = parse_obj(library.read(listed.path).decode("latin-1"))
    folder = PurePosixPath(listed.path).parent
    known: dict[str, MtlMaterial] = {}
    for name in mesh.libraries:
        if str(folder / name) in library.namelist():
            known |= parse_mtl(library.read(str(folder / name)).decode("latin-1"))
    materials, textures = _materials(library, folder, mesh, known)
    vertices = _scaled(mesh, listed)
    keep = _has_area(vertices[mesh.triangles])
    if not keep.any():
        raise ValueError("all triangles are empty")
    model = Model(
        vertices.astype(np.float32),
        mesh.triangles[keep].astype(np.int32),
        mesh.uv[keep].astype(np.float32),
        mesh.material[keep].astype(np.int32),
        materials,
        textures,
    )
    plant = listed.entry.category == "Exterior" and _PLANTS.search(listed.entry.name)
    return simplify(model, MOST_OF_PLANTS if plant else MOST_TRIANGLES)


def _scaled(mesh: ObjMesh, listed: Listed) -> np.ndarray:
    vertices = mesh.vertices @ listed.rotation.T
    used = vertices[np.unique(mesh.triangles)]
    low, high = used.min(0), used.max(0)
    if not np.isfinite(used).all():
        raise ValueError("a vertex is not finite")
    scale = np.array(listed.entry.size) / np.maximum(high - low, 1e-9)
    scale = np.where(high - low > 1e-9, scale, 1.0)
    middle = (low + high) / 2
    return (vertices - [middle[0], low[1], middle[2]]) * scale


def _has_area(corners: np.ndarray) -> np.ndarray:
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.linalg.norm(np.cross(a, b), axis=1) > 1e-12


def _materials(
    library: zipfile.ZipFile, folder: PurePosixPath, mesh: ObjMesh, known: dict[str, MtlMaterial]
) -> tuple[tuple[Material, ...], tuple[np.ndarray, ...]]:
    """Returns the materials in the order of the mesh, and the textures that they refer to."""
    textures: list[np.ndarray] = []
    numbers: dict[tuple[str, str | None], int] = {}
    materials = []
    for name in mesh.names:
        mtl = known.get(name, MtlMaterial())
        texture = NO_TEXTURE
        if mtl.picture is not None:
            key = (mtl.picture, mtl.mask)
            if key not in numbers:
                picture = _picture(library, folder, *key)
                numbers[key] = NO_TEXTURE if picture is None else len(textures)
                textures += [] if picture is None else [picture]
            texture = numbers[key]
        gloss = mtl.specular * min(mtl.exponent / 100, 1.0) ** 0.5
        materials.append(Material(mtl.diffuse, texture, gloss, mtl.opacity, mtl.glow))
    return tuple(materials), tuple(textures)


def _picture(
    library: zipfile.ZipFile, folder: PurePosixPath, name: str, mask: str | None
) -> np.ndarray | None:
    """Returns (h, w, 4) uint8, or None if the picture is missing or cannot be read."""
    try:
        picture = Image.open(io.BytesIO(library.read(str(folder / name)))).convert("RGBA")
        if mask is not None and mask != name:
            alpha = Image.open(io.BytesIO(library.read(str(folder / mask)))).convert("L")
            picture.putalpha(alpha.resize(picture.size))
    except (KeyError, OSError):
        return None
    sides = [min(TEXTURE_SIDE, 2 ** max(0, round(np.log2(side)))) for side in picture.size]
    return np.asarray(picture.resize((sides[0], sides[1]), Image.Resampling.BOX))
