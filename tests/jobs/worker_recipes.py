"""Work that takes no model, as worker processes can be given it; and a job of it, to be killed.

``python worker_recipes.py IN OUT`` says by which process each photo was done, a line each.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ppdcli.depth import DepthMap
from ppdcli.errors import CheckpointError
from ppdcli.files import npy
from ppdcli.jobs.inputs import discover
from ppdcli.jobs.order import Order
from ppdcli.jobs.plan import Format, plan
from ppdcli.jobs.work import Job, Writable
from ppdcli.jobs.workers import run_in_workers
from ppdcli.photo import Photo

FORMATS = (Format("npy", "_depth.npy"),)


def _dismiss_at_the_end() -> None:
    """Lets the parent's SIGTERM arrive at the very end of this process."""
    leave = os._exit

    def dismissed(code: int) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        leave(code)

    os._exit = dismissed  # type: ignore[assignment]


@dataclass(frozen=True)
class Brightness:
    """Takes a photo's brightness for its depth.

    Attributes:
        seconds: that a photo takes.
        deadly: the process is killed by photos of this name, ``once`` or always.
        log: a file that tells how often the work was prepared.
        crew: so many processes must be in the log before a photo is done.
        broken: what preparing it comes to: an "error", a "bug", a process that is "killed", or one
            that is "dismissed" at its end.
    """

    seconds: float = 0.0
    deadly: str = ""
    once: bool = False
    log: Path | None = None
    crew: int = 0
    broken: str = ""

    def prepare(self) -> Brightness:
        if self.log is not None:
            with self.log.open("a") as stream:
                stream.write(f"{os.getpid()}\n")
        match self.broken:
            case "error":
                raise CheckpointError("weights: are damaged; pull them again")
            case "bug":
                raise UnicodeDecodeError("ascii", b"\xff", 0, 1, "of a library")
            case "dismissed":
                _dismiss_at_the_end()
                raise CheckpointError("weights: are damaged; pull them again")
            case "killed":
                os.kill(os.getpid(), signal.SIGKILL)
        return self

    def order(self, overwrite: bool = False) -> Order:
        return Order(self.prepare, FORMATS, overwrite, self.settings)

    def settings(self) -> dict[str, dict[str, object]]:
        return {f.name: {"kind": "brightness"} for f in FORMATS}

    def make_ahead(self, photo: Photo) -> None:
        pass

    def batch_key(self, photo: Photo) -> object:
        return photo.rgb.shape

    def batch_size(self, photo: Photo) -> int:
        return 4

    def examine(self, job: Job) -> None:
        job.notes.append("a line of all photos")

    def predict(self, photos: Sequence[Photo]) -> list[DepthMap]:
        while self.log is not None and len(self.log.read_text().splitlines()) < self.crew:
            time.sleep(0.01)
        for photo in photos:
            time.sleep(self.seconds)
            if self.deadly and Path(photo.name).name == self.deadly:
                mark = Path(photo.name).parent.parent / "mark"
                if not (self.once and mark.exists()):
                    mark.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
        return [DepthMap(p.rgb.mean(axis=-1, dtype=np.float32), "relative") for p in photos]

    def build(self, job: Job, context: None, depth: DepthMap, wanted: Sequence[str]) -> Writable:
        return Writable({"model": os.getpid()}, lambda name, path: npy.write(path, depth))


def main() -> None:
    source, output = sys.argv[1], Path(sys.argv[2])
    tasks = plan(discover([source], output).inputs, FORMATS, output)
    for result in run_in_workers(tasks, [Brightness(seconds=0.05).order()] * 2):
        print(result.facts["model"], flush=True)


if __name__ == "__main__":
    main()
