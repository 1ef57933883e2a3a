"""Agreement between views, the choice of neighbours, and the merge of all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from posed_scenes import CAMERA, cast, distance, looking, views

from ppdcli.errors import InputError
from ppdcli.geometry.agreement import AgreementRule, check
from ppdcli.geometry.distortion import Distortion
from ppdcli.geometry.merging import Merged, MergeSettings, merge
from ppdcli.geometry.neighbours import choose_neighbours, sample_of
from ppdcli.geometry.posed import Pose, PosedDepth, seen_at


def merged(given: list[PosedDepth], **settings: object) -> Merged:
    return merge(len(given), given.__getitem__, MergeSettings(**settings))  # type: ignore[arg-type]


def test_a_pose_goes_both_ways() -> None:
    pose = looking((1, -2, 0.5), (0, 0, 4))
    points = np.random.default_rng(0).normal(size=(50, 3))
    np.testing.assert_allclose(pose.to_world(pose.to_camera(points)), points, atol=1e-12)
    np.testing.assert_allclose(pose.to_camera(pose.centre[None]), 0, atol=1e-12)
    np.testing.assert_allclose(pose.centre, (1, -2, 0.5))


@pytest.mark.parametrize(
    ("rotation", "said"),
    [(np.eye(3) * np.nan, "not finite"), (2 * np.eye(3), "no rotation")],
)
def test_a_pose_is_a_rotation(rotation: np.ndarray, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Pose(rotation, np.zeros(3))


def test_points_behind_the_camera_and_beyond_the_lens_are_not_seen() -> None:
    points = np.array([[0, 0, 2.0], [0, 0, -2.0], [0, 0, 0.0], [9.0, 0, 1.0]])
    u, _ = seen_at(points, CAMERA)
    assert u[0] == CAMERA.cx and np.isnan(u[1:3]).all() and u[3] > CAMERA.width
    u, _ = seen_at(points, CAMERA, Distortion.of("opencv", -0.3), 1.0)
    assert u[0] == CAMERA.cx and np.isnan(u[1:]).all()


def test_exact_depth_agrees() -> None:
    given = views()
    result = merged(given)
    assert result.total("seen_through") < 0.002 * result.total("points")
    assert result.total("kept") > 0.95 * result.total("points")
    assert distance(result.points).max() < result.voxel
    assert distance(result.points).mean() < 0.1 * result.voxel
    assert {view.neighbours for view in result.views} == {5}
    # Normals look towards the cameras, and colours are those of the place.
    centres = np.mean([view.pose.centre for view in given], axis=0)
    facing = ((centres - result.points) * result.normals).sum(axis=1)
    assert (facing > 0).mean() > 0.98
    expected = 127 + 120 * np.sin(2 * result.points)
    assert np.abs(result.colors - expected).mean() < 4


def spoiled(view: PosedDepth, rows: slice, columns: slice, factor: float) -> PosedDepth:
    depth = view.depth.copy()
    depth[rows, columns] *= factor
    return replace(view, depth=depth)


@pytest.mark.parametrize(("factor", "why"), [(0.5, "seen_through"), (1.4, "unsupported")])
def test_a_wrong_surface_is_dropped(factor: float, why: str) -> None:
    given = views()
    middle = slice(40, 60), slice(56, 76)
    given[2] = spoiled(given[2], *middle, factor)
    others = [view for k, view in enumerate(given) if k != 2]
    result = check(given[2], others, AgreementRule())
    assert np.isnan(result.depth[middle]).mean() > 0.95
    assert getattr(result, why) > 0.8 * 400
    untouched = np.delete(result.depth, np.s_[30:70], axis=0)
    assert np.isfinite(untouched).mean() > 0.9


def test_flying_pixels_are_dropped() -> None:
    given = views()
    smeared = []
    for view in given:
        depth = view.depth.copy()
        depth[:, 1:] = (depth[:, 1:] + depth[:, :-1]) / 2  # between the two surfaces of an edge
        smeared.append(replace(view, depth=depth))
    before, after = merged(smeared, rule=None), merged(smeared)
    flying_before = int((distance(before.points) > 0.15).sum())
    flying_after = int((distance(after.points) > 0.15).sum())
    assert flying_before > 100 and flying_after < 0.1 * flying_before


def test_layers_of_one_surface_become_one() -> None:
    rng = np.random.default_rng(0)
    given = [
        replace(view, depth=view.depth * np.float32(np.exp(rng.normal(0, 0.01))), spread=0.01)
        for view in views()
    ]
    apart = merged(given)
    together = merged(given, rule=AgreementRule(refine=True))
    assert distance(together.points).mean() < 0.8 * distance(apart.points).mean()


def test_what_no_other_photo_looks_at_is_kept_or_not() -> None:
    given = [views()[0], replace(views()[5], depth=views()[5].depth.copy())]
    given[1].depth[:, :64] = np.nan
    kept, dropped = (
        check(given[0], given[1:], AgreementRule(unchecked=on)) for on in (True, False)
    )
    assert kept.unchecked > 1000 and dropped.unchecked == 0
    assert kept.kept == dropped.kept + kept.unchecked
    assert kept.unsupported + kept.unchecked == dropped.unsupported
    alone = merged(given[:1])
    assert alone.total("unchecked") == alone.total("kept") == alone.total("points")


def test_support_of_more_photos_can_be_asked_for() -> None:
    kept = [merged(views(), rule=AgreementRule(support=n)).total("kept") for n in (1, 2, 3)]
    assert kept[0] > kept[1] > kept[2] > 0


def test_a_distorted_lens_is_undone() -> None:
    lens = Distortion.of("opencv", -0.15, 0.02, 0.001, -0.001)
    given = []
    for view in views():
        depth = cast(view.pose, lens=lens)
        given.append(replace(view, depth=depth, distortion=lens))
    result = merged(given)
    assert result.total("kept") > 0.9 * result.total("points")
    assert distance(result.points).max() < result.voxel


def test_neighbours_look_at_the_same_place_from_elsewhere() -> None:
    given = views(7)
    away = looking((0, 0, 0), (0, 0, -5))
    given.append(replace(given[0], pose=away, depth=cast(away)))
    chosen = choose_neighbours([sample_of(view) for view in given], 3)
    assert chosen[7] == [] and all(7 not in near for near in chosen)
    assert set(chosen[3]) <= {1, 2, 4, 5} and len(chosen[3]) == 3
    for near in chosen[:7]:
        assert len(near) == 3


def test_few_depth_maps_are_in_memory() -> None:
    given = views(8)
    loaded: list[int] = []

    def load(index: int) -> PosedDepth:
        loaded.append(index)
        return given[index]

    few = merge(8, load, MergeSettings(neighbours=2, held=3))
    many = merge(8, given.__getitem__, MergeSettings(neighbours=2, held=8))
    np.testing.assert_array_equal(few.points, many.points)
    assert len(loaded) > 16


def test_nothing_is_left_of_photos_that_do_not_agree() -> None:
    given = views(2)
    given[1] = replace(given[1], depth=given[1].depth * 3)
    with pytest.raises(InputError, match="no two photos agree"):
        merged(given)
    nothing = [replace(view, depth=np.full_like(view.depth, np.nan)) for view in given]
    with pytest.raises(InputError, match="no photo has any depth"):
        merged(nothing)


def test_a_photo_without_depth_is_no_harm() -> None:
    given = views(4)
    given.append(replace(given[0], depth=np.full_like(given[0].depth, np.nan)))
    result = merged(given)
    assert result.views[4].points == 0 and result.views[4].neighbours == 0
