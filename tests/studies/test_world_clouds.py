"""The table of merged clouds: every step is scored, and scores are right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ppdcli.files.cameras.poses import read_poses
from ppdcli.geometry.visible import points_in
from ppdcli.scenes.primitives.stage import primitive_stage
from ppdcli.scenes.sequences import Clip, take_views
from studies.cloud_scores import CloudScores, Surface, one_each, table
from studies.posed_model import Dirt, poses_of, write_model
from studies.world_clouds import clouds, dirty, surface_of


@pytest.fixture(scope="module")
def clip() -> Clip:
    return take_views(primitive_stage(7, 3, 1, 0), 5, (48, 64), (7, 3))


def test_every_step_is_scored(clip: Clip) -> None:
    rng = np.random.default_rng(0)
    surface = surface_of(clip)
    relative = [dirty(depth, rng) for depth in clip.depth]
    scores = {name: surface.score(cloud) for name, cloud in clouds(clip, relative, 0)}
    assert len(scores) == 10
    assert scores["fit"].accuracy < scores["no fit: the first view's for all"].accuracy
    assert scores["+ edge cleaning"].accuracy < scores["fit"].accuracy
    assert scores["+ view agreement, fusion"].points < scores["fit"].points
    assert len(table({name: [found] for name, found in scores.items()})) == 11


def test_points_without_errors_are_where_the_views_see_them(clip: Clip, tmp_path: Path) -> None:
    count = write_model(tmp_path, clip, Dirt(0, 0, 0), 1)
    model = read_poses(tmp_path)
    assert model is not None and model.points is not None and model.points.seen is not None
    assert len(model.points.places) == count > 100
    for k, pose in enumerate(poses_of(clip)):
        index = model.index_of(f"{k:03}.png")
        np.testing.assert_allclose(model.pose(index).rotation, pose.rotation, atol=1e-9)
        seen = points_in(model.points.places[model.points.seen[index]], pose, clip.camera)
        assert seen.behind == seen.outside == 0
        there = clip.depth[k][np.rint(seen.v).astype(int), np.rint(seen.u).astype(int)]
        assert np.quantile(np.abs(there / seen.depth - 1), 0.99) < 0.01


def test_outliers_are_as_many_as_asked_for(clip: Clip, tmp_path: Path) -> None:
    for name, dirt in (("clean", Dirt(0, 0, 0)), ("dirty", Dirt(0.005, 0.5, 0.2))):
        write_model(tmp_path / name, clip, dirt, 1)
    models = [read_poses(tmp_path / name) for name in ("clean", "dirty")]
    assert all(model is not None and model.points is not None for model in models)
    clean, moved = (model.points.places for model in models if model and model.points)
    centre = np.mean([pose.centre for pose in poses_of(clip)], axis=0)
    ratio = np.linalg.norm(moved - centre, axis=1) / np.linalg.norm(clean - centre, axis=1)
    far = np.abs(np.log(ratio)) > 0.03
    assert 0.15 < far.mean() < 0.24
    assert np.abs(np.log(ratio[~far])).mean() == pytest.approx(0.004, rel=0.2)


def test_scores_are_those_of_the_definition() -> None:
    x, y = np.mgrid[-1:1:41j, -1:1:41j]
    plane = np.stack([x.ravel(), y.ravel(), np.full(x.size, 2.0)], -1)
    surface = Surface(plane, plane[:, 1] < 0.5, np.zeros((1, 3)), 0.01)
    exact = surface.score(plane)
    assert exact == CloudScores(len(plane), 0, 0, (1, 1, 1), (1, 1, 1))
    half = surface.score(plane[plane[:, 0] < 0])  # 20 of 41 columns, and 2 within 5 %
    assert half.accuracy == 0
    assert half.f[2] == pytest.approx(2 * (22 / 41) / (1 + 22 / 41))
    shared = surface.score(plane[plane[:, 1] < 0.5])
    assert shared.f == (1, 1, 1) and shared.completeness == 0 and shared.f_all[0] < 0.9
    away = surface.score(plane * 1.03)
    assert 0.015 < away.accuracy < 0.031 and away.f[0] < 0.3 and away.f[2] == 1


def test_one_point_is_left_in_each_cell() -> None:
    points = np.random.default_rng(0).uniform(0, 1, (1000, 3))
    left = points[one_each(points, 0.5)]
    assert len(left) == 8 and len({tuple(cell) for cell in np.floor(left / 0.5)}) == 8
