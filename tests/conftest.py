"""What all tests share: a small random model, pictures, and the record of the goldens."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

# Small tensors gain nothing from threads that wait for each other, and beside other programs they
# make the suite many times slower. The suite passes with any number; the processes inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
if not Path("/dev/nvidiactl").exists():  # a card must run its kernels compiled
    os.environ.setdefault("TRITON_INTERPRET", "1")  # Triton reads it when it is imported

import torch
from networks import small_encoder
from parity import ParityRecord
from PIL import Image

from ppdcli.evaluation.report import write
from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.config import CasDiTConfig
from ppdcli.training.export import export

RECORD = pytest.StashKey[ParityRecord]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--parity-table",
        action="store_true",
        help="print how close the goldens were met: per file and quantity, the worst difference",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--parity-table") and config.getoption("numprocesses", None):
        raise pytest.UsageError("--parity-table needs -n 0: the record is that of one process")
    config.stash[RECORD] = ParityRecord()
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # Of a job in the background, which the programs that are tested would inherit.
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def parity(pytestconfig: pytest.Config) -> ParityRecord:
    """Compares with goldens and remembers the differences for the table."""
    return pytestconfig.stash[RECORD]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if config.getoption("--parity-table"):
        terminalreporter.section("parity")
        for line in config.stash[RECORD].table():
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def random_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of ppd-tiny's layout with a few thousand random weights: quick, and no constant."""
    torch.manual_seed(0)
    encoder = small_encoder()
    sizes = {"hidden_size": 32, "depth": 2, "num_heads": 2, "fine_embedding": True, "patch_size": 4}
    semantics = encoder.config.semantics_dim
    network = CasDiT(CasDiTConfig(**sizes, semantics_dim=semantics, predicts="x0"))
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    path = tmp_path_factory.mktemp("checkpoint") / "random.safetensors"
    export(path, network, encoder, {"note": "random weights for tests"})
    return path


@pytest.fixture
def plain_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small picture in place of each chart of a report: to draw those takes seconds."""
    stream = io.BytesIO()
    Image.new("RGB", (4, 4)).save(stream, format="PNG")
    for chart in ("scores_chart", "profile_chart"):
        # Without profiles there is no chart of them.
        monkeypatch.setattr(write, chart, lambda shown, _: stream.getvalue() if shown else None)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A 60 x 40 JPEG with a gradient and a hard edge."""
    y, x = np.mgrid[0:40, 0:60]
    rgb = np.stack((x * 4, y * 6, np.where(x > 30, 200, 40)), axis=-1).astype(np.uint8)
    path = tmp_path / "photo.jpg"
    Image.fromarray(rgb).save(path, quality=95)
    return path


@pytest.fixture
def full_disk() -> Iterator[Callable[[int], None]]:
    """``full_disk(n)``: no file of this process can grow beyond n bytes; -1 lifts it."""
    import resource  # not on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def limit(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft if size < 0 else size, hard))

    yield limit
    limit(-1)
    signal.signal(signal.SIGXFSZ, handler)
