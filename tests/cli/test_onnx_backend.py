"""``--backend onnx`` with everything that photos go through; its model is two tiny graphs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from exported import IMAGE, PLANE, value, write_card, write_export, write_graph
from onnx import helper, numpy_helper
from PIL import Image
from typer.testing import Result

import ppdcli
from ppdcli.backends.onnx_folder import CARD_FILE, ENCODER_FILE, STEP_FILE
from ppdcli.devices import Precision
from ppdcli.errors import PpdError, UsageError

Ppd = Callable[..., Result]
SIZES = ((40, 60), (60, 40), (1, 1), (17, 300), (48, 64), (48, 64))


@pytest.fixture
def folder() -> list[str]:
    """Six photos in ``in``, and the options of a model in ``model``."""
    dice = np.random.default_rng(0)
    Path("in").mkdir()
    for k, size in enumerate(SIZES):
        Image.fromarray(dice.integers(0, 256, (*size, 3)).astype(np.uint8)).save(f"in/{k}.png")
    write_export(Path("model"))
    return ["in", "--backend", "onnx", "--checkpoint", "model"]


def depths(out: str) -> dict[str, np.ndarray]:
    return {path.name: np.load(path) for path in sorted(Path(out).glob("*.npy"))}


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[k], other[k]) for k in one)


@pytest.mark.parametrize(
    "options",
    [
        ["--batch", "3"],
        ["--workers", "2"],
        ["--devices", "cpu,cpu"],
        ["--precision", "fp32", "--device", "cpu"],
        pytest.param(["--engine", "ray", "--workers", "2"], marks=pytest.mark.slow),
    ],
    ids=lambda options: options[0],
)
def test_depth_does_not_depend_on_who_works(
    ppd: Ppd, folder: list[str], options: Sequence[str]
) -> None:
    shared = ["-f", "npy", "--model-size"]
    assert ppd("predict", *folder, *shared, "-o", "plain").exit_code == 0
    done = ppd("predict", *folder, *shared, "-o", "other", *options)
    assert done.exit_code == 0, done.stderr
    assert done.stderr.endswith("6 done\n")
    assert len(depths("plain")) == len(SIZES)
    assert same(depths("plain"), depths("other"))
    predictor = ppdcli.load(checkpoint="model", backend="onnx")
    maps = predictor.predict_many(sorted(Path("in").iterdir()))
    python = {f"{k}_depth.npy": np.asarray(depth) for k, depth in enumerate(maps)}
    assert same(depths("plain"), python)


@pytest.mark.parametrize(
    ("options", "facts"),
    [
        (["--steps", "1"], {"steps": 1, "seed": 0, "size": "64x48"}),
        (["--steps", "1000"], {"steps": 1000}),
        (["--preset", "draft"], {"steps": 2}),
        (["--preset", "best", "--seed", str(2**64 - 1)], {"steps": 10, "seed": 2**64 - 1}),
        (["--size", "1x1"], {"steps": 4, "size": "16x16"}),
        (["--size", "700x50"], {"size": "224x160"}),
    ],
)
def test_sampling_is_as_asked(
    ppd: Ppd, folder: list[str], options: Sequence[str], facts: dict[str, object]
) -> None:
    done = ppd("predict", "in/4.png", *folder[1:], "-f", "npy", *options, "-o", "out", "--json")
    assert done.exit_code == 0, done.stderr
    row = json.loads(done.stdout)
    assert facts.items() <= row.items()
    brightness = np.asarray(Image.open("in/4.png")).mean(axis=2) / 255
    found = np.load("out/4_depth.npy")
    assert found.shape == (48, 64)
    if row["size"] == "64x48":  # the noise is gone after the last step, whatever its seed
        assert np.allclose(found, 0.5 + brightness * brightness.mean(), atol=1e-3)


def test_a_seed_draws_noise_of_its_own(folder: list[str]) -> None:
    backend = ppdcli.load(checkpoint="model", backend="onnx").backend
    noise = [backend.noise(16, 32, seed) for seed in (0, 1, 0)]
    assert np.array_equal(noise[0], noise[2])
    assert not np.array_equal(noise[0], noise[1])


def test_clouds_of_a_folder_in_each_format(ppd: Ppd, folder: list[str]) -> None:
    options = ["--near-far", "1,3", "--fov", "60", "-f", "ply,html,side", "--normals"]
    done = ppd("pointcloud", *folder, *options, "-o", "out", "--no-edge-clean")
    assert done.exit_code == 3, done.stderr  # of one pixel there is no cloud
    assert "5 done, 1 failed" in done.stderr
    for ending in (".ply", ".html", "_side.png"):
        assert len(list(Path("out").glob(f"*{ending}"))) == len(SIZES) - 1
    cloud = (
        ppdcli.load(checkpoint="model", backend="onnx").predict("in/4.png").to_pointcloud(fov=60)
    )
    assert 0 < len(cloud.points) <= 48 * 64


def test_what_one_export_made_another_makes_again(ppd: Ppd, folder: list[str]) -> None:
    photo = ["in/4.png", *folder[1:3], "-f", "npy", "-o", "out", "--checkpoint"]
    write_export(Path("half"), "fp16")
    assert ppd("predict", *photo, "model").exit_code == 0
    assert ppd("predict", *photo, "model").stderr == "1 skipped\n"
    assert "precision fp32 -> fp16" in ppd("predict", *photo, "half").stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--devices", "cuda,cuda"], "device cuda: the backend onnx computes on the cpu"),
        (["--precision", "fp16"], "precision fp16: model was exported in fp32; leave out the prec"),
        (["--size", "1000000x1000000"], "try a smaller size\n"),
    ],
)
def test_what_it_cannot_do_is_one_line(
    ppd: Ppd, folder: list[str], options: Sequence[str], said: str
) -> None:
    done = ppd("predict", "in/4.png", *folder[1:], *options)
    assert done.exit_code in (1, 2)
    assert said in done.stderr
    assert not Path("ppd-out/4_depth.png").exists()


def no_step(model: Path) -> None:
    (model / STEP_FILE).unlink()


def no_card(model: Path) -> None:
    (model / CARD_FILE).unlink()


def half_a_card(model: Path) -> None:
    (model / CARD_FILE).write_bytes((model / CARD_FILE).read_bytes()[:200])


def newer_card(model: Path) -> None:
    card = json.loads((model / CARD_FILE).read_text())
    (model / CARD_FILE).write_text(json.dumps({**card, "format": 2}))


def half_a_graph(model: Path) -> None:
    (model / STEP_FILE).write_bytes((model / STEP_FILE).read_bytes()[:200])


def unlisted_damage(model: Path) -> None:
    half_a_graph(model)
    write_card(model)


def newer_opset(model: Path) -> None:
    graph = onnx.load(model / STEP_FILE)
    graph.opset_import[0].version = 99
    onnx.save(graph, model / STEP_FILE)
    write_card(model)


def graphs_exchanged(model: Path) -> None:
    (model / STEP_FILE).write_bytes((model / ENCODER_FILE).read_bytes())
    write_card(model)


def no_data(model: Path) -> None:
    """The weights are in a file beside the graph, which is not there."""
    graph = onnx.load(model / STEP_FILE)
    onnx.save(
        graph,
        model / STEP_FILE,
        save_as_external_data=True,
        location=f"{STEP_FILE}.data",
        size_threshold=0,
    )
    write_card(model)
    (model / f"{STEP_FILE}.data").unlink()


def no_data_and_unlisted(model: Path) -> None:
    no_data(model)
    write_card(model)


def another_output(model: Path) -> None:
    """A step that gives depth at half the size."""
    nodes = [helper.make_node("AveragePool", ["x_t"], ["velocity"], kernel_shape=[2, 2])]
    inputs = [value("x_t", PLANE), IMAGE, value("tokens", [1, "N", 3]), value("timestep", [1])]
    write_graph(model / STEP_FILE, nodes, inputs, value("velocity", [1, 1, "h", "w"]))
    write_card(model)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (no_step, "model/step.onnx: no such file; export the model again"),
        (no_card, "model/ppd.json: no such file; give a folder that `ppd export` wrote"),
        (half_a_card, "model/ppd.json: is damaged ("),
        (newer_card, "ppd.json: is not of a model that this version of ppd exported; export it"),
        (half_a_graph, "model/step.onnx: is damaged or was changed; export the model again"),
        (unlisted_damage, "model/step.onnx: onnxruntime cannot load it ("),
        (newer_opset, "model/step.onnx: onnxruntime cannot load it ("),
        (graphs_exchanged, "model/step.onnx: is another graph, with the inputs ['image']"),
        (no_data, "model/step.onnx.data: no such file; export the model again"),
        (no_data_and_unlisted, "model/step.onnx: onnxruntime cannot load it ("),
        (another_output, "model/step.onnx: gives"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
@pytest.mark.parametrize("command", ["predict", "pointcloud"])
def test_a_bad_export_is_one_line(
    ppd: Ppd, folder: list[str], command: str, damage: Callable[[Path], None], said: str
) -> None:
    damage(Path("model"))
    done = ppd(command, "in/4.png", *folder[1:], "-o", "out")
    assert done.exit_code in (1, 2), done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert said in errors[0]
    assert "Traceback" not in done.stderr
    with pytest.raises(PpdError) as caught:
        ppdcli.load(checkpoint="model", backend="onnx").predict("in/4.png")
    assert said in str(caught.value)


@pytest.mark.parametrize("given", ["model/step.onnx", "nowhere", "in"])
def test_what_is_no_folder_of_an_export_is_one_line(
    ppd: Ppd, folder: list[str], given: str
) -> None:
    done = ppd("predict", "in/4.png", "--backend", "onnx", "--checkpoint", given)
    assert done.exit_code == 1
    assert done.stderr.startswith(f"error: {given}/ppd.json: ")
    assert "ppd export" in done.stderr


def break_numbers(model: Path, precision: Precision) -> None:
    """Has the step divide by 0."""
    graph = onnx.load(model / STEP_FILE)
    numbers = {each.name: each for each in graph.graph.initializer}
    for name, number in (("T", np.inf), ("small", -1)):
        numbers[name].CopyFrom(numpy_helper.from_array(np.float32(number), name))
    onnx.save(graph, model / STEP_FILE)
    write_card(model, precision)


def test_a_photo_that_overflows_in_fp16_is_named(folder: list[str]) -> None:
    break_numbers(write_export(Path("half"), "fp16"), "fp16")
    predictor = ppdcli.load(checkpoint="half", backend="onnx")
    assert predictor.precision == "fp16"
    with pytest.raises(
        PpdError, match=r"4\.png: ppd-tiny overflows in fp16; export the model in fp32"
    ):
        predictor.predict("in/4.png")


def test_depth_that_is_not_finite_is_refused(ppd: Ppd, folder: list[str]) -> None:
    break_numbers(Path("model"), "fp32")
    done = ppd("predict", "in/4.png", *folder[1:], "-o", "out", "-f", "npy")
    assert done.exit_code == 1
    assert "in/4.png: ppd-tiny gives depth that is not finite; its weights are" in done.stderr
    assert not Path("out/4_depth.npy").exists()


def test_a_missing_backend_is_named_in_python() -> None:
    with pytest.raises(UsageError, match=r"write one with `ppd export ppd-tiny -o FOLDER`"):
        ppdcli.load(backend="onnx")
