"""``ppd predict``: metres by two distances, by known depths, and by MoGe-2 with a known camera."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from standins import INTERCEPT, SLOPE, Moge, sample, scene, use_moge
from typer.testing import Result

from ppdcli.checkpoints import hub
from ppdcli.files import exr, png
from ppdcli.models.pixel_perfect import PixelPerfectDepth

HEIGHT, WIDTH = 96, 128
TRUTH = np.expm1(SLOPE * scene(HEIGHT, WIDTH) + INTERCEPT)
Predict = Callable[..., Result]


@pytest.fixture
def predict(ppd: Predict, random_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> Predict:
    """``predict(option, ...)`` of photo.png, whose depth is the stand-ins' scene."""
    monkeypatch.setattr(PixelPerfectDepth, "sample", sample)
    monkeypatch.setattr(hub, "find", lambda _: None)
    Image.new("RGB", (WIDTH, HEIGHT), (90, 60, 30)).save("photo.png")
    fixed = ["-m", "ppd-tiny", "--checkpoint", random_checkpoint, "--device", "cpu"]

    def call(*options: object, photo: str = "photo.png") -> Result:
        return ppd("predict", photo, *fixed, "--size", f"{WIDTH}x{HEIGHT}", *options)

    return call


def known(path: str = "known.txt") -> str:
    """Rows of u v metres at some pixels of the scene."""
    places = [(5, 5), (100, 10), (64, 40), (10, 80), (120, 90), (60, 60)]
    Path(path).write_text("".join(f"{u} {v} {TRUTH[v, u]:.6f}\n" for u, v in places))
    return path


def test_two_distances_make_metres(predict: Predict) -> None:
    result = predict("--near-far", "2,30", "-f", "exr,png,npy", "--json")
    assert result.exit_code == 0, result.stderr
    depth = exr.read(Path("ppd-out/photo_depth.exr"))
    assert (depth.kind, depth.provenance["scale_from"]) == ("metric", "near-far 2,30 m")
    assert (depth.values.min(), depth.values.max()) == pytest.approx((2, 30), rel=1e-5)
    whole = png.read(Path("ppd-out/photo_depth.png"))
    np.testing.assert_allclose(whole.values, depth.values, atol=6e-4)  # millimetres
    np.testing.assert_array_equal(np.load("ppd-out/photo_depth.npy"), depth.values)
    assert json.loads(result.stdout)["unit"] == "m"


def test_the_nearest_and_the_farthest_are_of_what_can_be_seen(predict: Predict) -> None:
    opaque = np.full((HEIGHT, WIDTH), 255, np.uint8)
    opaque[:30] = 0  # where the scene is farthest
    rgba = np.dstack([np.full((HEIGHT, WIDTH, 3), 90, np.uint8), opaque])
    Image.fromarray(rgba).save("cut.png")
    result = predict("--near-far", "2,30", "-f", "exr", photo="cut.png")
    assert result.exit_code == 0, result.stderr
    depth = exr.read(Path("ppd-out/cut_depth.exr")).values
    assert np.isnan(depth[:30]).all()
    assert (np.nanmin(depth), np.nanmax(depth)) == pytest.approx((2, 30), rel=1e-5)


def test_known_depths_make_metres(predict: Predict) -> None:
    result = predict("--align", known(), "-f", "exr")
    assert result.exit_code == 0, result.stderr
    depth = exr.read(Path("ppd-out/photo_depth.exr"))
    np.testing.assert_allclose(depth.values, TRUTH, rtol=1e-3)
    assert "known.txt" in result.stderr


def test_a_depth_map_with_holes_has_a_scale(predict: Predict) -> None:
    holes = np.zeros((HEIGHT, WIDTH), np.uint16)
    holes[::7, ::9] = np.rint(TRUTH[::7, ::9] * 256)
    Image.fromarray(holes).save("lidar.png")
    result = predict("--align", "lidar.png", "--depth-scale", "kitti", "-f", "exr")
    assert result.exit_code == 0, result.stderr
    depth = exr.read(Path("ppd-out/photo_depth.exr"))
    np.testing.assert_allclose(depth.values, TRUTH, rtol=5e-3)


def test_moge2_is_told_the_camera(predict: Predict, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Moge()
    use_moge(monkeypatch, model)
    result = predict("--metric", "--fov", "50", "-f", "exr", "--json")
    assert result.exit_code == 0, result.stderr
    assert [fov for _, fov in model.asked] == [pytest.approx(50)]
    found = json.loads(result.stdout)
    assert found["camera"] == "given field of view" and len(found["intrinsics"]) == 4


def test_a_camera_alone_changes_no_depth(predict: Predict) -> None:
    assert predict("-f", "npy").exit_code == 0
    before = Path("ppd-out/photo_depth.npy").read_bytes()
    assert predict("-f", "npy", "--intrinsics", "100,100,63.5,47.5").exit_code == 0
    assert Path("ppd-out/photo_depth.npy").read_bytes() == before


def test_other_distances_make_the_files_again(predict: Predict) -> None:
    assert predict("--near-far", "2,30", "-f", "exr").exit_code == 0
    result = predict("--near-far", "2,40", "-f", "exr")
    assert result.exit_code == 0 and "near-far" in result.stderr
    assert exr.read(Path("ppd-out/photo_depth.exr")).values.max() == pytest.approx(40, rel=1e-5)
    assert "1 skipped" in predict("--near-far", "2,40", "-f", "exr").stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--near-far", "30,2"], "give 0 < A < B"),
        (["--near-far", "2"], "A,B"),
        (["--near-far", "1,2", "--align", "known.txt"], "each fix the scale; give one"),
        (["--metric", "--near-far", "1,2"], "each fix the scale; give one"),
        (["--depth-scale", "mm"], "--depth-scale needs --align"),
        (["--fov", "50", "--intrinsics", "1,1,1,1"], "both name the camera"),
        (["--fov", "0"], "field of view"),
        (["--png-scale", "tum"], "add --metric, --near-far or --align"),
        (["--keep-sky", "--near-far", "1,2"], "--keep-sky needs --metric"),
    ],
)
def test_options_that_do_not_fit(predict: Predict, options: list[str], message: str) -> None:
    known()
    result = predict(*options)
    assert result.exit_code == 2 and message in result.stderr
    assert result.stderr.count("\n") == 1


def test_known_depths_are_of_one_photo(ppd: Predict, predict: Predict) -> None:
    Path("photos").mkdir()
    for name in ("a", "b"):
        Image.new("RGB", (8, 8)).save(f"photos/{name}.png")
    result = predict("--align", known(), photo="photos")
    assert result.exit_code == 2 and "--align is of one image; 2 are given" in result.stderr


def test_a_bad_file_of_known_depths_is_named(predict: Predict) -> None:
    Path("known.txt").write_text("1 2 3\n")
    result = predict("--align", "known.txt")
    assert result.exit_code in (1, 3) and "known.txt" in result.stderr
