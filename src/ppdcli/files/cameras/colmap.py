"""Reads COLMAP's cameras.txt / .bin. images.txt / .bin say which camera took which image.

Layouts and models: COLMAP documentation, "Output Format" and "Camera Models". The first pixel
centre is at (0.5, 0.5).
"""

from __future__ import annotations

import re
import struct
from pathlib import Path

from ppdcli.errors import InputError, shown
from ppdcli.files.cameras.colmap_images import AGAIN, image_list, is_image_list, names_of
from ppdcli.files.cameras.content import Content
from ppdcli.files.cameras.lens import checked_lens
from ppdcli.files.cameras.matrix import checked_focal
from ppdcli.files.cameras.stated import MAX_SIDE, Contents, StatedCamera, image_size, number
from ppdcli.files.source import is_file
from ppdcli.geometry.distortion import NAMES, Model

# The parameters of the models that can be undistorted.
PARAMETERS: dict[str, str] = {
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
    "FOV": "fx fy cx cy omega",
    "THIN_PRISM_FISHEYE": "fx fy cx cy k1 k2 p1 p2 k3 k4 sx1 sy1",
}

# The models in the order of their numbers in .bin files, with their number of parameters.
MODELS: tuple[tuple[str, int], ...] = (
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
_CAMERA_HEAD = struct.Struct("<iiQQ")  # id, model, width, height


def find_cameras(folder: Path) -> Path:
    """Returns cameras.bin in a model folder, or else cameras.txt. COLMAP uses this order too.

    Raises:
        InputError: the folder has neither.
    """
    for name in ("cameras.bin", "cameras.txt"):
        if is_file(folder / name):
            return folder / name
    models = sorted(path.parent.name for path in folder.glob("*/cameras.*") if is_file(path))
    models = list(dict.fromkeys(models))
    if models:
        raise InputError(
            f"{folder}: has no cameras itself, but {len(models)} of its folders have "
            f"({shown(', '.join(models))}); give one of them, such as {folder / models[0]}"
        )
    raise InputError(
        f"{folder}: this folder has no cameras.txt or cameras.bin; give a camera file, or COLMAP's "
        "model folder, such as sparse/0"
    )


def is_text(content: Content) -> bool:
    """Whether it is cameras.txt, or images.txt, which ``read_text`` refuses by name."""
    lines = content.lines
    return bool(lines) and (_CAMERA_LINE.match(lines[0]) is not None or is_image_list(lines))


def is_binary(content: Content) -> bool:
    """Whether its name is cameras.bin, or it begins with a camera of one of COLMAP's models."""
    if content.text is not None:
        return False
    if content.path.name == "cameras.bin":
        return True
    if len(content.data) < 8 + _CAMERA_HEAD.size:
        return False
    _, model, width, height = _CAMERA_HEAD.unpack_from(content.data, 8)
    sizes = 1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE
    return 0 <= model < len(MODELS) and sizes


def read_text(content: Content) -> Contents:
    """Reads cameras.txt.

    Raises:
        InputError: a line is damaged, an id occurs twice, or images.txt does not fit.
    """
    lines, path = content.lines, content.path
    if is_image_list(lines):
        raise InputError(
            f"{path}: is COLMAP's list of images; give cameras.txt beside it, or their folder"
        )
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


def read_binary(content: Content) -> Contents:
    """Reads cameras.bin.

    Raises:
        InputError: the file is damaged, an id occurs twice, or images.bin does not fit.
    """
    data, path = content.data, content.path
    cameras: dict[int, StatedCamera] = {}
    try:
        (count,) = struct.unpack_from("<Q", data)
        # An absurd count is refused here, and not after a long loop.
        if count > len(data) // _CAMERA_HEAD.size:
            raise ValueError("it states more cameras than it has bytes for")
        position = 8
        for _ in range(count):
            camera_id, model, width, height = _CAMERA_HEAD.unpack_from(data, position)
            if not (0 <= model < len(MODELS) and width <= MAX_SIDE and height <= MAX_SIDE):
                raise ValueError(
                    "it states a lens model or an image size that COLMAP does not have"
                )
            name, length = MODELS[model]
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
            f"{path}: is not an intact COLMAP cameras.bin ({cause}); {AGAIN}, or give another "
            "camera file"
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
    size = image_size({"width": width, "height": height}, "width", "height", where)
    if model not in PARAMETERS:
        told, usable = shown(model), ", ".join(PARAMETERS)
        return StatedCamera(
            label,
            size=size,
            problem=f"its model {told} cannot be undistorted; convert it to one of {usable}",
        )
    names = PARAMETERS[model].split()
    if len(parameters) != len(names):
        raise InputError(
            f"{where}: {len(parameters)} parameters instead of {len(names)} for {model}, "
            f"{' '.join(names)}; {AGAIN}"
        )
    values = dict(zip(names, parameters, strict=True))
    if "f" in values:
        values["fx"] = values["fy"] = values["f"]
    focal = checked_focal(values["fx"], values["fy"], where)
    lens = _lens_of(model)
    try:
        distortion = checked_lens(lens, [values.get(name, 0.0) for name in NAMES[lens]])
    except ValueError as error:
        return StatedCamera(label, size=size, problem=str(error))
    return StatedCamera(
        label,
        focal,
        (values["cx"] - 0.5, values["cy"] - 0.5),
        size,
        distortion=distortion,
    )


def _lens_of(model: str) -> Model:
    if model == "THIN_PRISM_FISHEYE":
        return "thin_prism_fisheye"
    if model == "FOV":
        return "fov"
    return "fisheye" if "FISHEYE" in model else "opencv"


def _with_images(cameras: dict[int, StatedCamera], path: Path) -> Contents:
    if not cameras:
        raise InputError(f"{path}: holds no camera; {AGAIN}")
    indices = {camera_id: index for index, camera_id in enumerate(cameras)}
    images: list[tuple[str, int]] = []
    source = image_list(path) if len(cameras) > 1 else None
    if source is not None:
        for camera_id, name in names_of(source):
            if camera_id not in indices:
                raise InputError(
                    f"{source}: image {shown(name)!r} is of camera {camera_id}, which {path} does "
                    f"not hold; {AGAIN}"
                )
            images.append((name, indices[camera_id]))
    missing = "put images.txt or images.bin beside it"
    return Contents("COLMAP", tuple(cameras.values()), tuple(images), missing=missing)
