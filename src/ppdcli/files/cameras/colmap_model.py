"""Reads the poses and points of a COLMAP model: images.txt / .bin and points3D.txt / .bin.

Layouts: COLMAP documentation, "Output Format". Poses go from the world to the camera.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ppdcli.errors import InputError, shown
from ppdcli.files.cameras.colmap import find_cameras
from ppdcli.files.cameras.colmap_images import (
    AGAIN,
    IMAGE_HEAD,
    image_list,
    image_words,
    name_in,
    reading,
)
from ppdcli.files.cameras.world_model import WorldModel, WorldPoints
from ppdcli.files.source import is_dir, is_file
from ppdcli.geometry.posed import Pose, rotation_of

_OBSERVED = np.dtype([("x", "<f8"), ("y", "<f8"), ("point", "<i8")])
_POINT_HEAD = struct.Struct("<Q3d3BdQ")  # id, place, colour, error, length of the track
_SEEN = np.dtype([("image", "<u4"), ("index", "<u4")])
_LONGEST = 1 << 28  # bytes of a line of text: the points of one image


@dataclass(frozen=True, eq=False)
class _Image:
    number: int
    name: str
    pose: Pose | str
    points: np.ndarray  # numbers of the points that it sees


def read_model(path: Path) -> WorldModel:
    """Reads the model that a folder holds, or that a file of it belongs to.

    Raises:
        InputError: there are no images, a file is damaged, or the files do not belong together.
    """
    cameras = find_cameras(path) if is_dir(path) else path
    source = image_list(cameras)
    if source is None:
        raise InputError(
            f"{path}: has no images.txt or images.bin, which say where the photos were taken; give "
            "COLMAP's whole model, such as sparse/0"
        )
    binary = source.suffix == ".bin"
    images = list(_images_binary(source) if binary else _images_text(source))
    if not images:
        raise InputError(f"{source}: has no image; {AGAIN}")
    _require_each_once(images, source)
    notes = []
    if is_file(source.with_suffix(".txt")) and is_file(source.with_suffix(".bin")):
        notes.append(f"{path}: has the model twice, as .bin and .txt; {source.name} is read")
    points = _points_of(source, images)
    return WorldModel(
        str(path),
        "COLMAP",
        tuple(image.name for image in images),
        tuple(image.pose for image in images),
        points,
        tuple(notes),
    )


def _require_each_once(images: list[_Image], source: Path) -> None:
    names: set[str] = set()
    for image in images:
        if image.name in names:
            raise InputError(f"{source}: names the image {shown(image.name, 60)!r} twice; {AGAIN}")
        names.add(image.name)


def _pose(numbers: tuple[float, ...]) -> Pose | str:
    """The pose of qw, qx, qy, qz, tx, ty, tz; or what is wrong with it."""
    w, x, y, z, *moved = numbers
    rotation = rotation_of(w, x, y, z)
    if rotation is None:
        return "has a pose without a rotation"
    try:
        return Pose(rotation, np.array(moved))
    except ValueError as error:
        return f"cannot be used, since {error}"


def _images_binary(path: Path) -> Iterator[_Image]:
    with reading(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        (count,) = struct.unpack("<Q", stream.read(8))
        for _ in range(count):
            number, *pose, _camera = IMAGE_HEAD.unpack(stream.read(IMAGE_HEAD.size))
            name = name_in(stream)
            (observed,) = struct.unpack("<Q", stream.read(8))
            if stream.tell() + observed * _OBSERVED.itemsize > size:
                raise ValueError("points without an end")
            rows = np.frombuffer(stream.read(observed * _OBSERVED.itemsize), _OBSERVED)
            points = rows["point"]
            yield _Image(number, name, _pose(tuple(pose)), points[points >= 0])


def _images_text(path: Path) -> Iterator[_Image]:
    with reading(path) as stream:
        while line := stream.readline(_LONGEST):
            words = image_words(line, path)
            if words is None:
                continue
            rows = np.array(stream.readline(_LONGEST).split(), np.float64)
            if rows.size % 3:
                raise ValueError("points that are not X, Y, POINT3D_ID")
            points = rows[2::3].astype(np.int64)
            pose = _pose(tuple(float(word) for word in words[1:8]))
            yield _Image(int(words[0]), words[9], pose, points[points >= 0])


@dataclass(eq=False)
class _Points:
    numbers: list[int]
    places: list[tuple[float, float, float]]
    tracks: list[np.ndarray]  # numbers of the images that see each


def _points_of(source: Path, images: list[_Image]) -> WorldPoints | None:
    """The points, and which image sees which; None if there is no list of points."""
    readers: dict[str, Callable[[BinaryIO, int, _Points], None]]
    readers = {".bin": _points_binary, ".txt": _points_text}
    path = source.with_name(f"points3D{source.suffix}")
    if not is_file(path):
        return None
    found = _Points([], [], [])
    with reading(path) as stream:
        readers[path.suffix](stream, os.fstat(stream.fileno()).st_size, found)
    if not found.numbers:
        return None
    numbers = np.array(found.numbers, np.int64)
    order = np.argsort(numbers)
    places = np.array(found.places)[order]
    sorted_numbers = numbers[order]
    if not np.isfinite(places).all():
        raise InputError(f"{path}: has a point that is not finite; {AGAIN}")
    listed = [np.unique(image.points) for image in images]
    if not any(seen.size for seen in listed):  # some exports leave them out of the images
        listed = _by_tracks(images, found.tracks, numbers)
    seen = []
    unknown = 0
    for ids in listed:
        at = np.minimum(np.searchsorted(sorted_numbers, ids), len(numbers) - 1)
        known = sorted_numbers[at] == ids
        unknown += int((~known).sum())
        seen.append(at[known])
    if unknown and not any(one.size for one in seen):
        raise InputError(f"{path}: has none of the points that {source} names; {AGAIN}")
    where = f"{path.parent.name}/{path.name}, {len(places)} points"
    told = any(one.size for one in seen)
    return WorldPoints(places, tuple(seen) if told else None, where)


def _by_tracks(
    images: list[_Image], tracks: list[np.ndarray], numbers: np.ndarray
) -> list[np.ndarray]:
    """The numbers of the points of each image, by the images of each point."""
    lengths = [len(track) for track in tracks]
    points = np.repeat(numbers, lengths)
    seen_by = np.concatenate(tracks) if tracks else np.empty(0, np.int64)
    return [np.unique(points[seen_by == image.number]) for image in images]


def _points_binary(stream: BinaryIO, size: int, found: _Points) -> None:
    (count,) = struct.unpack("<Q", stream.read(8))
    if count > size // _POINT_HEAD.size:
        raise ValueError("more points than it has bytes for")
    for _ in range(count):
        number, x, y, z, _r, _g, _b, _error, length = _POINT_HEAD.unpack(
            stream.read(_POINT_HEAD.size)
        )
        if length > size // _SEEN.itemsize:
            raise ValueError("a track without an end")
        track = stream.read(length * _SEEN.itemsize)
        found.numbers.append(number)
        found.places.append((x, y, z))
        found.tracks.append(np.frombuffer(track, _SEEN)["image"])
        if len(found.tracks[-1]) < length:
            raise ValueError("a track without an end")


def _points_text(stream: BinaryIO, _size: int, found: _Points) -> None:
    while line := stream.readline(_LONGEST):
        words = line.split()
        if not words or words[0].startswith(b"#"):
            continue
        if len(words) < 8 or len(words) % 2:
            raise ValueError("a line that is not POINT3D_ID, X, Y, Z, R, G, B, ERROR, TRACK")
        found.numbers.append(int(words[0]))
        found.places.append((float(words[1]), float(words[2]), float(words[3])))
        found.tracks.append(np.array(words[8::2], np.float64).astype(np.int64))
