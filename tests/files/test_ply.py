"""PLY: read back by hand and by Open3D's other reader."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from ppdcli.cloud import PointCloud
from ppdcli.errors import InputError, OutputError
from ppdcli.files import ply
from ppdcli.files.open3d_import import import_open3d

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(500, 3)).astype(np.float32)
COLORS = RNG.integers(0, 256, (500, 3)).astype(np.uint8)


def parse(file: Path) -> tuple[list[str], np.ndarray]:
    """Header lines and the body, from the format's description alone."""
    data = file.read_bytes()
    end = data.index(b"end_header\n") + len(b"end_header\n")
    header = data[:end].decode("ascii").splitlines()
    columns = [("xyz", "<f4", 3), ("rgb", "u1", 3)]
    if "property float nx" in header:
        columns.insert(1, ("normal", "<f4", 3))
    body = np.frombuffer(data[end:], np.dtype(columns))
    return header, body


def test_layout_values_and_comments(tmp_path: Path) -> None:
    file = tmp_path / "photo.ply"
    comments = ("unit m", "axes opencv (x right, y down, z forward)", "model a\nb", "photo é")
    ply.write(file, PointCloud(POINTS, COLORS, comments))
    header, body = parse(file)
    assert header[:2] == ["ply", "format binary_little_endian 1.0"]
    assert header[2:6] == [
        "comment unit m",
        "comment axes opencv (x right, y down, z forward)",
        "comment model a b",
        "comment photo \\xe9",
    ]
    assert [line for line in header if line.startswith(("element", "property"))] == [
        "element vertex 500",
        "property float x",
        "property float y",
        "property float z",
        "property uchar red",
        "property uchar green",
        "property uchar blue",
    ]
    np.testing.assert_array_equal(body["xyz"], POINTS)
    np.testing.assert_array_equal(body["rgb"], COLORS)
    assert [entry.name for entry in tmp_path.iterdir()] == ["photo.ply"]


@pytest.mark.parametrize("chunk", [7, 100, 8000, 8153, 1 << 20])
def test_comments_fit_whatever_is_moved_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(ply, "CHUNK_BYTES", chunk)
    file = tmp_path / "photo.ply"
    comments = tuple(f"line {'x' * k}" for k in range(1, 41))
    ply.write(file, PointCloud(POINTS, COLORS, comments))
    header, body = parse(file)
    assert header[2:42] == [f"comment {comment}" for comment in comments]
    np.testing.assert_array_equal(body["xyz"], POINTS)
    np.testing.assert_array_equal(body["rgb"], COLORS)


def test_open3d_reads_it(tmp_path: Path) -> None:
    ply.write(tmp_path / "photo.ply", PointCloud(POINTS, COLORS, ("unit m",)))
    cloud = import_open3d().io.read_point_cloud(str(tmp_path / "photo.ply"))
    np.testing.assert_array_equal(np.asarray(cloud.points), POINTS)
    np.testing.assert_allclose(np.asarray(cloud.colors) * 255, COLORS, atol=1e-6)


def test_open3d_reads_normals(tmp_path: Path) -> None:
    normals = POINTS / np.linalg.norm(POINTS, axis=1, keepdims=True)
    ply.write(tmp_path / "photo.ply", PointCloud(POINTS, COLORS, normals=normals))
    cloud = import_open3d().io.read_point_cloud(str(tmp_path / "photo.ply"))
    np.testing.assert_array_equal(np.asarray(cloud.points), POINTS)
    np.testing.assert_array_equal(np.asarray(cloud.normals).astype(np.float32), normals)


def test_without_comments_and_under_any_name(tmp_path: Path) -> None:
    ply.write(tmp_path / "cloud.out", PointCloud(POINTS.astype(np.float64), COLORS[:, ::-1]))
    _, body = parse(tmp_path / "cloud.out")
    np.testing.assert_array_equal(body["xyz"], POINTS)
    np.testing.assert_array_equal(body["rgb"], COLORS[:, ::-1])


def test_an_empty_cloud_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"photo\.ply: the cloud has no points"):
        ply.write(tmp_path / "photo.ply", PointCloud(POINTS[:0], COLORS[:0]))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("size", "comments"),
    [(3000, ()), (7500, ()), (7900, ("x" * 1000,))],  # Open3D's part, its last bytes, ours
)
def test_a_full_disk_leaves_nothing(
    tmp_path: Path,
    size: int,
    comments: tuple[str, ...],
    full_disk: Callable[[int], None],
    capfd: pytest.CaptureFixture[str],
) -> None:
    import_open3d()
    full_disk(size)
    with pytest.raises(OutputError) as error:
        ply.write(tmp_path / "out" / "photo.ply", PointCloud(POINTS, COLORS, comments))
    full_disk(-1)
    assert "photo.ply" in str(error.value) and ".ppd-" not in str(error.value)
    assert not list((tmp_path / "out").iterdir())
    assert capfd.readouterr().out == ""


def test_open3d_keeps_its_warnings_off_stdout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    @contextmanager
    def in_no_folder(path: Path) -> Iterator[Path]:
        yield path

    monkeypatch.setattr(ply, "atomic_path", in_no_folder)
    with pytest.raises(FileNotFoundError):
        ply.write(tmp_path / "missing" / "x.ply", PointCloud(POINTS, COLORS))
    assert capfd.readouterr().out == ""


def test_open3d_is_not_imported_before_it_is_needed() -> None:
    code = (
        "import sys, ppdcli.files.ply, ppdcli.files.png, ppdcli.files.exr, ppdcli.files.preview, "
        "ppdcli.photo, ppdcli.geometry.upsample; "
        "print([m for m in ('open3d', 'OpenEXR', 'cv2', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("normals", [None, POINTS[::-1] / 2])
def test_without_open3ds_system_libraries_the_file_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, normals: np.ndarray | None
) -> None:
    def fail() -> None:
        raise ImportError("libGL.so.1: cannot open shared object file")

    cloud = PointCloud(POINTS, COLORS, ("unit m",), normals=normals)
    ply.write(tmp_path / "open3d.ply", cloud)
    monkeypatch.setattr(ply, "import_open3d", fail)
    ply.write(tmp_path / "plain.ply", cloud)
    by_open3d, plain = parse(tmp_path / "open3d.ply"), parse(tmp_path / "plain.ply")
    assert plain[0] == [line for line in by_open3d[0] if line != "comment Created by Open3D"]
    assert plain[1].tobytes() == by_open3d[1].tobytes()
    assert ("property float nx" in plain[0]) == (normals is not None)


def test_comments_that_no_reader_could_take(tmp_path: Path) -> None:
    file = tmp_path / "photo.ply"
    comments = (
        "m" * 60_000,
        "é" * 3000,
        "a\x1b[31m\0\x7f",
        "b\r\nend_header\u2028element vertex 1",
    )
    ply.write(file, PointCloud(POINTS, COLORS, comments))
    header, body = parse(file)
    lines = [line for line in header if line.startswith("comment ")][: len(comments)]
    assert all(len(line) < 1024 and line.isprintable() for line in lines)
    assert lines[0].startswith("comment mmm") and lines[2] == r"comment a\x1b[31m\x00\x7f"
    assert lines[3] == "comment b end_header element vertex 1" and len(body) == len(POINTS)
    read = import_open3d().t.io.read_point_cloud(str(file))
    assert len(read.point.positions) == len(POINTS)
