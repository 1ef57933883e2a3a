"""The training loop: every part learns in its phases, nothing is lost when it is stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
import torch
from networks import small_encoder

from ppdcli.errors import NoRoomError, PpdError, UsageError
from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.config import CasDiTConfig
from ppdcli.models.pyramid_encoder import PyramidEncoder
from ppdcli.processes import StopRequest
from ppdcli.training import loop
from ppdcli.training import state as states
from ppdcli.training.clock import Clock
from ppdcli.training.loop import Standing, Trainer
from ppdcli.training.pool import ScenePool
from ppdcli.training.recipe import PARTS, Phase, Rate, Recipe
from ppdcli.training.shards import SHAPES, SUFFIX, encode_depth
from ppdcli.training.state import TrainingState

CPU = torch.device("cpu")
AREA = (32 * 32,)


def phase(share: float, *trains: str, batch: int = 4) -> Phase:
    return Phase(share, trains, batch, 2 * batch, AREA, gradient_weight=0.2)


PHASES = (
    phase(0.25, "pyramid"),
    phase(0.25, "pyramid", "backbone"),
    phase(0.5, "diffusion", batch=2),
)


def recipe(phases: tuple[Phase, ...] = PHASES) -> Recipe:
    return Recipe(
        seed=3,
        minutes=1,
        phases=phases,
        rates={part: Rate(3e-3, warmup=2, ema=0.9) for part in PARTS},
        scenes={"primitives": 1.0},
    )


def networks() -> tuple[PyramidEncoder, CasDiT]:
    torch.manual_seed(0)
    encoder = small_encoder()
    sizes = {"hidden_size": 32, "depth": 2, "num_heads": 2, "patch_size": 4, "predicts": "x0"}
    return encoder, CasDiT(CasDiTConfig(**sizes, semantics_dim=encoder.config.semantics_dim))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shard of pictures whose brightness is their depth."""
    folder = tmp_path_factory.mktemp("scenes")
    rng = np.random.default_rng(0)
    height, width = SHAPES[0]
    blocks = rng.integers(20, 250, (32, height // 16, width // 16))
    grey = np.kron(blocks, np.ones((16, 16))).astype(np.uint8)
    code = encode_depth(grey / 8)
    planes = [grey, grey, grey, code & 255, code >> 8]
    np.save(folder / f"000000{SUFFIX}", np.stack(planes, -1).astype(np.uint8))
    return folder


class Watcher:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.standings: list[Standing] = []
        self.checks: list[bool] = []
        self.kept = 0

    def report(self, standing: Standing) -> None:
        self.standings.append(standing)

    def check(self, encoder: PyramidEncoder, network: CasDiT | None) -> None:
        assert not encoder.training and (network is None or not network.training)
        self.checks.append(network is not None)

    def keep(self, encoder: PyramidEncoder, network: CasDiT) -> None:
        self.kept += 1


class Training:
    """A training in which every tick of the clock is a second."""

    def __init__(
        self, scenes: Path, file: Path, seconds: int = 16, made: Recipe | None = None
    ) -> None:
        self.made = made or recipe()
        self.state = TrainingState(*networks(), self.made.rates, CPU)
        if file.exists():
            self.state.load(file)
        self.file, self.watcher, self.stop = file, Watcher(), StopRequest()
        self.lines: list[str] = []
        rng = np.random.default_rng(0)
        self.pool = ScenePool(scenes, CPU, 1, rng, self.lines.append, most=1000)
        self.pool.feed(8)
        self._seconds = 0.0
        self.clock = Clock(seconds, self.state.used, self._now)

    def _now(self) -> float:
        self._seconds += 0.5  # ticks and skips both ask; between two ticks at least one second
        return self._seconds

    def run(self) -> Training:
        Trainer(
            self.made, self.state, self.pool, self.clock, self.file, self.watcher, self.stop,
            self.lines.append,
        ).run()  # fmt: skip
        return self


@pytest.fixture(autouse=True)
def report_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "REPORT_EVERY", 0.0)


def weights(module: torch.nn.Module, prefix: str = "") -> dict[str, torch.Tensor]:
    return {k: v.clone() for k, v in module.named_parameters() if k.startswith(prefix)}


def test_every_part_learns_in_its_own_phases(scenes: Path, tmp_path: Path) -> None:
    training = Training(scenes, tmp_path / "state.ckpt")
    before = weights(training.state.encoder), weights(training.state.network)
    training.run()
    state = training.state
    assert all(state.steps[part] > 2 for part in PARTS)
    assert state.samples["pyramid"] == 4 * state.steps["pyramid"]
    assert state.samples["diffusion"] == 2 * state.steps["diffusion"]
    assert state.steps["backbone"] < state.steps["pyramid"]
    for old, module in zip(before, (state.encoder, state.network), strict=True):
        now = weights(module)
        assert any(not torch.equal(old[k], now[k]) for k in old)
    shown = [s.trains for s in training.watcher.standings]
    assert sorted(set(shown), key=shown.index) == [p.trains for p in PHASES]
    assert training.clock.share == 1 and training.watcher.standings[-1].phase == 3


@pytest.mark.parametrize(
    ("trains", "moves"),
    [
        (("pyramid",), {"pyramid"}),
        (("pyramid", "backbone"), {"pyramid", "backbone"}),
        (("diffusion",), {"diffusion"}),
    ],
)
def test_only_what_a_phase_names_moves(
    trains: tuple[str, ...], moves: set[str], scenes: Path, tmp_path: Path
) -> None:
    training = Training(scenes, tmp_path / "s.ckpt", 6, recipe((phase(1.0, *trains),)))
    state = training.state
    before = {part: [p.clone() for p in state.parameters(part)] for part in PARTS}
    training.run()
    moved = {
        part
        for part in PARTS
        if any(
            not torch.equal(a, b) for a, b in zip(before[part], state.parameters(part), strict=True)
        )
    }
    assert moved == moves


def test_the_result_is_the_average(scenes: Path, tmp_path: Path) -> None:
    state = Training(scenes, tmp_path / "state.ckpt").run().state
    for average, network in (
        (state.average_encoder.network, state.encoder),
        (state.average_network.network, state.network),
    ):
        assert not average.training and not any(p.requires_grad for p in average.parameters())
        pairs = zip(average.parameters(), network.parameters(), strict=True)
        gaps = [(a - b).abs().max().item() for a, b in pairs]
        assert 0 < max(gaps) < 0.2


def test_the_loss_falls(scenes: Path, tmp_path: Path) -> None:
    made = recipe((phase(1.0, "pyramid", "backbone"),))
    standings = Training(scenes, tmp_path / "s.ckpt", 40, made).run().watcher.standings
    losses = [s.loss for s in standings]
    assert np.mean(losses[-8:]) < 0.8 * np.mean(losses[:4])


def test_a_stopped_training_resumes_where_it_was(scenes: Path, tmp_path: Path) -> None:
    first = Training(scenes, tmp_path / "state.ckpt")
    first.watcher.report = lambda standing: setattr(  # type: ignore[method-assign]
        first.stop, "requested", standing.share > 0.3
    )
    first.run()
    assert 0.3 < first.clock.share < 0.6 and first.state.steps["diffusion"] == 0
    second = Training(scenes, tmp_path / "state.ckpt")
    assert second.state.used == first.clock.used and second.state.steps == first.state.steps
    for old, new in zip(
        first.state.average_encoder.network.parameters(),
        second.state.average_encoder.network.parameters(),
        strict=True,
    ):
        assert torch.equal(old, new)
    second.run()
    assert second.clock.share == 1 and second.state.steps["diffusion"] > 2
    # Nothing is left to do a third time, and nothing moves.
    third = Training(scenes, tmp_path / "state.ckpt").run()
    assert third.state.steps == second.state.steps


def test_what_was_learned_is_saved_also_when_a_step_fails(scenes: Path, tmp_path: Path) -> None:
    training = Training(scenes, tmp_path / "state.ckpt")

    def fail(standing: Standing) -> None:
        if standing.share > 0.3:
            raise KeyboardInterrupt

    training.watcher.report = fail  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        training.run()
    assert Training(scenes, tmp_path / "state.ckpt").state.used > 0.3 * 16


def test_a_model_is_kept_once_the_transformer_has_learned(scenes: Path, tmp_path: Path) -> None:
    watcher = Training(scenes, tmp_path / "state.ckpt").run().watcher
    assert watcher.kept == 1  # at the end; saves in between are two minutes apart
    assert watcher.checks == [False, False, True]
    only_encoder = recipe((phase(1.0, "pyramid"),))
    watcher = Training(scenes, tmp_path / "other.ckpt", 6, only_encoder).run().watcher
    assert watcher.kept == 0


def test_short_memory_halves_the_batch(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole: Callable[..., torch.Tensor] = loop.encoder_loss

    def limited(encoder: PyramidEncoder, image: torch.Tensor, *rest: object) -> torch.Tensor:
        if len(image) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return whole(encoder, image, *rest)

    monkeypatch.setattr(loop, "encoder_loss", limited)
    made = recipe((phase(1.0, "pyramid", batch=8),))
    training = Training(scenes, tmp_path / "s.ckpt", 6, made).run()
    assert training.lines == [
        "memory is short: batches of 4 from now on",
        "memory is short: batches of 2 from now on",
    ]
    assert training.state.samples["pyramid"] == 2 * training.state.steps["pyramid"] > 0


def test_a_loss_that_is_no_number_ends_it(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        loop,
        "encoder_loss",
        lambda encoder, *_: next(encoder.parameters()).sum() * float("nan"),
    )
    with pytest.raises(PpdError, match="diverged"):
        Training(scenes, tmp_path / "s.ckpt", 6, recipe((phase(1.0, "pyramid", "backbone"),))).run()


# State -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 cut", None])
def test_a_damaged_state_is_named(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "training.ckpt"
    if content is None:
        torch.save([1, 2], path)
    else:
        path.write_bytes(content)
    state = TrainingState(*networks(), recipe().rates, CPU)
    with pytest.raises(UsageError, match=r"training\.ckpt: not a training state"):
        state.load(path)


@pytest.mark.parametrize(
    "change", [{"used": "long"}, {"steps": 3}, {"encoder": {}}, {"samples": {}}]
)
def test_a_state_of_something_else_is_named(change: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "training.ckpt"
    state = TrainingState(*networks(), recipe().rates, CPU)
    state.save(path)
    torch.save({**torch.load(path, weights_only=True), **change}, path)
    with pytest.raises(UsageError, match=r"training\.ckpt: belongs to networks of other sizes"):
        state.load(path)


def test_a_full_disk_is_one_line_and_keeps_the_state_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "training.ckpt"
    state = TrainingState(*networks(), recipe().rates, CPU)
    state.save(path)
    before = path.read_bytes()

    def full(content: object, file: BinaryIO) -> None:
        file.write(b"half")
        try:
            raise OSError(28, "No space left on device")
        finally:
            raise RuntimeError("unexpected pos 64 vs 0")  # what PyTorch's writer makes of it

    monkeypatch.setattr(states.torch, "save", full)
    with pytest.raises(NoRoomError, match=r"training\.ckpt: cannot be written \(No space"):
        state.save(path)
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == [path.name]
