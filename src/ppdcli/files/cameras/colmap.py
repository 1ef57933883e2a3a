"""COLMAP's cameras.txt / .bin, with images.txt / .bin for which camera took which image.

Layouts and models: COLMAP documentation, "Output Format" and "Camera Models". Its first pixel
centre is at (0.5, 0.5).
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ppdcli.errors import InputError, shown
from ppdcli.files.cameras.stated import (
    MAX_SIDE,
    Contents,
    StatedCamera,
    checked_focal,
    image_size,
    number,
)
from ppdcli.files.foreign import open_regular
from ppdcli.files.source import is_file
from ppdcli.geometry.distortion import NAMES, Distortion, Model

# The parameters of those models that can be undistorted here.
_PARAMETERS: dict[str, str] = {
    "SIMPLE_PINHOLE": "f cx cy",
    "PINHOLE": "fx fy cx cy",
    "SIMPLE_RADIAL": "f cx cy k1",
    "RADIAL": "f cx cy k1 k2",
    "OPENCV": "fx fy cx cy k1 k2 p1 p2",
    "OPENCV_FISHEYE": "fx fy cx cy k1 k2 k3 k4",
    "FULL_OPENCV": "fx fy cx cy k1 k2 p1 p2 k3 k4 k5 k6",
    "SIMPLE_RADIAL_FISHEYE": "f cx cy k1",
    "RADIAL_FISHEYE": "f cx cy k1 k2",
    "SIMPLE_FISHEYE": "f cx cy",
    "FISHEYE": "fx fy cx cy",
}

# How COLMAP numbers its models in .bin files, with how many parameters each has.
_MODELS: tuple[tuple[str, int], ...] = (
    ("SIMPLE_PINHOLE", 3),
    ("PINHOLE", 4),
    ("SIMPLE_RADIAL", 4),
    ("RADIAL", 5),
    ("OPENCV", 8),
    ("OPENCV_FISHEYE", 8),
    ("FULL_OPENCV", 12),
    ("FOV", 5),
    ("SIMPLE_RADIAL_FISHEYE", 4),
    ("RADIAL_FISHEYE", 5),
    ("THIN_PRISM_FISHEYE", 12),
    ("RAD_TAN_THIN_PRISM_FISHEYE", 16),
    ("SIMPLE_DIVISION", 4),
    ("DIVISION", 5),
    ("SIMPLE_FISHEYE", 3),
    ("FISHEYE", 4),
    ("EUCM", 6),
    ("EQUIRECTANGULAR", 2),
)

_ID = r"\d{1,18}"
_CAMERA_LINE = re.compile(rf"{_ID}\s+[A-Z][A-Z0-9_]+\s+{_ID}\s+{_ID}\s+\S", re.ASCII)
_IMAGE_LINE = re.compile(rf"{_ID}(\s+[-+.\deE]+){{7}}\s+{_ID}\s+\S", re.ASCII)

_CAMERA_HEAD = struct.Struct("<iiQQ")  # id, model, width, height
_IMAGE_HEAD = struct.Struct("<I7dI")  # id, rotation, translation, camera id
_POINT_BYTES = 24  # x, y, id of the 3-D point
_MAX_NAME = 4096
_MAX_LINE = 1 << 16  # bytes

AGAIN = "export the model again"


def find_cameras(folder: Path) -> Path:
    """cameras.bin or else cameras.txt in a model folder, the order in which COLMAP looks.

    Raises:
        InputError: there is neither.
    """
    for name in ("cameras.bin", "cameras.txt"):
        if is_file(folder / name):
            return folder / name
    raise InputError(
        f"{folder}: this folder has no cameras.txt or cameras.bin; give a camera file, or COLMAP's "
        "model folder, such as sparse/0"
    )


def is_text(lines: list[str]) -> bool:
    """Whether lines without comments are those of cameras.txt."""
    return bool(lines) and _CAMERA_LINE.match(lines[0]) is not None


def is_image_list(lines: list[str]) -> bool:
    """Whether lines without comments are those of images.txt."""
    return bool(lines) and _IMAGE_LINE.match(lines[0]) is not None


def read_text(lines: list[str], path: Path) -> Contents:
    """From the lines of cameras.txt without comments.

    Raises:
        InputError: a line is damaged, an id occurs twice, or images.txt does not fit.
    """
    cameras: dict[int, StatedCamera] = {}
    for line in lines:
        words = line.split()
        if not _CAMERA_LINE.match(line):
            raise InputError(
                f"{path}: the line {shown(line, 60)!r} is not CAMERA_ID MODEL WIDTH HEIGHT PARAMS; "
                f"{AGAIN}"
            )
        camera_id, where = int(words[0]), f"{path}: camera {words[0]}"
        parameters = [number(word, "a parameter", where) for word in words[4:]]
        camera = _stated(camera_id, words[1], int(words[2]), int(words[3]), parameters, where)
        _add(cameras, camera_id, camera, path)
    return _with_images(cameras, path)


def read_binary(data: bytes, path: Path) -> Contents:
    """From the bytes of cameras.bin.

    Raises:
        InputError: it is something else, damaged, an id occurs twice, or images.bin does not fit.
    """
    cameras: dict[int, StatedCamera] = {}
    try:
        (count,) = struct.unpack_from("<Q", data)
        # So that an absurd count ends here, not after a long loop.
        if count > len(data) // _CAMERA_HEAD.size:
            raise ValueError(f"it states {count} cameras in {len(data)} bytes")
        position = 8
        for _ in range(count):
            camera_id, model, width, height = _CAMERA_HEAD.unpack_from(data, position)
            if not (0 <= model < len(_MODELS) and width <= MAX_SIDE and height <= MAX_SIDE):
                raise ValueError(f"model {model} of {width}x{height} is unknown")
            name, length = _MODELS[model]
            raw = struct.unpack_from(f"<{length}d", data, position + _CAMERA_HEAD.size)
            position += _CAMERA_HEAD.size + 8 * length
            where = f"{path}: camera {camera_id}"
            parameters = [number(value, "a parameter", where) for value in raw]
            camera = _stated(camera_id, name, width, height, parameters, where)
            _add(cameras, camera_id, camera, path)
        if position != len(data):
            raise ValueError(f"{len(data) - position} bytes are left over")
    except (struct.error, ValueError) as error:
        cause = "it is truncated" if isinstance(error, struct.error) else error
        raise InputError(
            f"{path}: a binary file, but no intact COLMAP cameras.bin ({cause}); "
            "give a camera file, or COLMAP's model folder"
        ) from error
    return _with_images(cameras, path)


def _add(cameras: dict[int, StatedCamera], key: int, camera: StatedCamera, path: Path) -> None:
    if cameras.get(key, camera) != camera:
        raise InputError(f"{path}: camera {key} occurs twice with other values; {AGAIN}")
    cameras[key] = camera


def _stated(
    camera_id: int, model: str, width: int, height: int, parameters: list[float], where: str
) -> StatedCamera:
    label = f"camera {camera_id}"
    if model not in _PARAMETERS:
        told, usable = shown(model), ", ".join(_PARAMETERS)
        return StatedCamera(
            label,
            problem=f"its model {told} cannot be undistorted; convert it to one of {usable}",
        )
    names = _PARAMETERS[model].split()
    if len(parameters) != len(names):
        raise InputError(
            f"{where}: {len(parameters)} parameters instead of {len(names)} for {model}, "
            f"{' '.join(names)}; {AGAIN}"
        )
    values = dict(zip(names, parameters, strict=True))
    if "f" in values:
        values["fx"] = values["fy"] = values["f"]
    focal = checked_focal(values["fx"], values["fy"], where)
    size = image_size({"width": width, "height": height}, "width", "height", where)
    lens: Model = "fisheye" if "FISHEYE" in model else "opencv"
    distortion = Distortion.of(lens, *(values.get(name, 0.0) for name in NAMES[lens]))
    return StatedCamera(
        label,
        focal,
        (values["cx"] - 0.5, values["cy"] - 0.5),
        size,
        distortion=None if distortion.is_pinhole else distortion,
    )


def _with_images(cameras: dict[int, StatedCamera], path: Path) -> Contents:
    if not cameras:
        raise InputError(f"{path}: holds no camera; {AGAIN}")
    indices = {camera_id: index for index, camera_id in enumerate(cameras)}
    images: list[tuple[str, int]] = []
    source = image_list(path) if len(cameras) > 1 else None
    if source is not None:
        names = _names_binary(source) if source.suffix == ".bin" else _names_text(source)
        for camera_id, name in names:
            if camera_id not in indices:
                raise InputError(
                    f"{source}: image {shown(name)!r} is of camera {camera_id}, which {path} does "
                    f"not hold; {AGAIN}"
                )
            images.append((name, indices[camera_id]))
    return Contents("COLMAP", tuple(cameras.values()), tuple(images))


def image_list(path: Path) -> Path | None:
    """images.txt or .bin beside a camera list; of its own kind first."""
    endings = sorted((".txt", ".bin"), key=lambda ending: ending != path.suffix)
    for ending in endings:
        source = path.with_name("images" + ending)
        if is_file(source):
            return source
    return None


def _names_text(path: Path) -> Iterator[tuple[int, str]]:
    """(camera id, image name) for each image; the points, on each second line, are passed over."""
    with _reading(path) as stream:
        while line := stream.readline(_MAX_LINE):
            head = line.decode("utf-8-sig").strip()
            if not head or head.startswith("#"):
                _skip_line(stream, line)
                continue
            if not (line.endswith(b"\n") or len(line) < _MAX_LINE) or not _IMAGE_LINE.match(head):
                raise InputError(
                    f"{path}: the line {shown(head, 60)!r} is not IMAGE_ID, rotation, translation, "
                    f"CAMERA_ID, NAME; {AGAIN}"
                )
            words = head.split(maxsplit=9)
            yield int(words[8]), words[9]
            _skip_line(stream, b"")


def _skip_line(stream: BinaryIO, begun: bytes) -> None:
    """To the end of the line of which ``begun`` has been read."""
    while not begun.endswith(b"\n"):
        begun = stream.readline(_MAX_LINE)
        if not begun:
            return


@contextmanager
def _reading(path: Path) -> Iterator[BinaryIO]:
    """Opens a list of images; InputError if it is damaged or cannot be read."""
    try:
        with open_regular(path) as stream:
            yield stream
    except (struct.error, ValueError) as error:  # a UnicodeDecodeError is a ValueError
        raise InputError(f"{path}: is damaged or truncated; {AGAIN}") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); {AGAIN}") from error


def _names_binary(path: Path) -> Iterator[tuple[int, str]]:
    """(camera id, image name) for each image; the points are skipped without being read."""
    with _reading(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        (count,) = struct.unpack("<Q", stream.read(8))
        for _ in range(count):
            camera_id = _IMAGE_HEAD.unpack(stream.read(_IMAGE_HEAD.size))[-1]
            name = _name(stream)
            (points,) = struct.unpack("<Q", stream.read(8))
            if stream.tell() + points * _POINT_BYTES > size:
                raise ValueError("points without an end")
            stream.seek(points * _POINT_BYTES, os.SEEK_CUR)
            yield camera_id, name


def _name(stream: BinaryIO) -> str:
    """Text up to a zero byte."""
    start = stream.tell()
    text, zero, _ = stream.read(_MAX_NAME).partition(b"\0")
    if not zero:
        raise ValueError("a name without an end")
    stream.seek(start + len(text) + 1)
    return text.decode()
