"""DepthMap: facts, resizing, saving."""

from pathlib import Path

import numpy as np
import pytest

from ppdcli.depth import DepthMap
from ppdcli.errors import UsageError
from ppdcli.files import exr, npy, png
from ppdcli.geometry.camera import Camera
from ppdcli.version import __version__

VALUES = np.random.default_rng(0).uniform(0.5, 20, (12, 16)).astype(np.float32)
RGB = np.zeros((12, 16, 3), np.uint8)


def test_facts() -> None:
    facts = DepthMap(VALUES, "metric", provenance={"model": "ppd-tiny", "seed": "0"}).facts()
    assert (facts["kind"], facts["unit"], facts["model"]) == ("metric", "m", "ppd-tiny")
    assert facts["program"] == f"ppdcli {__version__}"
    relative = DepthMap(VALUES, "relative").facts()
    assert (relative["kind"], relative["unit"]) == ("relative", "relative")
    assert "log(depth" in relative["meaning"]


def test_resizing_takes_the_camera_along() -> None:
    camera = Camera(20, 20, 7.5, 5.5, 16, 12)
    depth_map = DepthMap(VALUES, "relative", camera, {"seed": "0"})
    large = depth_map.resized(48, 64)
    assert large.values.shape == (48, 64)
    assert large.camera == camera.resized(64, 48)
    assert large.provenance == depth_map.provenance
    assert depth_map.resized(12, 16) is depth_map


def test_metric_steps_near_the_camera_stay_sharp_beside_a_far_sky() -> None:
    values = np.full((20, 20), 1.0, np.float32)
    values[:, 10:] = 1.3  # half a percent of the range, a third of the distance
    values[:8] = 80
    large = DepthMap(values, "metric").resized(80, 80).values
    np.testing.assert_allclose(
        large, np.where(large < 1.15, 1.0, np.where(large < 10, 1.3, 80)), rtol=1e-5
    )


def test_the_suffix_picks_the_format(tmp_path: Path) -> None:
    metric = DepthMap(VALUES, "metric")
    for name in ("a.png", "b.EXR", "c.npy"):
        metric.save(str(tmp_path / name))
    np.testing.assert_allclose(png.read(tmp_path / "a.png").values, VALUES, atol=0.00051)
    np.testing.assert_array_equal(exr.read(tmp_path / "b.EXR").values, VALUES)
    np.testing.assert_array_equal(npy.read(tmp_path / "c.npy", "metric").values, VALUES)
    relative = DepthMap(VALUES, "relative")
    relative.save(tmp_path / "d.png")
    assert png.read(tmp_path / "d.png").kind == "relative"
    with pytest.raises(UsageError, match=r"e\.jpg"):
        metric.save(tmp_path / "e.jpg")
    assert not (tmp_path / "e.jpg").exists()


def test_to_pointcloud_needs_a_camera() -> None:
    camera = Camera(20, 20, 7.5, 5.5, 16, 12)
    with pytest.raises(UsageError, match="no camera"):
        DepthMap(VALUES, "metric").to_pointcloud(RGB)
    own = DepthMap(VALUES, "metric", camera).to_pointcloud(RGB, edge_clean=False)
    given = DepthMap(VALUES, "metric").to_pointcloud(RGB, camera, edge_clean=False)
    np.testing.assert_array_equal(own.points, given.points)
    other = Camera(40, 40, 7.5, 5.5, 16, 12)
    overruled = DepthMap(VALUES, "metric", camera).to_pointcloud(RGB, other, edge_clean=False)
    assert not np.array_equal(overruled.points, own.points)
