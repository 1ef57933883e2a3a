"""A disk that is full or read-only: the run ends with one line, and a rerun goes on."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import pytest
from PIL import Image

from ppdcli.errors import NoRoomError, OutputError
from ppdcli.files.atomic import atomic_path, not_written, quoted_errno
from ppdcli.jobs.inputs import Input
from ppdcli.jobs.order import Order
from ppdcli.jobs.plan import Format, plan
from ppdcli.jobs.run import run
from ppdcli.jobs.work import Job, Result, Writable
from ppdcli.photo import Photo

NPY = Format("npy", "_depth.npy")
PHOTOS = 40
FULL = [errno.ENOSPC, errno.EDQUOT, errno.EROFS]


@dataclass
class Disk:
    """Work whose files fit until there is no room.

    Attributes:
        room: how many files there is room for.
        error: the system's number for none.
    """

    room: int
    error: int
    written: int = 0
    tried: int = 0

    def make_ahead(self, photo: Photo) -> None:
        pass

    def batch_key(self, photo: Photo) -> object:
        return 0

    def batch_size(self, photo: Photo) -> int:
        return 1

    def examine(self, job: Job) -> None:
        pass

    def predict(self, photos: Sequence[Photo]) -> Sequence[Any]:
        return [None for _ in photos]

    def build(self, job: Job, context: None, depth: None, wanted: Sequence[str]) -> Writable:
        def write(name: str, path: Path) -> None:
            self.tried += 1
            with atomic_path(path) as temporary:
                temporary.write_text("half")
                if self.written >= self.room:
                    raise OSError(self.error, os.strerror(self.error))
                self.written += 1

        return Writable({"timings": {}}, write)


@pytest.fixture
def work_through(tmp_path: Path) -> Callable[[Disk], list[Result]]:
    """Runs over forty photos; what is done is told even if the run ends early."""
    photos = [tmp_path / f"{number:02d}.png" for number in range(PHOTOS)]
    for path in photos:
        Image.new("RGB", (2, 2)).save(path)
    inputs = [Input(path.name, path, PurePath(path.stem)) for path in photos]

    def work(disk: Disk) -> list[Result]:
        tasks = plan(inputs, [NPY], tmp_path / "out")
        return list(run(tasks, Order(lambda: disk, [NPY], False, lambda: {"npy": {"a": 1}})))

    return work


@pytest.mark.parametrize("error", FULL)
def test_the_run_ends_and_a_rerun_goes_on(
    work_through: Callable[[Disk], list[Result]], tmp_path: Path, error: int
) -> None:
    disk = Disk(4, error)
    with pytest.raises(NoRoomError, match="and nothing after it"):
        work_through(disk)
    assert disk.tried < PHOTOS / 2
    made = list((tmp_path / "out").glob("*_depth.npy"))
    assert len(made) == 4
    assert [
        p for p in (tmp_path / "out").iterdir() if p.name.startswith(".ppd-") and p.suffix == ".npy"
    ] == []
    status = [result.status for result in work_through(Disk(PHOTOS, error))]
    assert (status.count("skipped"), status.count("done")) == (4, PHOTOS - 4)


def test_one_file_that_cannot_be_written_stays_alone(
    work_through: Callable[[Disk], list[Result]],
) -> None:
    results = work_through(Disk(0, errno.EACCES))
    assert [result.status for result in results] == ["failed"] * PHOTOS


@pytest.mark.parametrize("error", FULL)
def test_a_library_that_only_quotes_the_system_is_understood(error: int) -> None:
    text = f'Failed to write pixel data to "x.exr". {os.strerror(error)}.'
    assert isinstance(not_written(Path("x"), OSError(quoted_errno(text), text)), NoRoomError)
    other = not_written(Path("x"), OSError(quoted_errno("bad header"), "bad header"))
    assert isinstance(other, OutputError) and not isinstance(other, NoRoomError)
