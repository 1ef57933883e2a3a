"""Point clouds as binary PLY: float32 x y z, optional normals, uchar colours, facts as comments."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ppdcli.cloud_data import CloudData
from ppdcli.errors import InputError, shown
from ppdcli.files.atomic import atomic_path
from ppdcli.files.open3d_import import import_open3d

SUFFIX = ".ply"
LONGEST_COMMENT = 1000  # characters; Open3D's reader takes lines of up to 1023
CHUNK_BYTES = 1 << 22
COLORS = ("red", "green", "blue")


def write(path: Path, cloud: CloudData) -> None:
    """Writes little-endian binary PLY with Open3D's tensor writer, which keeps float32.

    If Open3D cannot be loaded because system libraries are missing, our own code writes the same
    file.

    Raises:
        InputError: the cloud has no points.
        OutputError: the file cannot be written.
    """
    if len(cloud.points) == 0:
        raise InputError(f"{path}: the cloud has no points, so no file was written")
    with atomic_path(path) as temporary:
        if not _write_with_open3d(temporary, cloud):
            _write_plainly(temporary, cloud)  # raises the error that Open3D does not report
        _insert_comments(temporary, cloud.comments)


def _write_with_open3d(file: Path, cloud: CloudData) -> bool:
    """Writes the file without our comments. Returns whether it is complete."""
    try:
        o3d = import_open3d()
    except (ImportError, OSError):
        # Its wheel links to X11 and OpenGL, which small systems lack. A cloud needs neither.
        _write_plainly(file, cloud)
        return True
    tensors = o3d.t.geometry.PointCloud()
    tensors.point.positions = o3d.core.Tensor(np.ascontiguousarray(cloud.points, np.float32))
    tensors.point.colors = o3d.core.Tensor(np.ascontiguousarray(cloud.colors, np.uint8))
    if cloud.normals is not None:
        tensors.point.normals = o3d.core.Tensor(np.ascontiguousarray(cloud.normals, np.float32))
    # Its warnings would go to stdout, which must carry only data.
    with o3d.utility.VerbosityContextManager(o3d.utility.VerbosityLevel.Error):
        done = o3d.t.io.write_point_cloud(str(file), tensors)
    # The size is checked too, because the writer reports success on a full disk.
    return done and file.stat().st_size > len(cloud.points) * _record(cloud).itemsize


def _record(cloud: CloudData) -> np.dtype:
    """Returns the values of a point, in the order of Open3D's writer."""
    floats = [*"xyz", *(() if cloud.normals is None else ("nx", "ny", "nz"))]
    return np.dtype([(name, "<f4") for name in floats] + [(name, "u1") for name in COLORS])


def _write_plainly(file: Path, cloud: CloudData) -> None:
    """Writes the same file as Open3D, without Open3D's own comment."""
    record = _record(cloud)
    rows = np.empty(len(cloud.points), record)
    values = (
        [cloud.points, cloud.colors]
        if cloud.normals is None
        else [
            cloud.points,
            cloud.normals,
            cloud.colors,
        ]
    )
    columns = (column for array in values for column in array.T)
    for name, column in zip(record.names or (), columns, strict=True):
        rows[name] = column
    kinds = {"f": "float", "u": "uchar"}
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(rows)}"]
    header += [f"property {kinds[record[name].kind]} {name}" for name in record.names or ()]
    header += ["end_header", ""]
    with file.open("wb") as target:
        target.write("\n".join(header).encode())
        target.write(rows.view(np.uint8).data)  # tofile does not report when the last bytes fail


def _insert_comments(file: Path, comments: tuple[str, ...]) -> None:
    """Inserts the comments after the format line, within the same file.

    Open3D's writer takes no comments, and writing a second file of this size would be slow.
    """
    lines = (shown(" ".join(comment.split()), LONGEST_COMMENT) for comment in comments)
    texts = (line.encode("ascii", "backslashreplace")[:LONGEST_COMMENT] for line in lines)
    added = b"".join(b"comment " + text + b"\n" for text in texts)
    with file.open("r+b") as stream:
        place = len(stream.readline() + stream.readline())
        size = stream.seek(0, os.SEEK_END)
        # Moves the rest of the file, from its end.
        for start in reversed(range(place, size, CHUNK_BYTES)):
            stream.seek(start)
            chunk = stream.read(min(CHUNK_BYTES, size - start))
            stream.seek(start + len(added))
            stream.write(chunk)
        stream.seek(place)
        stream.write(added)
