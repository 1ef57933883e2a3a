"""What a cloud gives to Python users: files, Open3D, pictures."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ppdcli
from ppdcli.axes import Axes, to_opencv
from ppdcli.cloud_data import CloudData
from ppdcli.cloud_options import CloudOptions
from ppdcli.depth import DepthMap
from ppdcli.errors import InputError, PpdError, UsageError
from ppdcli.files import open3d_import
from ppdcli.files.formats import CLOUD_FORMATS, CloudFormat
from ppdcli.photo import Photo

RGB = np.random.default_rng(0).integers(0, 256, (24, 32, 3)).astype(np.uint8)
VALUES = np.linspace(1, 2, 24 * 32, dtype=np.float32).reshape(24, 32)
DEPTH = DepthMap(VALUES, "metric", photo=Photo(RGB, "photo"))


def cloud(axes: Axes = "opencv", **options: bool) -> ppdcli.PointCloud:
    return DEPTH.to_pointcloud(fov=60, axes=axes, **options)  # type: ignore[arg-type]


def test_one_line_says_what_it_is() -> None:
    assert repr(cloud()) == "<PointCloud of 768 points, m, opencv axes>"
    relative = DepthMap(VALUES, "relative", photo=DEPTH.photo)
    made = relative.to_pointcloud(fov=60, axes="blender", normals=True)
    assert repr(made) == "<PointCloud of 768 points, relative, blender axes, with normals>"
    assert made.normals is not None and made.normals.shape == made.points.shape
    placed = relative.to_pointcloud(fov=60, near_far=(1, 4))
    assert placed.unit == "m" and "scale_from near-far 1,4 m" in placed.comments
    step = np.where(np.arange(32) < 16, 1, 5).astype(np.float32)[None].repeat(24, 0)
    step[:, 16] = 2
    edge = DepthMap(step, "metric", photo=DEPTH.photo).to_pointcloud(fov=60)
    assert repr(edge).endswith("opencv axes, 24 flying pixels removed>")


@pytest.mark.parametrize("axes", ["opencv", "opengl", "blender"])
@pytest.mark.parametrize("format", CLOUD_FORMATS.values(), ids=CLOUD_FORMATS)
def test_the_suffix_picks_the_format(tmp_path: Path, format: CloudFormat, axes: Axes) -> None:
    made = cloud(axes)
    saved, expected = tmp_path / f"A{format.suffix.upper()}", tmp_path / f"b{format.suffix}"
    made.save(str(saved))
    format.write(expected, made, CloudOptions(axes=axes))
    assert saved.read_bytes() == expected.read_bytes() and saved.stat().st_size > 1000


def test_a_format_of_the_table_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(path: Path, made: CloudData, options: CloudOptions) -> None:
        path.write_text(f"{len(made.points)} {options.axes}")

    monkeypatch.setitem(CLOUD_FORMATS, "xyz", CloudFormat("xyz", ".xyz", write))
    cloud("opengl").save(tmp_path / "a.xyz")
    assert (tmp_path / "a.xyz").read_text() == "768 opengl"


def test_what_cannot_be_saved(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a\.obj: a cloud is saved as one of \.ply, \.glb"):
        cloud().save(tmp_path / "a.obj")
    thinned = DEPTH.to_pointcloud(fov=60, voxel=0.2)
    thinned.save(tmp_path / "a.ply")
    with pytest.raises(InputError, match="was thinned"):
        thinned.save(tmp_path / "a.glb")
    (tmp_path / "file").touch()
    with pytest.raises(ppdcli.OutputError, match="cannot be written"):
        cloud().save(tmp_path / "file" / "a.ply")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.ply", "file"]


def test_open3d_gets_the_same_points(tmp_path: Path) -> None:
    made = cloud("opengl", normals=True)
    theirs = made.to_open3d()
    np.testing.assert_array_equal(np.asarray(theirs.points).astype(np.float32), made.points)
    np.testing.assert_allclose(np.asarray(theirs.colors) * 255, made.colors, atol=1e-9)
    np.testing.assert_array_equal(np.asarray(theirs.normals).astype(np.float32), made.normals)
    assert not cloud().to_open3d().has_normals()


def test_without_open3d(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ImportError("libGL.so.1: cannot open shared object file")

    monkeypatch.setattr(open3d_import, "import_open3d", fail)
    with pytest.raises(PpdError, match=r"^Open3D cannot be loaded here \(libGL.*; install"):
        cloud().to_open3d()


@pytest.mark.parametrize("axes", ["opencv", "opengl", "blender"])
def test_a_notebook_shows_it_from_the_side(axes: Axes) -> None:
    made, expected = cloud(axes), cloud()
    picture = made._repr_png_()
    assert picture is not None and picture == expected._repr_png_()
    np.testing.assert_array_equal(to_opencv(made.points, axes), expected.points)
    with Image.open(io.BytesIO(picture)) as image:
        assert image.size == (1280, 480)
        assert np.asarray(image).std() > 1
    page = made._repr_html_()
    assert "data:image/png;base64," in page and "&lt;PointCloud of 768 points" in page


def test_an_empty_cloud_is_a_line() -> None:
    empty = ppdcli.PointCloud(np.empty((0, 3), np.float32), np.empty((0, 3), np.uint8))
    assert empty._repr_png_() is None and len(empty) == 0
    assert empty._repr_html_() == "<div>&lt;PointCloud of 0 points, relative, opencv axes&gt;</div>"
    with pytest.raises(InputError, match="has no points"):
        empty.save("never.ply")


def test_a_pixel_has_a_point() -> None:
    depth = np.full((20, 30), 2.0, np.float32)
    depth[:, :12] = np.nan
    camera = ppdcli.Camera.from_fov(60, 30, 20)
    map_ = ppdcli.DepthMap(depth, "metric")
    cloud = map_.to_pointcloud(np.zeros((20, 30, 3), np.uint8), camera, edge_clean=False)
    x, y, z = cloud.point_at(20, 5)
    assert (camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy) == pytest.approx((20, 5))
    assert cloud.point_at(8, 5)[0] == pytest.approx(cloud.point_at(12, 5)[0])  # the nearest one
    with pytest.raises(ppdcli.InputError, match="no depth at pixel 2,5"):
        cloud.point_at(2, 5)
    with pytest.raises(ppdcli.InputError, match="outside the photo"):
        cloud.point_at(30, 5)
    thin = map_.to_pointcloud(np.zeros((20, 30, 3), np.uint8), camera, voxel=0.5)
    with pytest.raises(ppdcli.UsageError, match="thinned"):
        thin.point_at(20, 5)
