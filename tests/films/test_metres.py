"""Metres of films: one scale for the film, or for each scene, in every kind of file."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from films.film_samples import HEIGHT, WIDTH, Grey, contents, decoded, order, pictures, write_video

from ppdcli.depth_reading import read_depth
from ppdcli.errors import InputError
from ppdcli.films.making import make_film
from ppdcli.films.metres import by_near_far
from ppdcli.films.orders import FilmReport
from ppdcli.films.video_file import VideoFile
from ppdcli.geometry.camera import Camera
from ppdcli.metric import Estimate
from ppdcli.photo import Photo


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """24 frames with a scene cut at number 13; the second scene is darker."""
    frames = [*pictures(12), *(p // 3 for p in pictures(12, seed=7))]
    return write_video(tmp_path / "clip.mp4", frames, crf="1")


def make(clip: Path, out: Path, *formats: str, **given: Any) -> FilmReport:
    report = FilmReport()
    estimator = given.pop("estimator", None)
    ordered = replace(
        order(out, *formats, **given),
        estimator_of_metres=None if estimator is None else lambda: estimator,
    )
    make_film(VideoFile(clip, "clip.mp4"), ordered, report)
    return report


class Sees:
    """Stands for MoGe-2: metres follow from brightness by one rule, whatever the scene."""

    def __init__(self, slope: float = 2.0) -> None:
        self.slope = slope
        self.seen: list[str] = []
        self.cameras: list[Camera | None] = []

    def estimate(self, photo: Photo, camera: Camera | None = None) -> Estimate:
        self.seen.append(photo.name)
        self.cameras.append(camera)
        (depth,) = Grey().predict_batch([photo])
        metres = np.expm1(self.slope * depth.values + 0.1).astype(np.float32)
        height, width = photo.rgb.shape[:2]
        return Estimate(metres, camera or Camera.from_fov(75, width, height))


def test_near_and_far_are_those_of_the_whole_film(clip: Path, tmp_path: Path) -> None:
    make(clip, tmp_path / "relative", "npy")
    given = {"choices": {"near_far": (0.5, 8.0)}}
    report = make(clip, tmp_path / "out", "mkv", "npy", "exr", "png", "ply", **given)
    assert report.whole == pytest.approx((0.5, 8.0))
    names = [f"{number:06d}.npy" for number in range(1, 25)]
    relative = np.stack([np.load(tmp_path / "relative/film_depth_npy" / name) for name in names])
    metres = np.stack([np.load(tmp_path / "out/film_depth_npy" / name) for name in names])
    share = (relative - relative.min()) / np.ptp(relative)
    expected = np.expm1(math.log1p(0.5) + share * (math.log1p(8) - math.log1p(0.5)))
    np.testing.assert_allclose(metres, expected, rtol=1e-5)
    frames, _ = decoded(tmp_path / "out/film_depth.mkv", "gray16le")
    with av.open(str(tmp_path / "out/film_depth.mkv")) as film:
        tags = {key.lower(): value for key, value in film.metadata.items()}
    assert (tags["kind"], tags["unit"], tags["scale_from"]) == ("metric", "m", "near-far 0.5,8 m")
    scale, offset = float(tags["scale"]), float(tags["offset"])
    np.testing.assert_allclose(np.stack(frames) * scale + offset, metres, atol=0.51 * scale)
    for kind in ("exr", "png"):
        map_ = read_depth(tmp_path / f"out/film_depth_{kind}/000020.{kind}")
        assert (map_.kind, map_.unit) == ("metric", "m")
        assert map_.provenance["scale_from"] == "near-far 0.5,8 m"
        np.testing.assert_allclose(map_.values, metres[19], atol=0.51 * scale)
    header = (tmp_path / "out/film_ply/000001.ply").read_bytes()[:2000]
    assert b"unit m" in header and b"near-far 0.5,8 m" in header
    card = json.loads((tmp_path / "out/film_film.json").read_text())
    assert (card["kind"], card["unit"], card["range"]) == ("metric", "m", [0.5, 8.0])
    (line,) = card["metres"]
    for number in (0, 23):
        own = np.expm1(line["slope"] * relative[number] + line["intercept"])
        np.testing.assert_allclose(own, metres[number], rtol=1e-5)


def test_the_preview_looks_as_without_metres(clip: Path, tmp_path: Path) -> None:
    """It shows log(depth + 1), so that its colours are those of relative depth."""
    make(clip, tmp_path / "a", "mp4")
    make(clip, tmp_path / "b", "mp4", choices={"near_far": (0.5, 8.0)})
    films = [decoded(tmp_path / f"{k}/film_preview.mp4", "rgb24")[0] for k in "ab"]
    assert np.abs(np.stack(films[0]).astype(int) - np.stack(films[1])).mean() < 2


def test_moge2_gives_each_scene_a_scale(clip: Path, tmp_path: Path) -> None:
    estimator = Sees()
    choices = {"choices": {"metric": True}}
    report = make(clip, tmp_path, "npy", "ply", estimator=estimator, **choices)
    assert report.metres is not None
    assert [scene.first for scene in report.metres.scenes] == [0, 12]
    for scene in report.metres.scenes:
        # Alignment moves depth a little within a scene, which one line cannot follow.
        assert (scene.slope, scene.intercept) == pytest.approx((2.0, 0.1), abs=0.02)
        assert scene.scale_from.startswith("MoGe-2, 5 frames of the scene, scale ")
    assert len(estimator.seen) == 10 and "clip.mp4, frame 2" in estimator.seen
    assert report.metres.fov == pytest.approx(75)
    assert report.whole is not None
    depth = np.load(tmp_path / "film_depth_npy/000001.npy")
    assert report.whole[0] <= depth.min() <= depth.max() <= report.whole[1]
    header = (tmp_path / "film_ply/000001.ply").read_bytes()[:2000]
    assert b"by MoGe-2, 75.0 degrees" in header and b"unit m" in header


def test_a_known_field_of_view_is_told_to_moge2(clip: Path, tmp_path: Path) -> None:
    estimator = Sees()
    make(clip, tmp_path, "npy", estimator=estimator, choices={"metric": True, "fov": 40.0})
    assert {camera for camera in estimator.cameras} == {Camera.from_fov(40, WIDTH, HEIGHT)}


def test_metres_that_do_not_fit_name_the_scene(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"scene that begins at frame 1 \(.*without them depth"):
        make(clip, tmp_path, "npy", estimator=Sees(-2.0), choices={"metric": True})


def test_other_metres_use_the_same_depth_again(clip: Path, tmp_path: Path) -> None:
    """What is made for other metres is of no use, but the depth in the parts is."""
    make(clip, tmp_path / "whole", "npy", choices={"near_far": (1.0, 5.0)})
    with pytest.raises(InputError):
        make(clip, tmp_path / "part", "npy", estimator=Sees(-2.0), choices={"metric": True})
    again = Grey()
    make(clip, tmp_path / "part", "npy", model=again, choices={"near_far": (1.0, 5.0)})
    assert again.names == []
    assert contents(tmp_path / "part") == contents(tmp_path / "whole")


def test_a_constant_film_has_no_near_and_far() -> None:
    with pytest.raises(InputError, match="constant"):
        by_near_far((0.25, 0.25 + 1e-6), (1, 2))
