"""A photo, its depth, and lengths in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fake_network import network
from PIL import Image

from ppdcli.commands.app.network import Wish
from ppdcli.commands.app.shot import Ends, Scale, Shot
from ppdcli.errors import InputError, UsageError
from ppdcli.model_request import ModelRequest


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    rng = np.random.default_rng(3)
    path = tmp_path / "hall.png"
    Image.fromarray(rng.integers(0, 255, (96, 128, 3), dtype=np.uint8)).save(path)
    return path


def taken(picture: Path, wish: Wish | None = None) -> Shot:
    return network().shot(picture, wish or Wish("ppd-tiny"), lambda share, what: None)


def ends(shot: Shot, scale: Scale, *at: tuple[float, float]) -> Ends:
    cloud = shot.cloud(scale)
    return Ends(np.stack([cloud.point_at(u, v) for u, v in at]))


A, B = (100.0, 20.0), (20.0, 90.0)


def test_progress_rises_to_the_end(picture: Path) -> None:
    told: list[tuple[float, str]] = []
    network().shot(picture, Wish("ppd-tiny", 5), lambda share, what: told.append((share, what)))
    shares = [share for share, _ in told]
    assert shares == sorted(shares) and shares[0] >= 0 and shares[-1] <= 1
    assert told[-1][1] == "step 5 of 5 done"


def test_a_model_is_loaded_once_and_again_for_other_wishes(picture: Path) -> None:
    loaded: list[ModelRequest] = []
    works = network(loaded)
    for wish in (Wish("ppd-tiny"), Wish("ppd-tiny", 9), Wish("ppd-tiny", metric=True)):
        works.shot(picture, wish, lambda share, what: None)
    assert [request.metric for request in loaded] == [False, True]


def test_relative_depth_states_no_metres(picture: Path) -> None:
    shot = taken(picture)
    assert not shot.is_metric(Scale())
    assert shot.depth_map(Scale()).kind == "relative"
    assert any("relative depth" in line for line in shot.cloud(Scale()).comments)


def test_near_and_far_make_metres_of_the_cloud_and_the_depth(picture: Path) -> None:
    shot, scale = taken(picture), Scale((2.0, 30.0), 1.0, "near-far 2,30 m")
    depth, cloud = shot.depth_map(scale), shot.cloud(scale)
    assert depth.kind == "metric" and depth.provenance["scale_from"] == "near-far 2,30 m"
    assert np.nanmin(depth.values) == pytest.approx(2) and np.nanmax(depth.values) < 30.01
    assert cloud.points[:, 2].max() == pytest.approx(30, rel=1e-3)


@pytest.mark.parametrize("start", [Scale(), Scale((2.0, 30.0))])
def test_a_known_length_sets_the_scale(picture: Path, start: Scale) -> None:
    shot = taken(picture)
    scale = shot.scale_of_length(shot.cloud(start), start, ends(shot, start, A, B), 1.5)
    assert shot.is_metric(scale)
    assert ends(shot, scale, A, B).distance == pytest.approx(1.5, rel=2e-3)
    assert shot.depth_map(scale).kind == "metric"
    assert "known length" in scale.source


def test_a_known_length_corrects_the_metres_of_moge2(picture: Path) -> None:
    shot = taken(picture, Wish("ppd-tiny", metric=True))
    before = ends(shot, Scale(), A, B).distance
    scale = shot.scale_of_length(shot.cloud(Scale()), Scale(), ends(shot, Scale(), A, B), 1.5)
    assert scale.factor == pytest.approx(1.5 / before)
    assert ends(shot, scale, A, B).distance == pytest.approx(1.5, rel=1e-4)
    again = shot.scale_of_length(shot.cloud(scale), scale, ends(shot, scale, A, B), 3)
    assert again.factor == pytest.approx(3 / before, rel=1e-3)


def test_moge2_leaves_out_the_sky(picture: Path) -> None:
    shot = taken(picture, Wish("ppd-tiny", metric=True))
    assert np.isnan(shot.depth_map(Scale()).values[:5]).all()
    with pytest.raises(InputError, match="no depth at pixel 60,0"):
        shot.cloud(Scale()).point_at(60, 0)


def test_a_click_takes_the_point_of_its_pixel(picture: Path) -> None:
    shot = taken(picture)
    cloud = shot.cloud(Scale())
    assert cloud.pixels is not None
    camera = cloud.pixels.camera
    for u, v in ((0.2, 95.4), (127.4, 3.0), (64.0, 80.0), (127.4, 0.0)):
        x, y, z = cloud.point_at(u, v)
        at = camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy
        near = np.clip((u, v), 0, (127, 95))
        assert at == pytest.approx(near, abs=7)
        if cloud.pixels.taken[round(near[1]), round(near[0])]:
            assert at == pytest.approx(near, abs=0.51)


def test_the_same_point_twice_has_no_length(picture: Path) -> None:
    shot = taken(picture)
    with pytest.raises(InputError, match="the same"):
        shot.scale_of_length(shot.cloud(Scale()), Scale(), ends(shot, Scale(), A, A), 1)


def test_bad_photos_and_settings_are_refused(picture: Path, tmp_path: Path) -> None:
    bad = tmp_path / "notes.png"
    bad.write_text("no picture")
    with pytest.raises(InputError, match=r"notes\.png"):
        taken(bad)
    for fov in (0.5, 180.0, -20.0):
        with pytest.raises(UsageError, match="field of view"):
            taken(picture, Wish("ppd-tiny", fov=fov))


def test_what_is_told_names_no_option_of_the_command_line(picture: Path) -> None:
    shot = taken(picture)
    assert "assumed field of view" in " ".join(shot.notes)
    assert "--" not in " ".join(shot.notes)
