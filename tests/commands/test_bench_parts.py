"""The parts of the benchmark: repetition, arithmetic, and how numbers are said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from ppdcli.backends.pytorch import PyTorchBackend
from ppdcli.commands import bench, bench_arithmetic, bench_folder
from ppdcli.commands.bench_table import in_time, scaled
from ppdcli.errors import PpdError
from ppdcli.loading import load
from ppdcli.model_request import Sampling
from ppdcli.models import attention
from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.config import CasDiTConfig
from ppdcli.models.pixel_perfect import PixelPerfectDepth


def flop_of_a_step(config: CasDiTConfig, height: int, width: int) -> int:
    """A multiplication and an addition are two; nothing but matrices is counted."""
    d, patch = config.hidden_size, config.patch_size
    coarse = height * width // (2 * patch) ** 2
    total = 2 * coarse * config.in_channels * (2 * patch) ** 2 * d
    for tokens in (coarse, 4 * coarse):
        matrices = (3 + 1 + 2 * config.mlp_ratio) * d * d
        block = 2 * tokens * matrices + 4 * tokens * tokens * d + 2 * 6 * d * d
        total += config.depth // 2 * int(block)
    total += 2 * (256 * d + d * d)
    total += 2 * coarse * 4 * d * (d + config.semantics_dim + 4 * d + 4 * d)
    return total + 2 * (4 * coarse * d * patch * patch + 2 * d * d)


class Encoder(torch.nn.Module):
    """One token per 16 x 16 pixels, by one convolution."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.convolution = torch.nn.Conv2d(3, dim, 16, stride=16)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.convolution(image).flatten(2).mT


@contextmanager
def by_blocks() -> Iterator[None]:
    """Has ``attend`` multiply block by block, as it does on some processors in bfloat16."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attention, "gains_by_blocks", lambda *_: True)
        yield


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(
    "kernel",
    [
        nullcontext,
        lambda: sdpa_kernel(SDPBackend.MATH),
        lambda: sdpa_kernel(SDPBackend.FLASH_ATTENTION),
        by_blocks,
    ],
    ids=["chosen by PyTorch", "math", "flash", "by blocks"],
)
def test_the_arithmetic_is_that_of_the_formula(
    kernel: Callable[[], AbstractContextManager[None]], precision: str
) -> None:
    config = CasDiTConfig(hidden_size=64, depth=4, num_heads=4, semantics_dim=8)
    model = PixelPerfectDepth(CasDiT(config), Encoder(8)).eval()
    backend = PyTorchBackend(model, torch.device("cpu"), precision)  # type: ignore[arg-type]
    with kernel():
        encoder, step = bench_arithmetic.arithmetic(backend.model, 64, 96)
    assert encoder == 2 * (64 * 96 // 256) * 8 * 3 * 256
    assert step == flop_of_a_step(config, 64, 96)


def test_a_step_of_the_released_model() -> None:
    assert flop_of_a_step(CasDiTConfig(), 768, 1024) == pytest.approx(12.8e12, rel=0.01)


def test_repetition_ends_when_its_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []

    def action() -> int:
        done.append(len(done))
        return done[-1]

    result, seconds = bench_arithmetic.repeated(action, 3)
    assert (result, len(seconds), done) == (2, 3, [0, 1, 2])
    monkeypatch.setattr(bench_arithmetic, "BUDGET", 0.0)
    assert len(bench_arithmetic.repeated(action, 3)[1]) == 1


def test_a_start_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "IMPORTS", "import no_such_module")
    with pytest.raises(PpdError, match=r"No module named 'no_such_module'\); install it again"):
        bench.start_up()


@pytest.mark.parametrize(
    ("seconds", "photos"), [(0.01, 32), (1.0, 20), (5.0, 4), (5.1, None), (300, None)]
)
def test_a_folder_has_as_many_photos_as_there_is_time_for(
    seconds: float, photos: int | None
) -> None:
    assert bench_folder.folder_size(seconds) == photos


def test_a_photo_of_the_folder_that_fails_ends_the_measurement(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"no photo")
    predictor = load("ppd-tiny", device="cpu")
    depth = np.zeros((4, 4), np.float32)
    with pytest.raises(PpdError, match=r"000\.jpg"):
        bench_folder.time_folder(
            predictor, tmp_path / "photo.jpg", Sampling(), 1, None, depth, tmp_path
        )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (123.4, "123 s"),
        (9.996, "10.0 s"),
        (0.9996, "1.00 s"),
        (0.0123, "12.3 ms"),
        (4.56e-6, "4.56 us"),
        (1e-9, "0.00 us"),
    ],
)
def test_times_have_three_digits(seconds: float, text: str) -> None:
    assert in_time(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"), [(12.8e12, "12.8 T"), (999.9e9, "1.00 T"), (5, "5.00 ")]
)
def test_rates_have_a_prefix(number: float, text: str) -> None:
    assert scaled(number) == text
