"""What a camera file holds, by its content: the suffix plays no part."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ppdcli.errors import InputError
from ppdcli.files.cameras import colmap, nerfstudio, ros
from ppdcli.files.cameras.stated import (
    Contents,
    StatedCamera,
    checked_focal,
    from_matrix,
    number,
)
from ppdcli.files.source import Kind, is_dir, read_file
from ppdcli.files.text import decode_text

MAX_LINES = 2_000_000
MAX_ENTRIES = 4_000_000
"""Values of a JSON file, of which each takes up to a hundred bytes."""
MAX_PLAIN = 2**16  # characters of a text that holds 4 or 9 numbers

FORMATS = (
    "fx,fy,cx,cy or a 3x3 matrix as text, COLMAP cameras.txt or .bin, ROS calibration YAML or "
    "camera_info, nerfstudio transforms.json, or Open3D JSON"
)
KIND = Kind("a camera file", 64 * 2**20, f"give {FORMATS}")
"""COLMAP's image lists may be larger: they are not read whole."""


def read_contents(path: Path) -> Contents:
    """The cameras of a file, or of the camera list in a COLMAP folder.

    Raises:
        InputError: the file is missing, empty, too large, of no known format, or damaged.
    """
    if is_dir(path):
        path = colmap.find_cameras(path)
    data = _read(path)
    text = _decoded(data)
    return _of_text(text, path) if text is not None else colmap.read_binary(data, path)


def _read(path: Path) -> bytes:
    data = read_file(path, str(path), KIND)
    if not data.strip():
        raise InputError(f"{path}: is empty; give {FORMATS}")
    return data


def _decoded(data: bytes) -> str | None:
    """The text with plain line ends; None for a binary file."""
    try:
        return decode_text(data)
    except ValueError:
        return None


def _of_text(text: str, path: Path) -> Contents:
    if text.lstrip().startswith("{"):
        return _of_mappings([_json(text, path)], path)
    if text.count("\n") > MAX_LINES:
        raise InputError(f"{path}: has more lines than any camera file; give {FORMATS}")
    stripped = (line.strip() for line in text.split("\n"))
    lines = [line for line in stripped if line and not line.startswith("#")]
    if not lines:
        raise InputError(f"{path}: holds no camera, only comments; give {FORMATS}")
    values = _plain_numbers(lines) if len(text) <= MAX_PLAIN else None
    if values is not None:
        return Contents("text", (_of_numbers(values, str(path)),))
    if colmap.is_text(lines):
        return colmap.read_text(lines, path)
    if colmap.is_image_list(lines):
        raise InputError(
            f"{path}: is COLMAP's list of images; give cameras.txt beside it, or their folder"
        )
    return _of_mappings(ros.parse_yaml(text, path), path)


def _plain_numbers(lines: list[str]) -> list[float] | None:
    """All numbers of a text that holds nothing else, else None."""
    separators = str.maketrans(",;[]", "    ")
    words = " ".join(line.partition("#")[0] for line in lines).translate(separators).split()
    try:
        return [float(word) for word in words] or None
    except ValueError:
        return None


def _of_numbers(values: list[float], where: str) -> StatedCamera:
    values = [number(value, "a number", where) for value in values]
    if len(values) == 4:
        fx, fy, cx, cy = values
        return StatedCamera("", checked_focal(fx, fy, where), (cx, cy))
    if len(values) == 9:
        return StatedCamera("", *from_matrix(values, where))
    raise InputError(
        f"{where}: holds {len(values)} numbers; give the 4 numbers fx fy cx cy, or a 3x3 matrix"
    )


def _json(text: str, path: Path) -> Any:
    if sum(map(text.count, ",[{")) > MAX_ENTRIES:
        raise InputError(f"{path}: holds more values than any camera file; give {FORMATS}")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        at = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise InputError(f"{path}: is damaged JSON{at}; correct it or export it again") from error


def _of_mappings(documents: list[Any], path: Path) -> Contents:
    """From JSON, or from the documents of a YAML file."""
    mappings: list[Mapping[str, Any]] = [data for data in documents if isinstance(data, dict)]
    where = str(path)
    if mappings and len(mappings) == len(documents):
        first = mappings[0]
        if all(ros.is_camera_info(message) for message in mappings):
            return ros.read_camera_info(mappings, where)
        if len(mappings) == 1:
            if nerfstudio.is_transforms(first):
                return nerfstudio.read_transforms(first, where)
            if nerfstudio.is_open3d(first):
                return nerfstudio.read_open3d(first, where)
            if ros.is_calibration(first):
                return ros.read_calibration(first, where)
    raise InputError(f"{path}: is no camera file that is known; give {FORMATS}")
