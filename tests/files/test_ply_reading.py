"""Points of PLY files, as many programs write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ppdcli.cloud import PointCloud
from ppdcli.errors import InputError
from ppdcli.files import ply
from ppdcli.files.ply_reading import read

POINTS = np.float32([[0, 1, 2], [3, 4.5, -5], [1e-3, 0, 7]])
COLORS = np.uint8([[255, 0, 9], [1, 2, 3], [128, 255, 0]])
XYZ = ["float x", "float y", "float z"]
RGB = ["uchar red", "uchar green", "uchar blue"]


def header(form: str, count: int, properties: list[str], more: str = "", end: str = "\n") -> bytes:
    lines = ["ply", f"format {form} 1.0", "comment made by nobody"]
    lines += more.splitlines() + [f"element vertex {count}"]
    lines += [f"property {line}" for line in properties] + ["end_header", ""]
    return end.join(lines).encode()


def binary(order: str, kinds: str = "f4") -> bytes:
    record = [(name, order + kinds) for name in "xyz"] + [(name, "u1") for name in "rgb"]
    rows = np.empty(3, record)
    for k, name in enumerate("xyz"):
        rows[name] = POINTS[:, k]
    for k, name in enumerate("rgb"):
        rows[name] = COLORS[:, k]
    return rows.tobytes()


TEXT = b"0 1 2 255 0 9\n3 4.5 -5 1 2 3\n1e-3 0 7 128 255 0\n"
SAME = {
    "text": header("ascii", 3, XYZ + RGB) + TEXT,
    "text of Windows": header("ascii", 3, XYZ + RGB, end="\r\n") + TEXT.replace(b"\n", b"\r\n"),
    "little": header("binary_little_endian", 3, XYZ + RGB) + binary("<"),
    "big": header("binary_big_endian", 3, XYZ + RGB) + binary(">"),
    "header of Windows": header("binary_little_endian", 3, XYZ + RGB, end="\r\n") + binary("<"),
    "double": header("binary_little_endian", 3, [f"double {n}" for n in "xyz"] + RGB)
    + binary("<", "f8"),
    "other elements": header(
        "binary_little_endian", 3, XYZ + RGB, "element camera 2\nproperty int a\nproperty short b"
    )
    + bytes(12)
    + binary("<"),
    "other elements in text": header(
        "ascii", 3, XYZ + RGB, "element camera 2\nproperty list uchar int a"
    )
    + b"1 2\n2 3 4\n"
    + TEXT,
    "something behind": header("ascii", 3, XYZ + RGB) + TEXT + b"3 0 1 2\n",
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_points_in_many_forms(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.ply").write_bytes(SAME[name])
    made = read(tmp_path / "a.ply")
    np.testing.assert_allclose(made.points, POINTS, rtol=1e-6)
    np.testing.assert_array_equal(made.colors, COLORS)
    assert made.comments == ("made by nobody",) and made.notes == ()


def test_ours_come_back(tmp_path: Path) -> None:
    ply.write(tmp_path / "a.ply", PointCloud(POINTS, COLORS, ("unit m", "axes opencv")))
    made = read(tmp_path / "a.ply")
    np.testing.assert_array_equal(made.points, POINTS)
    np.testing.assert_array_equal(made.colors, COLORS)
    assert {"unit m", "axes opencv"} <= set(made.comments)


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("float", "0 0.5 1", [0, 128, 255]),
        ("float", "0 128 255", [0, 128, 255]),
        ("ushort", "0 32896 65535", [0, 128, 255]),
        ("int", "0 128 255", [0, 128, 255]),
        ("float", "nan 0.5 -3", [0, 128, 0]),
    ],
)
def test_colours_of_other_types(
    tmp_path: Path, kind: str, values: str, expected: list[int]
) -> None:
    names = [f"{kind} {name}" for name in ("red", "green", "blue")]
    (tmp_path / "a.ply").write_bytes(header("ascii", 1, XYZ + names) + f"1 2 3 {values}".encode())
    np.testing.assert_array_equal(read(tmp_path / "a.ply").colors, [expected])


def test_a_cloud_without_colours_and_what_is_left_out(tmp_path: Path) -> None:
    more = "\nelement face 7\nproperty list uchar int vertex_indices\nend_header"
    start = header("ascii", 3, XYZ).decode().replace("\nend_header", more)
    (tmp_path / "a.ply").write_bytes(start.encode() + b"1 2 3\nnan 0 0\n4 5 inf\n")
    made = read(tmp_path / "a.ply")
    np.testing.assert_array_equal(made.points, [[1, 2, 3]])
    assert made.colors is None
    assert made.notes == (
        "2 points without usable coordinates left out",
        "7 faces not drawn: this is the mesh's points",
    )


def test_gaussian_splats_have_colours(tmp_path: Path) -> None:
    names = [f"float f_dc_{k}" for k in range(3)]
    (tmp_path / "a.ply").write_bytes(header("ascii", 1, XYZ + names) + b"1 2 3 0 1.7725 -5")
    made = read(tmp_path / "a.ply")
    np.testing.assert_array_equal(made.colors, [[128, 255, 0]])
    assert made.notes == ("Gaussian splats, drawn as points",)


LITTLE = header("binary_little_endian", 3, XYZ + RGB)
BAD = {
    "cut": (LITTLE + binary("<")[:-1], "cut off after 2 of 3 points"),
    "huge": (header("binary_little_endian", 10**15, XYZ), "cut off after 0 of 10{15} points"),
    "huge text": (header("ascii", 10**15, XYZ) + b"1 2 3\n", "cut off after 1 of 10{15} points"),
    "far": (header("ascii", 1, XYZ) + b"1e30 2 3\n", "the cloud has no points"),
    "cut text": (header("ascii", 3, XYZ) + b"1 2 3\n", "cut off after 1 of 3 points"),
    "short row": (header("ascii", 2, XYZ) + b"1 2 3\n1 2\n", "."),
    "columns": (header("ascii", 1, XYZ) + b"1 2 3 4\n", "4 numbers instead of 3"),
    "words": (header("ascii", 1, XYZ) + b"a b c\n", "."),
    "none": (header("ascii", 0, XYZ), "the cloud has no points"),
    "only NaN": (header("ascii", 1, XYZ) + b"nan 1 2\n", "the cloud has no points"),
    "no vertices": (b"ply\nformat ascii 1.0\nend_header\n", "has no vertices"),
    "no z": (header("ascii", 1, XYZ[:2]) + b"1 2\n", "vertices have no z"),
    "list": (header("ascii", 1, [*XYZ, "list uchar int k"]) + b"1 2 3 0\n", "have lists"),
    "format": (header("binary", 1, XYZ), "its format is"),
    "no end": (b"ply\nformat ascii 1.0\nelement vertex 1\n", "its header has the line"),
    "no format": (b"ply\nelement vertex 1\nend_header\n", "states no format"),
    "count": (b"ply\nformat ascii 1.0\nelement vertex -3\nend_header\n", "element"),
    "twice": (header("ascii", 1, [*XYZ, "float x"]), "twice"),
    "type": (header("ascii", 1, ["half x"]), "property"),
    "other": (b"plyable", "does not begin with the line 'ply'"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    data, message = BAD[name]
    (tmp_path / "a.ply").write_bytes(data)
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path / "a.ply")
    line = str(caught.value)
    assert line.startswith(f"{tmp_path / 'a.ply'}: ") and "\n" not in line and "; " in line


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "a.ply")
