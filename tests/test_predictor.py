"""A model on a device: what it is loaded from, what it returns, what it refuses."""

from __future__ import annotations

import copy
import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from parity import NETWORK, TINY_SEM384, Golden, ParityRecord, da2_encoder, network
from torch import nn

import ppdcli
from ppdcli import devices
from ppdcli.backends import pytorch
from ppdcli.backends.pytorch import BYTES_PER_PIXEL, LARGEST_BATCH, PyTorchBackend
from ppdcli.checkpoints import hub
from ppdcli.checkpoints.assemble import assemble
from ppdcli.devices import check_names, choose_device, choose_precision
from ppdcli.errors import InputError, PpdError, UsageError
from ppdcli.geometry.resize import resize_rgb
from ppdcli.loading import load
from ppdcli.models.pixel_perfect import PixelPerfectDepth, draw_noise
from ppdcli.models.tensors import to_tensor
from ppdcli.photo import Photo, load_photo
from ppdcli.predictor import Predictor

AREA = 64 * 48


@pytest.fixture(scope="module")
def predictor(random_checkpoint: Path) -> Predictor:
    return load("ppd-tiny", checkpoint=random_checkpoint, device="cpu")


def backend_of(predictor: Predictor) -> PyTorchBackend:
    assert isinstance(predictor.backend, PyTorchBackend)
    return predictor.backend


def noisy_photo(seed: int, height: int = 48, width: int = 64) -> Photo:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    return Photo(pixels, f"noise {seed}")


# --- predict -----------------------------------------------------------------------------------


def test_the_depth_of_the_reference_implementation(
    monkeypatch: pytest.MonkeyPatch, parity: ParityRecord
) -> None:
    golden = Golden("sampler_tiny")
    model = PixelPerfectDepth(network("ppd_tiny_sem384", TINY_SEM384), da2_encoder("vits")).eval()
    predictor = Predictor(PyTorchBackend(model, torch.device("cpu"), "fp32"), "golden", AREA, 4)
    noise = golden.tensor("in.noise_a")
    monkeypatch.setattr(pytorch, "draw_noise", lambda *_: noise)
    depth = predictor.predict(Photo(golden["in.image_a"], "golden"))
    parity.check(
        golden, "out.a_steps4.depth", depth.values[None, None], NETWORK, "depth of a Predictor"
    )


def test_the_values_are_the_models_own(predictor: Predictor, random_checkpoint: Path) -> None:
    photo = noisy_photo(0, 40, 60)
    depth = predictor.predict(photo, area=AREA, seed=5, steps=3)
    image = to_tensor(resize_rgb(photo.rgb, 48, 64))
    with torch.inference_mode():  # as a Predictor; with gradients PyTorch may choose other kernels
        expected = assemble("tiny", random_checkpoint, None)(image, draw_noise(48, 64, 5), 3)
    assert depth.values.dtype == np.float32
    np.testing.assert_array_equal(depth.values, expected[0, 0].numpy())


def test_the_noise_is_the_one_that_is_promised(predictor: Predictor) -> None:
    generator = torch.Generator("cpu").manual_seed(11)
    expected = torch.randn((1, 1, 48, 64), generator=generator, dtype=torch.float32)
    assert torch.equal(draw_noise(48, 64, 11), expected)


def test_what_the_map_says_about_itself(predictor: Predictor) -> None:
    depth = predictor.predict(noisy_photo(0), seed=5, steps=2, area=AREA)
    assert (depth.kind, depth.unit, depth.camera) == ("relative", "relative", None)
    assert depth.provenance == {"model": "ppd-tiny", "seed": "5", "steps": "2", "size": "64x48"}


def test_the_defaults_are_the_models(predictor: Predictor) -> None:
    depth = predictor.predict(noisy_photo(0))
    assert depth.provenance == {"model": "ppd-tiny", "seed": "0", "steps": "4", "size": "256x192"}
    assert depth.values.shape == (192, 256)


def test_a_path_is_loaded(predictor: Predictor, photo: Path) -> None:
    expected = predictor.predict(load_photo(photo), area=AREA).values
    for path in (photo, str(photo)):
        np.testing.assert_array_equal(predictor.predict(path, area=AREA).values, expected)
    with pytest.raises(InputError, match="no such file"):
        predictor.predict("missing.jpg")


def semantic_model(random_checkpoint: Path) -> Predictor:
    """ppd-da2's parts at small sizes."""
    model = PixelPerfectDepth(network("ppd_tiny_sem384", TINY_SEM384), da2_encoder("vits")).eval()
    return Predictor(PyTorchBackend(model, torch.device("cpu"), "fp32"), "small ppd-da2", AREA, 4)


def tiny_model(random_checkpoint: Path) -> Predictor:
    return load("ppd-tiny", checkpoint=random_checkpoint, device="cpu")


def shipped_model(random_checkpoint: Path) -> Predictor:
    return load("ppd-tiny", device="cpu")


@pytest.mark.parametrize("make", [semantic_model, tiny_model, shipped_model])
def test_a_batch_gives_each_photo_what_it_gets_alone_to_the_last_bit(
    make: Callable[[Path], Predictor], random_checkpoint: Path
) -> None:
    predictor = make(random_checkpoint)
    photos = [noisy_photo(seed) for seed in range(4)]
    options = {"area": AREA, "seed": 4, "steps": 2}
    alone = [predictor.predict(photo, **options) for photo in photos]
    for count in (2, 4, 4):  # at the second 4 it is known whether they may go together
        together = predictor.predict_batch(photos[:count], **options)
        for one, other in zip(alone, together, strict=False):
            np.testing.assert_array_equal(one.values, other.values)
            assert one.provenance == other.provenance
    assert not np.allclose(alone[0].values, alone[1].values)


def sampled_sizes(predictor: Predictor, monkeypatch: pytest.MonkeyPatch, error: float) -> list[int]:
    """How many images each call of the sampler gets; ``error`` is added where it is several."""
    calls: list[int] = []

    def sample(image: torch.Tensor, *_: object) -> torch.Tensor:
        calls.append(len(image))
        return image[:, :1] + (error if len(image) > 1 else 0)

    monkeypatch.setattr(backend_of(predictor).model, "sample", sample)
    return calls


@pytest.mark.parametrize(("error", "later"), [(0.0, [3]), (1e-7, [1, 1, 1])])
def test_photos_go_together_where_that_makes_no_difference(
    random_checkpoint: Path, monkeypatch: pytest.MonkeyPatch, error: float, later: list[int]
) -> None:
    predictor = tiny_model(random_checkpoint)
    calls = sampled_sizes(predictor, monkeypatch, error)
    photos = [noisy_photo(seed) for seed in range(3)]
    expected = [to_tensor(photo.rgb)[0, 0].numpy() for photo in photos]
    for sizes in ([1, 1, 1, 3], later, later):
        calls.clear()
        depths = predictor.predict_batch(photos, area=AREA)
        assert calls == sizes
        for depth, values in zip(depths, expected, strict=True):
            np.testing.assert_array_equal(depth.values, values)
    calls.clear()
    predictor.predict_batch(photos[:2], area=AREA)
    assert calls == [1, 1, 2], "of another number of photos nothing is known"


def test_photos_go_alone_where_memory_is_short_for_several(
    random_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = tiny_model(random_checkpoint)
    calls: list[int] = []

    def sample(image: torch.Tensor, *_: object) -> torch.Tensor:
        calls.append(len(image))
        if len(image) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return image[:, :1]

    monkeypatch.setattr(backend_of(predictor).model, "sample", sample)
    for sizes in ([1, 1, 2], [1, 1]):
        calls.clear()
        assert len(predictor.predict_batch([noisy_photo(0), noisy_photo(1)], area=AREA)) == 2
        assert calls == sizes


def test_how_many_photos_go_together(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = noisy_photo(0)
    needed = 2 * AREA * BYTES_PER_PIXEL
    for free, expected in ((None, 1), (0, 1), (3 * needed, 3), (1000 * needed, LARGEST_BATCH)):
        monkeypatch.setattr(pytorch, "free_memory", lambda _, free=free: free)
        assert predictor.batch_size(photo, AREA) == expected


def test_an_empty_batch_is_empty(predictor: Predictor) -> None:
    assert predictor.predict_batch([]) == []


def test_photos_of_different_working_sizes_are_no_batch(predictor: Predictor) -> None:
    with pytest.raises(UsageError, match="one working size"):
        predictor.predict_batch([noisy_photo(0), noisy_photo(0, 64, 48)], area=AREA)


def test_each_step_is_told(predictor: Predictor) -> None:
    told: list[int] = []
    predictor.predict(noisy_photo(0), area=AREA, steps=3, on_step=told.append)
    assert told == [1, 2, 3]


@pytest.mark.parametrize(
    "options", [{"steps": 0}, {"steps": 1001}, {"seed": -1}, {"seed": 1 << 64}]
)
def test_numbers_out_of_range(predictor: Predictor, options: dict[str, int]) -> None:
    (name,) = options
    with pytest.raises(UsageError, match=f"^{name} .*: give a number from"):
        predictor.predict(noisy_photo(0), area=AREA, **options)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB"),
        cv2.error("OpenCV(5.0.0) alloc.cpp: error: (-4:Insufficient memory) Failed to allocate"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_too_little_memory_says_what_to_do(
    predictor: Predictor, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(backend_of(predictor).model, "sample", fail)
    advice = "a smaller size or the precision bf16"
    with pytest.raises(PpdError, match=f"^out of memory on cpu at 64x48; try {advice}$"):
        predictor.predict(noisy_photo(0), area=AREA)
    with pytest.raises(PpdError, match="try a batch of fewer photos or a smaller size"):
        predictor.predict_batch([noisy_photo(0), noisy_photo(1)], area=AREA)


def test_another_error_of_the_model_is_not_hidden(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(backend_of(predictor).model, "encode", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        predictor.predict(noisy_photo(0), area=AREA)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_is_near_single_precision(
    predictor: Predictor, random_checkpoint: Path, precision: str
) -> None:
    half = load("ppd-tiny", checkpoint=random_checkpoint, device="cpu", precision=precision)
    expected = predictor.predict(noisy_photo(0), area=AREA).values
    values = half.predict(noisy_photo(0), area=AREA).values
    assert values.dtype == np.float32
    assert not np.array_equal(values, expected)
    np.testing.assert_allclose(values, expected, atol=0.05 * np.ptp(expected))


def test_weights_kept_in_half_precision_are_those_that_autocast_would_cast(
    predictor: Predictor, random_checkpoint: Path
) -> None:
    half = load("ppd-tiny", checkpoint=random_checkpoint, device="cpu", precision="bf16")
    dtypes = {name: p.dtype for name, p in backend_of(half).model.named_parameters()}
    for name in ("network.blocks.0.attn.qkv.weight", "encoder.laterals.0.bias"):
        assert dtypes[name] == torch.bfloat16
    # These leave autocast, so that bf16's few digits do not show in the depth.
    for part in ("t_embedder", "adaLN_modulation", "final_layer", "q_norm"):
        assert {d for name, d in dtypes.items() if part in name} == {torch.float32}
    photo = noisy_photo(0)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        image = to_tensor(resize_rgb(photo.rgb, 48, 64))
        expected = backend_of(predictor).model(image, draw_noise(48, 64, 0), 4)
    values = half.predict(photo, area=AREA).values
    np.testing.assert_array_equal(values, expected[0, 0].float().numpy())


def test_a_photo_that_overflows_in_half_precision_is_done_again_alone(
    random_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    half = load(
        "ppd-tiny",
        checkpoint=random_checkpoint,
        device="cpu",
        precision="fp16",
        announce=said.append,
    )
    photos = [noisy_photo(seed) for seed in range(3)]
    expected = [half.predict(photo, area=AREA).values for photo in photos]
    dtypes = [parameter.dtype for parameter in backend_of(half).model.parameters()]
    assert torch.float16 in dtypes
    sample, second = backend_of(half).model.sample, to_tensor(photos[1].rgb)

    def overflow(image: torch.Tensor, *rest: object) -> torch.Tensor:
        depth = sample(image, *rest)  # type: ignore[arg-type]
        beyond = half.precision == "fp16" and torch.equal(image, second)
        return depth * torch.inf if beyond else depth

    monkeypatch.setattr(backend_of(half).model, "sample", overflow)
    depths = [depth.values for depth in half.predict_batch(photos, area=AREA)]
    for k in (0, 2):
        np.testing.assert_array_equal(depths[k], expected[k])
    assert np.isfinite(depths[1]).all() and not np.array_equal(depths[1], expected[1])
    assert said[1:] == ["noise 1: ppd-tiny overflows in fp16; this photo is done in fp32"]
    # The next photo is done as if nothing had happened.
    assert half.precision == "fp16"
    assert [parameter.dtype for parameter in backend_of(half).model.parameters()] == dtypes
    np.testing.assert_array_equal(half.predict(photos[2], area=AREA).values, expected[2])


def test_the_parts_of_the_time_are_told(predictor: Predictor) -> None:
    timings = predictor.predict(noisy_photo(0), area=AREA).timings
    assert timings.keys() == {"encoder", "sampler"}
    assert min(timings.values()) > 0


def test_the_encoder_makes_room_on_a_small_card_and_comes_back(
    random_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = load("ppd-tiny", checkpoint=random_checkpoint, device="cpu")
    needed = 48 * 64 * BYTES_PER_PIXEL
    moves: list[str] = []
    monkeypatch.setattr(
        backend_of(predictor).model.encoder, "to", lambda where: moves.append(str(where))
    )
    encoder = backend_of(predictor).model.encoder.forward
    monkeypatch.setattr(backend_of(predictor).model, "encode", lambda image, view: encoder(image))
    for free, expected in ((None, []), (needed, []), (needed - 1, ["cpu"])):
        monkeypatch.setattr(pytorch, "free_memory", lambda _, free=free: free)
        moves.clear()
        predictor.predict(noisy_photo(0), area=AREA)
        assert moves == ["cpu", *expected]  # to its own device first


# --- load --------------------------------------------------------------------------------------


def test_load_takes_paths_as_text_and_says_what_it_does(random_checkpoint: Path) -> None:
    said: list[str] = []
    predictor = ppdcli.load(
        "ppd-tiny", checkpoint=str(random_checkpoint), device="cpu", announce=said.append
    )
    assert (predictor.name, predictor.area, predictor.steps) == ("ppd-tiny", 256 * 192, 4)
    assert (predictor.device, predictor.precision) == ("cpu", "fp32")
    (line,) = said
    assert line.startswith("ppd-tiny on cpu, fp32, loaded in ")


def test_auto_says_what_it_took(random_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        hub,
        "find",
        lambda part: random_checkpoint if part.bundled is not None else None,
    )
    said: list[str] = []
    assert load(device="cpu", announce=said.append).name == "ppd-tiny"
    assert said[-1].startswith("ppd-tiny on cpu, fp32")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "nothing"}, "no model is called 'nothing'; choose one of auto, ppd-tiny"),
        ({"checkpoint": "x"}, "need the name of the model"),
        ({"encoder": "x"}, "need the name of the model"),
        ({"name": "ppd-tiny", "encoder": "x"}, "leave out the encoder"),
        ({"name": "ppd-tiny", "device": "tpu"}, "'tpu'"),
        ({"name": "ppd-tiny", "precision": "fp8"}, "'fp8'"),
    ],
)
def test_load_refuses_before_it_looks_for_files(options: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load(**options)  # type: ignore[arg-type]


# --- devices -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["auto", "cpu", "cuda", "cuda:0", "cuda:12", "mps"])
def test_devices_that_may_be(name: str) -> None:
    check_names(name, "auto")


@pytest.mark.parametrize(
    "name", ["", "CPU", "cpu:0", "cuda:", "cuda:01", "cuda:-1", "cuda:999", "xpu"]
)
def test_devices_that_cannot_be(name: str) -> None:
    with pytest.raises(UsageError, match="give auto, cpu, cuda"):
        choose_device(name)


def test_a_device_that_is_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("cuda") == torch.device("cuda")
    with pytest.raises(UsageError, match="cuda:1: this machine has 1 CUDA devices; try auto"):
        choose_device("cuda:1")
    with pytest.raises(UsageError, match="mps: not on this machine; try auto"):
        choose_device("mps")


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_auto_takes_the_fastest_device(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert choose_device("auto") == torch.device(expected)


@pytest.mark.parametrize(
    ("device", "native", "capability", "expected"),
    [
        ("cuda", True, (8, 0), "bf16"),
        ("cuda", False, (7, 5), "fp16"),
        ("cuda", False, (6, 1), "fp32"),
        ("mps", True, None, "fp32"),
        ("cpu", True, None, "fp32"),
    ],
)
def test_auto_takes_half_precision_only_where_it_pays(
    monkeypatch: pytest.MonkeyPatch,
    device: str,
    native: bool,
    capability: tuple[int, int] | None,
    expected: str,
) -> None:
    monkeypatch.setattr(devices, "multiplies_bf16", lambda _: native)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    assert choose_precision("auto", torch.device(device)) == expected
    assert choose_precision("fp16", torch.device(device)) == "fp16"


# --- results -----------------------------------------------------------------------------------


def test_the_python_example_of_the_contract(
    photo: Path, tmp_path: Path, random_checkpoint: Path
) -> None:
    depth = ppdcli.load("ppd-tiny", checkpoint=random_checkpoint).predict(str(photo), area=AREA)
    for suffix in ("png", "exr", "npy"):
        depth.save(tmp_path / f"depth.{suffix}")
    rgb = load_photo(photo).rgb
    camera = ppdcli.Camera.from_fov(60, 60, 40)
    cloud = depth.to_pointcloud(rgb, camera, edge_clean=False)
    assert cloud.points.shape == (60 * 40, 3)
    known = dataclasses.replace(depth, camera=camera.resized(64, 48))
    np.testing.assert_allclose(
        known.to_pointcloud(rgb, edge_clean=False).points, cloud.points, rtol=1e-5
    )


# --- compiled ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="PyTorch compiles with a C++ compiler")
def test_compiled_it_gives_the_same_depth_at_every_size(
    random_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    plain = load("ppd-tiny", checkpoint=random_checkpoint, device="cpu")
    said: list[str] = []
    compiled = load(
        "ppd-tiny", checkpoint=random_checkpoint, device="cpu", compiled=True, announce=said.append
    )
    for photo in (noisy_photo(0), noisy_photo(1, 64, 48), noisy_photo(2, 64, 64)):
        expected = plain.predict(photo, area=AREA).values
        found = compiled.predict(photo, area=AREA).values
        # Two orders of the same float32 sums, in four steps; the values reach 5.
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
    assert backend_of(compiled).is_compiled and len(said) == 1
    assert any(tmp_path.rglob("*.so")), "for the next run"
    backend_of(compiled).uncompile()
    np.testing.assert_array_equal(compiled.predict(photo, area=AREA).values, expected)


def test_what_cannot_be_compiled_runs_as_without(
    random_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_compiler(block: nn.Module) -> nn.Module:
        block = copy.deepcopy(block)
        block.register_forward_pre_hook(fail)
        return block

    def fail(*_: object) -> None:
        raise RuntimeError("InvalidCxxCompiler: no compiler\n\nmore")

    monkeypatch.setattr(torch, "compile", no_compiler)
    said: list[str] = []
    predictor = load(
        "ppd-tiny", checkpoint=random_checkpoint, device="cpu", compiled=True, announce=said.append
    )
    plain = load("ppd-tiny", checkpoint=random_checkpoint, device="cpu")
    for seed in range(2):
        found = predictor.predict(noisy_photo(seed), area=AREA).values
        expected = plain.predict(noisy_photo(seed), area=AREA).values
        np.testing.assert_array_equal(found, expected)
    assert not backend_of(predictor).is_compiled
    assert said[1:] == [
        "the model cannot be compiled here (InvalidCxxCompiler: no compiler); it runs uncompiled"
    ]
