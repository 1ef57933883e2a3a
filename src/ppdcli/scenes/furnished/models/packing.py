"""One file with all models: quantised geometry, small textures, and the catalogue."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np

from ppdcli.errors import InputError
from ppdcli.files.atomic import atomic_path
from ppdcli.scenes.furnished.models.model import Entry, Material, Model

_VERSION = 2
_CATALOGUE = "catalogue.json"
_STEPS = 65535
_QUALITY = 82  # of JPEG textures


class PackWriter:
    """Writes models to a zip file, one after the other. ``finish`` completes the file."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self.file = file
        self.rows: list[dict[str, object]] = []

    def add(self, entry: Entry, model: Model) -> None:
        """Adds one model."""
        number = len(self.rows)
        corners = np.unique(model.uv.reshape(-1, 2), axis=0, return_inverse=True)
        table, numbers = corners[0], corners[1].reshape(-1)
        used, triangles = np.unique(model.triangles, return_inverse=True)
        arrays = {
            "vertices": model.vertices[used],
            "uv": table,
        }
        blob = b""
        ranges = {}
        for name, values in arrays.items():
            low, step, codes = _quantised(values)
            ranges[name] = [len(values), low.tolist(), step.tolist()]
            blob += b"".join(_shuffled(column) for column in codes.T)
        blob += b"".join(_shuffled(c) for c in triangles.reshape(-1, 3).astype(np.uint32).T)
        blob += b"".join(_shuffled(c) for c in numbers.reshape(-1, 3).astype(np.uint32).T)
        blob += model.material.astype("<u2").tobytes()
        self.file.writestr(f"{number:05d}.mesh", blob, zipfile.ZIP_DEFLATED, 9)
        kinds = []
        for k, texture in enumerate(model.textures):
            kind = ".jpg" if (texture[..., 3] > 250).all() else ".png"
            kinds.append(kind)
            data = _encoded(texture, kind)
            self.file.writestr(f"{number:05d}.{k}{kind}", data, zipfile.ZIP_STORED)
        self.rows.append(
            {
                "entry": asdict(entry),
                "ranges": ranges,
                "triangles": len(model.triangles),
                "materials": [asdict(m) for m in model.materials],
                "textures": kinds,
            }
        )

    def finish(self, dropped: dict[str, str]) -> None:
        """Writes the catalogue; ``dropped`` gives the reasons why models are missing."""
        content = {"version": _VERSION, "models": self.rows, "dropped": dropped}
        self.file.writestr(_CATALOGUE, json.dumps(content), zipfile.ZIP_DEFLATED, 9)


def write_pack(
    path: Path, models: list[tuple[Entry, Model]], dropped: dict[str, str] | None = None
) -> None:
    """Writes models into one file; never leaves a partial file.

    Positions and texture coordinates are quantised to 65,535 steps of the model's extent. Opaque
    textures are stored as JPEG, others as PNG.

    Raises:
        OutputError: The file cannot be written.
    """
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as file:
        writer = PackWriter(file)
        for entry, model in models:
            writer.add(entry, model)
        writer.finish(dropped or {})


class Pack:
    """An open packed file.

    Attributes:
        entries: Entries of all models, in the order of the file.
        dropped: Reasons why models of the libraries are missing, by their id.
    """

    def __init__(self, path: Path) -> None:
        """Opens a packed file.

        Raises:
            InputError: It is missing, or is not a packed file.
        """
        self.path = path
        try:
            self._file = zipfile.ZipFile(path)
            content = json.loads(self._file.read(_CATALOGUE))
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise InputError(
                f"{path}: is not a packed file of models ({error}); remove it, and it will be "
                "packed again"
            ) from error
        if content.get("version") != _VERSION:
            raise InputError(
                f"{path}: was packed by another version of ppdcli; remove it, and it will be "
                "packed again"
            )
        self._rows = content["models"]
        self.dropped: dict[str, str] = content["dropped"]
        self.entries = [
            Entry(**(row["entry"] | {"size": tuple(row["entry"]["size"])})) for row in self._rows
        ]

    def model(self, number: int) -> Model:
        """Reads the model of ``entries[number]``.

        Raises:
            InputError: The file is damaged.
        """
        row = self._rows[number]
        try:
            blob = self._file.read(f"{number:05d}.mesh")
            textures = tuple(
                _decoded(self._file.read(f"{number:05d}.{k}{kind}"))
                for k, kind in enumerate(row["textures"])
            )
        except (OSError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise InputError(
                f"{self.path}: is damaged ({error}); remove it, and it will be packed again"
            ) from error
        stream = io.BytesIO(blob)
        vertices = _dequantised(stream, *row["ranges"]["vertices"])
        table = _dequantised(stream, *row["ranges"]["uv"])
        count = row["triangles"]
        triangles = np.stack([_unshuffled(stream, count, 4) for _ in range(3)], 1)
        numbers = np.stack([_unshuffled(stream, count, 4) for _ in range(3)], 1)
        material = np.frombuffer(stream.read(2 * count), "<u2").astype(np.int32)
        materials = tuple(
            Material(**(m | {"color": tuple(m["color"]), "glow": tuple(m["glow"])}))
            for m in row["materials"]
        )
        return Model(
            vertices, triangles.astype(np.int32), table[numbers], material, materials, textures
        )


def _quantised(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    low = values.min(0).astype(np.float64)
    step = np.maximum((values.max(0) - low) / _STEPS, 1e-12)
    return low, step, np.round((values - low) / step).astype(np.uint16)


def _dequantised(stream: io.BytesIO, count: int, low: list[float], step: list[float]) -> np.ndarray:
    codes = np.stack([_unshuffled(stream, count, 2) for _ in low], 1)
    return (codes * np.array(step) + np.array(low)).astype(np.float32)


def _shuffled(codes: np.ndarray) -> bytes:
    """Encodes as differences of neighbours, all low bytes first; these compress well."""
    kind = codes.dtype
    signed = np.diff(codes, prepend=kind.type(0)).astype(np.dtype(f"i{kind.itemsize}"))
    # Zigzag encoding: small negative numbers also become small.
    zigzag = ((signed << 1) ^ (signed >> (8 * kind.itemsize - 1))).astype(kind)
    return zigzag.astype(f"<u{kind.itemsize}").view(np.uint8).reshape(len(codes), -1).T.tobytes()


def _unshuffled(stream: io.BytesIO, count: int, width: int) -> np.ndarray:
    planes = np.frombuffer(stream.read(count * width), np.uint8).reshape(width, count)
    zigzag = np.ascontiguousarray(planes.T).view(f"<u{width}").reshape(-1)
    differences = (zigzag >> 1) ^ (0 - (zigzag & 1)).astype(zigzag.dtype)
    return np.cumsum(differences, dtype=zigzag.dtype)


def _encoded(texture: np.ndarray, kind: str) -> bytes:
    if kind == ".jpg":
        pixels = cv2.cvtColor(np.ascontiguousarray(texture[..., :3]), cv2.COLOR_RGB2BGR)
        return bytes(cv2.imencode(kind, pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1])
    return bytes(cv2.imencode(kind, cv2.cvtColor(texture, cv2.COLOR_RGBA2BGRA))[1])


def _decoded(data: bytes) -> np.ndarray:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ValueError("a texture cannot be decoded")
    how = cv2.COLOR_BGR2RGBA if pixels.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
    return np.asarray(cv2.cvtColor(pixels, how))
