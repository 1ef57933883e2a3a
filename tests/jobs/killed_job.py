"""A folder job to be killed, with work that takes no model: ``killed_job.py IN OUT [FACTOR]``.

FACTOR, a setting, is what depth is multiplied by. It says "ready" before it starts, and what became
of each input, as JSON lines.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ppdcli.depth import DepthMap
from ppdcli.files import npy, preview
from ppdcli.jobs.inputs import discover
from ppdcli.jobs.order import Order
from ppdcli.jobs.plan import Format, plan
from ppdcli.jobs.run import run
from ppdcli.jobs.work import Job, Writable
from ppdcli.photo import Photo

FORMATS = (Format("npy", "_depth.npy"), Format("preview", "_preview.png"))


@dataclass(frozen=True)
class Brightness:
    """Takes a photo's brightness, times a factor, for its depth."""

    factor: int

    def make_ahead(self, photo: Photo) -> None:
        pass

    def batch_key(self, photo: Photo) -> object:
        return photo.rgb.shape

    def batch_size(self, photo: Photo) -> int:
        return 4

    def examine(self, job: Job) -> None:
        pass

    def predict(self, photos: Sequence[Photo]) -> list[DepthMap]:
        return [
            DepthMap(self.factor * p.rgb.mean(axis=-1, dtype=np.float32), "relative")
            for p in photos
        ]

    def build(self, job: Job, context: None, depth: DepthMap, wanted: Sequence[str]) -> Writable:
        def write(name: str, path: Path) -> None:
            npy.write(path, depth) if name == "npy" else preview.write(path, depth)

        return Writable({}, write)


def main() -> None:
    source, output, work = sys.argv[1], Path(sys.argv[2]), Brightness(int([*sys.argv, 1][3]))
    tasks = plan(discover([source], output).inputs, FORMATS, output)
    print("ready", flush=True)
    settings = {f.name: {"factor": work.factor} for f in FORMATS}
    for result in run(
        tasks, Order(lambda: work, FORMATS, overwrite=False, settings=lambda: settings)
    ):
        print(json.dumps([result.name, result.status, result.notes, result.made_again]), flush=True)


if __name__ == "__main__":
    main()
