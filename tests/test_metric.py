"""MoGe-2 beside the model: metres, the sky, the camera, and what refuses to fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import standins
import torch
from parity import layout, moge2_config
from PIL import Image
from standins import INTERCEPT, SLOPE, Moge, sample, scene
from torch import Tensor
from typer.testing import CliRunner, Result

import ppdcli
from ppdcli import loading, loading_pytorch
from ppdcli.announce import silent
from ppdcli.backends.pytorch_moge2 import AREA, PyTorchEstimator
from ppdcli.checkpoints import catalog, hub
from ppdcli.checkpoints.catalog_rows import Model, Part
from ppdcli.cli.app import app
from ppdcli.depth import DepthMap
from ppdcli.errors import InputError, PpdError, UsageError
from ppdcli.files import exr, png
from ppdcli.geometry.camera import Camera
from ppdcli.loading import load
from ppdcli.loading_pytorch import file_for_metres, load_estimator
from ppdcli.metric import Estimate, to_metric
from ppdcli.model_request import ModelRequest
from ppdcli.models.moge2 import MoGe2Prediction, MoGe2Semantics
from ppdcli.models.pixel_perfect import PixelPerfectDepth
from ppdcli.photo import Photo

CPU = torch.device("cpu")


def photo(height: int = 300, width: int = 400) -> Photo:
    return Photo(np.full((height, width, 3), 90, np.uint8), "grey")


# --- the estimate ------------------------------------------------------------------------------


def test_moge_sees_the_working_size_of_the_papers_models() -> None:
    moge = Moge()
    estimate = PyTorchEstimator(moge, CPU, "fp32").estimate(photo())  # type: ignore[arg-type]
    assert moge.asked == [((1, 3, 768, 1024), None)]
    assert AREA == 768 * 1024
    assert estimate.depth.shape == (768, 1024) and estimate.depth.dtype == np.float32
    assert np.isnan(estimate.depth[:76]).all() and np.isfinite(estimate.depth[76:]).all()
    camera = estimate.camera
    assert (camera.width, camera.height) == (400, 300)
    assert camera.fov_degrees == pytest.approx(70)
    assert camera.fy == pytest.approx(camera.fx, rel=1e-5)
    assert (camera.cx, camera.cy) == (199.5, 149.5)  # the middle, first centre at 0


def test_a_known_camera_is_told_and_kept() -> None:
    moge, camera = Moge(), Camera.from_fov(50, 400, 300)
    estimate = PyTorchEstimator(moge, CPU, "fp32").estimate(photo(), camera)  # type: ignore[arg-type]
    assert moge.asked[0][1] == pytest.approx(50)
    assert estimate.camera is camera


def test_an_encoder_that_made_room_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    moge = Moge()
    estimator = PyTorchEstimator(moge, CPU, "fp32")  # type: ignore[arg-type]
    moves: list[object] = []
    monkeypatch.setattr(moge, "to", moves.append)
    estimator.estimate(photo())
    assert moves == [CPU]


def test_too_little_memory_is_one_line() -> None:
    class Full(Moge):
        def infer(self, image: Tensor, fov_x: float | None = None) -> MoGe2Prediction:
            raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(PpdError, match=r"^out of memory on cpu in MoGe-2; try"):
        PyTorchEstimator(Full(), CPU, "fp32").estimate(photo())  # type: ignore[arg-type]


# --- the fit -----------------------------------------------------------------------------------


@pytest.fixture
def estimate() -> Estimate:
    return PyTorchEstimator(Moge(), CPU, "fp32").estimate(photo())  # type: ignore[arg-type]


def test_metres_come_out_and_the_sky_is_masked(estimate: Estimate) -> None:
    relative = DepthMap(scene(144, 192), "relative", None, {"model": "m", "seed": "4"})
    metric = to_metric(relative, estimate)
    sky = np.isnan(metric.values)
    assert sky[:14].all() and not sky[15:].any()
    truth = np.expm1(SLOPE * scene(144, 192) + INTERCEPT)
    # The grids' pixels lie a little apart, which moves the fit a little.
    np.testing.assert_allclose(metric.values[~sky], truth[~sky], rtol=0.02)
    assert (metric.kind, metric.unit) == ("metric", "m")
    assert metric.camera == estimate.camera.resized(192, 144)
    assert metric.provenance["model"] == "m"
    assert metric.provenance["scale_from"].startswith("MoGe-2, scale ")


def test_the_sky_may_be_kept_at_most_as_far_as_the_farthest(estimate: Estimate) -> None:
    metric = to_metric(DepthMap(scene(144, 192), "relative"), estimate, keep_sky=True)
    assert np.isfinite(metric.values).all()
    assert metric.values[:14].max() == np.float32(np.nanmax(estimate.depth))


def test_equal_seeds_fit_equally(estimate: Estimate) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, (144, 192)).astype(np.float32)
    relative = DepthMap(scene(144, 192) + noise, "relative")
    first, again, other = (to_metric(relative, estimate, seed=k).values for k in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_allclose(other, first, rtol=0.05)


@pytest.mark.parametrize("spoil", [lambda d: -d, np.zeros_like])
def test_what_does_not_fit_is_refused(
    estimate: Estimate, spoil: Callable[[np.ndarray], np.ndarray]
) -> None:
    with pytest.raises(InputError, match=r"^MoGe-2's metres cannot be taken over \(.*\); "):
        to_metric(DepthMap(spoil(scene(144, 192)), "relative"), estimate)


# --- loading -----------------------------------------------------------------------------------


def test_the_metric_file_is_the_catalogues_or_the_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def fetch(model: Model, part: Part, *_: object) -> Path:
        asked.append(part.name)
        return Path("fetched")

    monkeypatch.setattr(hub, "fetch", fetch)
    monkeypatch.setattr(hub, "find", lambda _: None)
    tiny, da2, moge2 = (catalog.model(f"ppd-{name}") for name in ("tiny", "da2", "moge2"))
    encoder = Path("encoder")
    wished = {wish: ModelRequest(metric=wish) for wish in (False, None, True)}
    assert file_for_metres(tiny, None, wished[False], silent) is None
    assert file_for_metres(da2, encoder, wished[None], silent) is None
    assert asked == []
    assert file_for_metres(da2, encoder, wished[True], silent) == Path("fetched")
    assert asked == ["moge2-vitl"]
    for wish in (None, True):
        assert file_for_metres(moge2, encoder, wished[wish], silent) == encoder
    without = Model("mine", "", "tiny", (64, 48), 4, tiny.network)
    assert file_for_metres(without, None, wished[None], silent) is None
    with pytest.raises(UsageError, match="mine names no file for metres"):
        file_for_metres(without, None, wished[True], silent)


@pytest.fixture
def moge_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small MoGe-2 whose weights are all zero, where the catalogue's should be."""
    path = tmp_path / "model.pt"
    tensors = {k: torch.zeros(1).expand(shape) for k, shape in layout("moge2_tiny").items()}
    torch.save({"model_config": moge2_config("moge2_tiny"), "model": tensors}, path)
    monkeypatch.setattr(hub, "fetch", lambda *_: path)
    return path


def test_load_brings_moge_on_wish_only(random_checkpoint: Path, moge_file: Path) -> None:
    plain = load("ppd-tiny", checkpoint=random_checkpoint, device="cpu")
    assert plain.estimator is None
    for call in (lambda: plain.predict(photo(), metric=True), lambda: plain.estimate(photo())):
        with pytest.raises(UsageError, match="load the model with metric=True"):
            call()
    metric = load("ppd-tiny", checkpoint=random_checkpoint, device="cpu", metric=True)
    assert isinstance(metric.estimator, PyTorchEstimator)
    assert metric.estimator.model.config.points_head is not None
    alone = load_estimator(ModelRequest("ppd-tiny", device="cpu", metric=True))
    assert alone is not None and alone.model.config == metric.estimator.model.config


def test_moge_as_encoder_and_for_metres_is_in_memory_once(
    moge_file: Path, random_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = load("ppd-tiny", checkpoint=random_checkpoint, device="cpu").backend.model  # type: ignore[attr-defined]
    prompts: list[MoGe2Semantics] = []

    def assemble(*arguments: object) -> PixelPerfectDepth:
        prompts.append(arguments[-1])  # type: ignore[arg-type]
        return small

    monkeypatch.setattr(loading_pytorch, "assemble", assemble)
    both = load("ppd-moge2", checkpoint=random_checkpoint, encoder=moge_file, metric=True)
    assert isinstance(both.estimator, PyTorchEstimator)
    assert prompts[0].encoder is both.estimator.model.encoder


# --- the command line --------------------------------------------------------------------------


@pytest.fixture
def predict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, random_checkpoint: Path, moge_file: Path
) -> Callable[..., Result]:
    """``predict(option, ...)`` of a 400 x 300 photo of the scene, with the stand-ins."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(loading_pytorch, "load_moge2", lambda *_: Moge())

    monkeypatch.setattr(PixelPerfectDepth, "sample", sample)
    Image.new("RGB", (400, 300)).save("photo.png")
    fixed = ["photo.png", "-m", "ppd-tiny", "--checkpoint", str(random_checkpoint)]

    def call(*options: str) -> Result:
        return CliRunner().invoke(app, ["predict", *fixed, "--device", "cpu", *options])

    return call


def test_predict_writes_millimetres(predict: Callable[..., Result]) -> None:
    result = predict("--metric", "-f", "png,exr,npy", "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["unit"] == "m"
    assert report["scale_from"].startswith("MoGe-2, scale ")
    assert report["timings"]["metric"] > 0
    depth = png.read(Path("ppd-out/photo_depth.png"))
    assert depth.kind == "metric" and depth.values.shape == (300, 400)
    truth = np.expm1(SLOPE * scene(300, 400) + INTERCEPT)
    seen = np.isfinite(depth.values)
    assert 0.89 < seen.mean() < 0.91, "the top tenth is sky"
    inside = seen & (np.arange(400) > 120)  # away from the box, whose edge a coarse grid moves
    np.testing.assert_allclose(depth.values[inside], truth[inside], rtol=0.05)
    values = exr.read(Path("ppd-out/photo_depth.exr")).values
    np.testing.assert_array_equal(values, np.load("ppd-out/photo_depth.npy"))
    np.testing.assert_allclose(values[seen], depth.values[seen], atol=6e-4)
    assert np.isnan(values[~seen]).all()


def test_predict_keeps_the_sky_and_takes_other_steps(predict: Callable[..., Result]) -> None:
    result = predict("--metric", "--keep-sky", "--png-scale", "tum", "-f", "png")
    assert result.exit_code == 0, result.stderr
    assert np.isfinite(png.read(Path("ppd-out/photo_depth.png")).values).all()
    with Image.open("ppd-out/photo_depth.png") as image:
        assert image.text["encoding"] == "tum"


def test_depths_beyond_a_png_are_told(
    predict: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standins, "INTERCEPT", 3.0)
    result = predict("--metric", "-f", "png")
    assert result.exit_code == 0
    assert "pixels are farther than the 65.53 m that PNG scale 'mm' holds" in result.stderr
    assert "PNG scale" not in predict("--metric", "-f", "png", "--overwrite", "-q").stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--keep-sky"], "--keep-sky needs --metric"),
        (["--png-scale", "tum"], "--png-scale tum is in metres; add --metric"),
        (["--png-scale", "inches"], "--png-scale inches: choose from mm, kitti, tum, normalized"),
    ],
)
def test_mistakes_show_before_any_work(
    predict: Callable[..., Result],
    options: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loading, "load_model", lambda *_: pytest.fail("it loads the model"))
    result = predict(*options)
    assert result.exit_code == 2
    assert message in result.stderr and len(result.stderr.splitlines()) == 1


def test_metres_in_python(
    random_checkpoint: Path, moge_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading_pytorch, "load_moge2", lambda *_: Moge())
    monkeypatch.setattr(PixelPerfectDepth, "sample", sample)
    model = ppdcli.load("ppd-tiny", checkpoint=random_checkpoint, device="cpu", metric=True)
    depth = model.predict(photo(), metric=True)
    assert depth.unit == "m" and depth.camera is not None
    cloud = depth.to_pointcloud(photo().rgb)
    assert 0.5 < cloud.points[:, 2].min() < cloud.points[:, 2].max() < 15
