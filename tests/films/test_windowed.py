"""The authors' video model on films: windows, stitching, resume. Networks are tiny."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from films.window_samples import Recorder, brightness, model_of
from parity import ParityRecord
from torch import Tensor
from video_parity import (
    TINY_DIT_OF_PI3,
    TINY_PI3,
    VideoGolden,
    frames,
    pi3,
    planes,
    video_network,
    windows_of,
)

from ppdcli.backends.pytorch import PyTorchBackend
from ppdcli.errors import PpdError
from ppdcli.films.window_choices import WindowChoices
from ppdcli.films.windowed import Array, WindowDepth, WindowedDepth, WindowSettings, bilinear
from ppdcli.models.config import VideoDiTConfig
from ppdcli.models.flow import euler_step, timesteps
from ppdcli.models.pi3 import Pi3Config
from ppdcli.models.pixel_perfect import PixelPerfectDepth

CPU = torch.device("cpu")
SLOTS = [0, 1, 2, 3, 8, 15]  # that the goldens keep of a window


@pytest.fixture(scope="module")
def tiny() -> PixelPerfectDepth:
    network = video_network("ppvd_tiny_sem128", TINY_DIT_OF_PI3)
    return PixelPerfectDepth(network, pi3("pi3_tiny", TINY_PI3)).eval()


class GivenNoise(PyTorchBackend):
    """Starts from noise that a golden states."""

    def __init__(self, model: PixelPerfectDepth, noise: np.ndarray) -> None:
        super().__init__(model, CPU, "fp32")
        self.given = noise

    def noise(self, height: int, width: int, seed: int) -> Array:
        assert self.given.size == height * width
        return self.given.reshape(1, 1, height, width)


def shots(film: Sequence[np.ndarray]) -> Iterator[Sequence[np.ndarray]]:
    """The new frames of each window."""
    yield film[:16]
    for first in range(16, len(film), 13):
        yield film[first : first + 13]


def depth_of(model: WindowedDepth, film: np.ndarray) -> np.ndarray:
    """(frames, h, w)"""
    maps: list[np.ndarray] = []
    state = model.start()
    for new in shots(film):
        computed = next_depth(model, new, state)
        maps += list(computed.values)
        state = computed.state
    return np.stack(maps)


def next_depth(
    model: WindowedDepth, new: Sequence[np.ndarray], state: Mapping[str, np.ndarray]
) -> WindowDepth:
    height, width = new[0].shape[:2]
    return model.depths([model.picture(frame) for frame in new], (height, width), state)


# Parity ------------------------------------------------------------------------------------------


def check_sampler(
    golden: VideoGolden,
    model: PixelPerfectDepth,
    case: str,
    key: str,
    steps: int,
    parity: ParityRecord,
) -> Tensor:
    """Compares the windows of a film with a golden; returns the semantics tokens of the first."""
    film, noise = planes(golden[f"in.frames{case}"]), golden.tensor(f"in.noise{case}")
    backend = PyTorchBackend(model, CPU, "fp32")
    plan = windows_of(len(golden[f"out.{key}depth"]))
    tokens = [backend.encode([film[seen].numpy()], [film[seen].numpy()])[0] for seen in plan]
    depths = [
        backend.sample([film[seen].numpy()], [of_window], noise.numpy(), steps)[0][SLOTS]
        for seen, of_window in zip(plan, tokens, strict=True)
    ]
    golden.check(parity, f"out.{key}depth", np.stack(depths), "depth")
    x, times = torch.cat((noise, film[plan[0]] - 0.5), dim=1), timesteps(steps)
    with torch.no_grad():
        velocity = model.network(x, tokens[0], torch.tensor(times[:1]))
    latent = euler_step(noise, velocity, times[0], [*times, 0][1])
    for name, value in (("velocity", velocity), ("latent", latent)):
        golden.check(parity, f"out.{key}{name}_first", value[[0, 3, 15]], f"first {name}")
    return tokens[0]


@pytest.mark.parametrize(("case", "steps"), [("a", 1), ("a", 4), ("b", 4)])
def test_video_sampler_parity(
    tiny: PixelPerfectDepth, case: str, steps: int, parity: ParityRecord
) -> None:
    key = f"{case}_steps{steps}."
    check_sampler(VideoGolden("sampler_tiny"), tiny, f"_{case}", key, steps, parity)


@pytest.mark.slow
def test_full_video_sampler_parity(parity: ParityRecord) -> None:
    golden = VideoGolden("sampler_full")
    network = video_network("ppvd", VideoDiTConfig())
    model = PixelPerfectDepth(network, pi3("pi3_used", Pi3Config())).eval()
    tokens = check_sampler(golden, model, "", "", 4, parity)
    golden.check(parity, "out.semantics", tokens[:, ::5, ::4], "semantics")


def settings_of(size: tuple[int, int], steps: int, swapped: bool) -> WindowSettings:
    return WindowSettings(size, steps, choices=WindowChoices(True, swapped))


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(("case", "steps"), [("a", 4), ("b", 2)])
def test_end_to_end_parity(
    tiny: PixelPerfectDepth, case: str, steps: int, swapped: bool, parity: ParityRecord
) -> None:
    """20 frames make two windows; 5 make one, padded."""
    golden = VideoGolden("e2e_small")
    backend = GivenNoise(tiny, golden[f"in.noise_{case}"])
    model = WindowedDepth(backend, "ppvd", settings_of((64, 96), steps, swapped))
    depth = depth_of(model, golden[f"in.frames_{case}"])
    if swapped:
        key, kept = f"out.{case}.depth_channels_swapped", depth[:, ::2, ::2]
    else:
        key, kept = f"out.{case}.depth_rgb", depth
        levels = ((depth - depth.min()) / np.ptp(depth) * 255).astype(np.uint8)[:, ::2, ::2]
        apart = np.abs(levels.astype(int) - golden[f"out.{case}.vis_index_u8"].astype(int))
        assert apart.max() <= 1, "the levels of the preview, of one range for all frames"
    golden.check(parity, key, kept, "depth")


@pytest.mark.slow
@pytest.mark.parametrize("swapped", [False, True])
def test_native_end_to_end_parity(
    tiny: PixelPerfectDepth, swapped: bool, parity: ParityRecord
) -> None:
    golden = VideoGolden("e2e_native")
    backend = GivenNoise(tiny, golden["in.noise"])
    model = WindowedDepth(backend, "ppvd", settings_of((512, 512), 1, swapped))
    key = "out.depth_channels_swapped" if swapped else "out.depth_rgb"
    golden.check(parity, key, depth_of(model, golden["in.frames"]), "depth")


@pytest.mark.parametrize("case", ["small", "wide"])
def test_resize_parity(case: str, parity: ParityRecord) -> None:
    golden = VideoGolden("resize")
    (picture,) = golden[f"in.{case}"]
    there = bilinear((picture / 255.0).astype(np.float32), 512, 512)
    kept = there.transpose(2, 0, 1)[None, :, ::8, ::8]
    golden.check(parity, f"out.{case}.to512_every8", kept, "bilinear resize")
    back = bilinear(np.ascontiguousarray(there[..., 0]), *picture.shape[:2])
    golden.check(parity, f"out.{case}.back_every4", back[None, None, ::4, ::4], "bilinear resize")


# Windows and states ------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, 29, 30, 42, 50])
@pytest.mark.parametrize("size", [(33, 47), (21, 90)])
def test_a_film_of_any_length_and_size_has_a_map_of_every_frame(
    length: int, size: tuple[int, int]
) -> None:
    film = frames(length, *size, 3)
    recorder = Recorder()
    depth = depth_of(model_of(recorder), film)
    assert depth.dtype == np.float32
    np.testing.assert_allclose(depth, brightness(film), atol=1e-5)
    assert {window.shape for window in recorder.windows} == {(16, 3, 32, 48)}
    enlarged = depth_of(model_of(Recorder(), exact=True), film)
    assert enlarged.shape == (length, *size)


def test_windows_in_units_of_their_own_are_joined() -> None:
    film = frames(42, 33, 47, 3)
    units = [(1.0, 0.0), (0.7, 0.2), (1.6, -0.3)]
    recorder = Recorder(lambda number, depth: units[number][0] * depth + units[number][1])
    depth = depth_of(model_of(recorder), film)
    np.testing.assert_allclose(depth, brightness(film), atol=1e-5)


def test_each_window_sees_the_key_frames_and_the_same_noise() -> None:
    film = frames(42, 33, 47, 3)
    recorder = Recorder()
    depth_of(model_of(recorder), film)
    seen = [recorder.windows[0][slot] for slot in range(16)]
    for window, numbers in zip(recorder.windows, windows_of(3), strict=True):
        expected = planes(film[numbers]).numpy()
        for slot in range(16):
            resized = bilinear(np.ascontiguousarray(expected[slot].transpose(1, 2, 0)), 32, 48)
            np.testing.assert_allclose(window[slot], resized.transpose(2, 0, 1), atol=1e-6)
    assert len(seen) == 16
    assert recorder.noises[0].shape == (16, 1, 32, 48)
    assert all((noise == recorder.noises[0]).all() for noise in recorder.noises)
    assert recorder.noises[0].std() == pytest.approx(1, abs=0.02)


def test_a_film_that_is_resumed_has_the_same_bytes(tiny: PixelPerfectDepth, tmp_path: Path) -> None:
    """After a kill, another program reads the state of the last whole window."""
    film = frames(40, 24, 36, 5)
    settings = WindowSettings((32, 48), steps=1, seed=3)
    whole = depth_of(WindowedDepth(PyTorchBackend(tiny, CPU, "fp32"), "ppvd", settings), film)
    parts: list[np.ndarray] = []
    path = tmp_path / "state.npz"
    for number, new in enumerate(shots(film)):
        model = WindowedDepth(PyTorchBackend(tiny, CPU, "fp32"), "ppvd", settings)
        state = model.start()
        if number:
            with np.load(path) as stored:
                state = dict(stored)
        computed = next_depth(model, new, state)
        np.savez(path, **computed.state)
        parts += list(computed.values)
    assert np.stack(parts).tobytes() == whole.tobytes()


def test_a_state_does_not_grow_and_is_not_changed() -> None:
    model, film = model_of(Recorder()), frames(55, 33, 47, 3)
    state, sizes = model.start(), []
    for new in shots(film):
        before = {key: value.copy() for key, value in state.items()}
        following = next_depth(model, new, state).state
        assert all((state[key] == before[key]).all() for key in before)
        state = following
        sizes.append(sum(value.nbytes for value in state.values()))
    assert set(sizes) == {sizes[0]}
    assert state["pictures"].shape == (3, 3, 32, 48)
    assert state["maps"].shape == (3, 32, 48)


def test_a_window_that_fits_nothing_begins_a_unit_of_its_own() -> None:
    film = frames(42, 33, 47, 3)
    recorder = Recorder(lambda number, depth: 1 - depth if number else depth)
    model = model_of(recorder)
    expected = brightness(film)
    expected[16:] = 1 - expected[16:]
    np.testing.assert_allclose(depth_of(model, film), expected, atol=1e-5)
    recorder.windows.clear()
    first = next_depth(model, film[:16], model.start())
    second = next_depth(model, film[16:29], first.state)
    third = next_depth(model, film[29:], second.state)
    assert [w.fit.method for w in (first, second, third)] == [
        "least squares",
        "none",
        "least squares",
    ]
    np.testing.assert_allclose(second.state["maps"][0], 1 - brightness(film[:1])[0], atol=1e-5)


def test_a_scene_cut_starts_anew() -> None:
    recorder = Recorder()
    model, film = model_of(recorder), frames(20, 33, 47, 3)
    state = next_depth(model, film[:9], model.start()).state
    depth = next_depth(model, film[9:], model.start()).values
    np.testing.assert_allclose(depth, brightness(film)[9:], atol=1e-5)
    assert not np.array_equal(recorder.windows[1][0], state["pictures"][0])


def test_a_constant_film_has_one_level() -> None:
    film = np.full((30, 20, 30, 3), 90, np.uint8)
    depth = depth_of(model_of(Recorder(lambda number, d: d + number / 10)), film)
    np.testing.assert_allclose(depth, 90 / 255, atol=1e-5)


def test_steps_are_reported() -> None:
    done: list[int] = []
    model = model_of(Recorder())
    pictures = [model.picture(frame) for frame in frames(16, 33, 47, 3)]
    model.depths(pictures, (33, 47), model.start(), done.append)
    assert done == [2]


def test_files_say_how_a_film_was_computed() -> None:
    usual = {"model": "ppvd", "seed": "7", "steps": "2", "size": "48x32"}
    assert model_of(Recorder()).facts == usual
    assert model_of(Recorder(), exact=True).facts == usual | {"stitching": "exact"}


def test_what_lacks_memory_says_so() -> None:
    def refuse(number: int, depth: Array) -> Array:
        raise MemoryError

    with pytest.raises(PpdError, match="out of memory on cpu with ppvd's window of 16 frames"):
        depth_of(model_of(Recorder(refuse)), frames(16, 33, 47, 3))


def test_numbers_of_frames_that_are_no_window_are_refused() -> None:
    model, film = model_of(Recorder()), frames(17, 33, 47, 3)
    with pytest.raises(ValueError, match="0 key frames and 17 new ones"):
        next_depth(model, film, model.start())
    state = next_depth(model, film[:16], model.start()).state
    assert (model.room(model.start()), model.room(state)) == (16, 13)
    with pytest.raises(ValueError, match="3 key frames and 0 new ones"):
        model.depths([], (33, 47), state)
