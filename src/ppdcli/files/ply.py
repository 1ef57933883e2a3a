"""Point clouds as binary PLY: float32 x y z, maybe normals, uchar colours, facts as comments."""

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
    """Write little-endian binary PLY through Open3D's tensor writer, which keeps float32.

    Where Open3D cannot be loaded, for want of system libraries, the same file is written plainly.

    Raises:
        InputError: the cloud has no points.
        OutputError: the file cannot be written.
    """
    if len(cloud.points) == 0:
        raise InputError(f"{path}: the cloud has no points, so no file was written")
    with atomic_path(path) as temporary:
        if not _write_with_open3d(temporary, cloud):
            _write_plainly(temporary, cloud)  # which says why
        _insert_comments(temporary, cloud.comments)


def _write_with_open3d(file: Path, cloud: CloudData) -> bool:
    """The file without our comments, and whether it is whole."""
    try:
        o3d = import_open3d()
    except (ImportError, OSError):
        # Its wheel links to X11 and OpenGL, which slim systems lack; a cloud needs neither.
        _write_plainly(file, cloud)
        return True
    tensors = o3d.t.geometry.PointCloud()
    tensors.point.positions = o3d.core.Tensor(np.ascontiguousarray(cloud.points, np.float32))
    tensors.point.colors = o3d.core.Tensor(np.ascontiguousarray(cloud.colors, np.uint8))
    if cloud.normals is not None:
        tensors.point.normals = o3d.core.Tensor(np.ascontiguousarray(cloud.normals, np.float32))
    # Its warnings would go to stdout, which carries only data.
    with o3d.utility.VerbosityContextManager(o3d.utility.VerbosityLevel.Error):
        done = o3d.t.io.write_point_cloud(str(file), tensors)
    # A cut file is found by its size: the writer's word alone is not enough on a full disk.
    return done and file.stat().st_size > len(cloud.points) * _record(cloud).itemsize


def _record(cloud: CloudData) -> np.dtype:
    """What the file holds of a point, in the order of Open3D's writer."""
    floats = [*"xyz", *(() if cloud.normals is None else ("nx", "ny", "nz"))]
    return np.dtype([(name, "<f4") for name in floats] + [(name, "u1") for name in COLORS])


def _write_plainly(file: Path, cloud: CloudData) -> None:
    """What Open3D would write, but for its own comment."""
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
        target.write(rows.view(np.uint8).data)  # not tofile, which hides that the last bytes failed


def _insert_comments(file: Path, comments: tuple[str, ...]) -> None:
    """Puts the comments behind the format line, in the file itself.

    Open3D's writer has no place for them, and a second file of the cloud's size would be slow.
    """
    lines = (shown(" ".join(comment.split()), LONGEST_COMMENT) for comment in comments)
    texts = (line.encode("ascii", "backslashreplace")[:LONGEST_COMMENT] for line in lines)
    added = b"".join(b"comment " + text + b"\n" for text in texts)
    with file.open("r+b") as stream:
        place = len(stream.readline() + stream.readline())
        size = stream.seek(0, os.SEEK_END)
        for start in reversed(range(place, size, CHUNK_BYTES)):  # what follows makes room
            stream.seek(start)
            chunk = stream.read(min(CHUNK_BYTES, size - start))
            stream.seek(start + len(added))
            stream.write(chunk)
        stream.seek(place)
        stream.write(added)
