"""The table of filters: it runs, and ours does what it is for."""

import sys

import numpy as np
import pytest

from ppdcli.evaluation import synthetic
from ppdcli.evaluation.edge_metrics import Reference, Score
from ppdcli.geometry.camera import Camera
from ppdcli.photo import Photo
from ppdcli.scenes.primitives.compositions import compose
from ppdcli.scenes.primitives.textures import make_texture_bank
from ppdcli.scenes.samples import SKY_DEPTH
from studies import edge_filters
from studies.edge_filters import FILTERS, cases, evaluate, remove_jumps, table

COUNT = 2


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic, "SHAPE", (96, 128))


def ramp(photo: Photo) -> np.ndarray:
    """A model of sorts, at a quarter of the photo's size."""
    height, width = photo.rgb.shape[:2]
    return np.repeat(np.linspace(1, 0, height // 4)[:, None], width // 4, axis=1)


@pytest.fixture(scope="module")
def scores() -> dict[str, dict[str, Score]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthetic, "SHAPE", (96, 128))
        return evaluate(COUNT, ramp)


def test_every_filter_is_scored_on_every_kind(scores: dict[str, dict[str, Score]]) -> None:
    assert len(scores) == 7
    for kind, rows in scores.items():
        assert list(rows) == list(FILTERS)
        sizes = {(s.points, s.flying, s.true, s.thin) for s in rows.values()}
        assert len(sizes) == 1, f"{kind}: all filters get the same maps"
        assert rows["no filter"].lost == rows["snap, leave"].lost == 0


def test_ours_cleans_and_leaves_clean_depth_alone(scores: dict[str, dict[str, Score]]) -> None:
    clean = scores["clean"]["flying"]
    assert clean.flying == 0 and clean.lost < 0.02 * clean.points
    for kind in ("bilinear x4", "blur, sigma 1"):
        rows = scores[kind]
        before, after = rows["no filter"], rows["flying"]
        assert before.flying_left == before.flying > 50
        assert after.flying_left < 0.7 * before.flying
        assert after.accuracy < 0.9 * before.accuracy


def test_dirt_is_what_it_says() -> None:
    for (photo, truth), k in zip(synthetic.scenes(COUNT), range(COUNT), strict=True):
        kinds = dict(list(cases(COUNT, ramp))[7 * k : 7 * k + 7])
        np.testing.assert_array_equal(kinds["clean"].depth, truth)
        np.testing.assert_array_equal(kinds["clean"].rgb, photo.rgb)
        np.testing.assert_array_equal(kinds["clean"].reference.valid, truth < SKY_DEPTH)
        own, enlarged = kinds["model, own size"], kinds["model, enlarged"]
        assert own.depth.shape == own.rgb.shape[:2] == own.reference.truth.shape == (24, 32)
        assert enlarged.own is own.depth and enlarged.depth.shape == (96, 128)
        scale = kinds["clean"].reference.camera.fx / own.reference.camera.fx
        assert scale == pytest.approx(4)
    assert len(list(cases(1))) == 4, "no model, no third dirt"


def test_the_camera_is_the_scenes() -> None:
    case = dict(cases(1))["clean"]
    camera = case.reference.camera
    assert (camera.width, camera.height) == (128, 96)
    scene = compose(synthetic.SEED, 0, make_texture_bank(synthetic.BANK).count)
    assert camera.fov_degrees == pytest.approx(scene.fov)


def test_the_jump_filter_takes_both_sides_of_a_step() -> None:
    depth = np.tile(np.where(np.arange(12) < 6, 2.0, 2.2), (9, 1)).astype(np.float32)
    camera = Camera.from_fov(60, 12, 9)
    case = edge_filters.Case(
        Reference(depth, camera, np.ones(depth.shape, bool)), depth, np.zeros((9, 12, 3), np.uint8)
    )
    removed = np.isnan(remove_jumps(case))
    np.testing.assert_array_equal(removed, np.broadcast_to(np.isin(np.arange(12), (5, 6)), (9, 12)))


def test_outliers_are_put_back_on_their_pixels() -> None:
    depth = np.full((30, 40), 3.0, np.float32)
    depth[7, 11] = 1.0
    depth[:, 35:] = 20.0
    valid = depth < 20
    case = edge_filters.Case(
        Reference(depth, Camera.from_fov(60, 40, 30), valid), depth, np.zeros((30, 40, 3), np.uint8)
    )
    result = edge_filters.remove_outliers(case)
    assert np.isnan(result[7, 11])
    kept = np.isfinite(result)
    assert kept.sum() > 1000 and not (kept & ~valid).any()
    np.testing.assert_array_equal(result[kept], depth[kept])


def test_the_table_has_a_line_for_each(scores: dict[str, dict[str, Score]]) -> None:
    lines = table(scores)
    assert len(lines) == 7 * (2 + len(FILTERS))
    assert lines[0].startswith("clean: ") and " 0 flying" in lines[0]
    nothing = next(line for line in lines if line.strip().startswith("no filter"))
    assert nothing.split()[2:5] == ["-", "100.00", "100.00"], "nothing flies on clean depth"


def test_the_command_prints_the_table(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["edge_filters", "--images", "1"])
    edge_filters.main()
    assert "model, enlarged: " in capsys.readouterr().out
