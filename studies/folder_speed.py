"""Photos per second of a folder job, compared with the network alone.

``python -m studies.folder_speed`` writes mixed photos into a temporary folder. In one process it
runs the network alone on photos in memory, in another the whole job: reading, network, full size,
writing. The result is the job's speed relative to the network's; both runs are comparable only if
nothing else runs on the machine. The network's peak memory includes the photos in memory, which
the job never holds.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from ppdcli.scenes.primitives.series import make_samples

# The proportions of photos from phones and cameras, portrait and landscape.
SHAPES = ((4, 3), (3, 4), (3, 2), (2, 3), (16, 9), (1, 1))
QUALITY = 90
GRAIN = 3.0  # of 255; without grain a picture is read faster than a photo


def write_photos(folder: Path, count: int, megapixels: Sequence[float]) -> None:
    """Writes JPEGs of rendered scenes in all ``SHAPES`` and the given sizes."""
    kinds = [(shape, size) for shape in range(len(SHAPES)) for size in megapixels]
    files = [_photo(shape, size) for shape, size in kinds[:count]]
    for k in range(count):
        (folder / f"{k:05}.jpg").write_bytes(files[k % len(files)])


@cache
def _scene(number: int) -> Image.Image:
    return Image.fromarray(make_samples(1, 0, number, (240, 320), 1).rgb[0])


def _photo(shape: int, megapixels: float) -> bytes:
    across, down = SHAPES[shape]
    side = (megapixels * 1e6 / (across * down)) ** 0.5
    size = (round(side * across), round(side * down))
    smooth = np.asarray(_scene(1 + shape).resize(size, Image.Resampling.BICUBIC))
    grain = np.random.default_rng(shape).normal(0, GRAIN, (*smooth.shape[:2], 1))
    picture = np.clip(smooth + grain, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="JPEG", quality=QUALITY)
    return file.getvalue()


def network(folder: Path, arguments: argparse.Namespace) -> tuple[int, float, float]:
    """Returns photos, seconds and CPU seconds of the network alone, with the photos in memory."""
    from ppdcli.loading import load
    from ppdcli.photo import load_photo

    predictor = load(arguments.model, device=arguments.device)
    # Few enough to fit in memory, in the mixture of the folder.
    photos = [load_photo(path) for path in sorted(folder.iterdir())[: arguments.memory]]
    predictor.predict(photos[0])
    started, cpu = time.perf_counter(), time.process_time()
    for photo in photos:
        predictor.predict(photo)
    return len(photos), time.perf_counter() - started, time.process_time() - cpu


def job(folder: Path, arguments: argparse.Namespace) -> tuple[int, float, float]:
    """Returns photos, seconds and CPU seconds of ``ppd predict``, without loading the model."""
    from ppdcli.announce import silent
    from ppdcli.commands.predict import PredictRequest, PredictWork
    from ppdcli.files.choices import Choices
    from ppdcli.jobs.inputs import discover
    from ppdcli.jobs.order import Order
    from ppdcli.jobs.plan import Format, plan
    from ppdcli.jobs.run import run
    from ppdcli.loading import load
    from ppdcli.machine import shorten_thread_spinning
    from ppdcli.model_request import ModelRequest, Sampling

    shorten_thread_spinning()  # as in a job, before the model is loaded
    predictor = load(arguments.model, device=arguments.device)
    formats = [Format(name, f"_{name}.{suffix}") for name, suffix in arguments.formats]
    request = PredictRequest(
        ModelRequest(arguments.model, device=arguments.device),
        Sampling(),
        tuple(formats),
        overwrite=False,
        batch=arguments.batch,
        devices=(arguments.device,),
        announce=silent,
        full_size=not arguments.model_size,
        choices=Choices(),
    )
    work = PredictWork(predictor, request)
    with tempfile.TemporaryDirectory() as out:
        tasks = plan(discover([str(folder)]).inputs, formats, Path(out))
        predictor.predict(folder / "00000.jpg")
        started, cpu = time.perf_counter(), time.process_time()
        done = [result.status for result in run(tasks, Order(lambda: work, formats))]
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    if set(done) != {"done"}:
        raise SystemExit("not every photo was done")
    return len(done), seconds, cpu


MEASUREMENTS = {"network": network, "job": job}
SUFFIXES = {"npy": "npy", "png": "png", "preview": "png", "exr": "exr"}


def main() -> None:
    """Runs this script for each measurement and prints a table."""
    parser = argparse.ArgumentParser(description="Photos per second: the network alone, the job.")
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--megapixels", default="0.3,1,2,12", help="sizes, comma-separated")
    parser.add_argument("--memory", type=int, default=120, help="photos for the network alone")
    parser.add_argument("--model", default="ppd-tiny")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--model-size", action="store_true")
    parser.add_argument("--formats", default="png,preview")
    parser.add_argument("--measurement", choices=MEASUREMENTS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measurement is not None:
        arguments.formats = [(name, SUFFIXES[name]) for name in arguments.formats.split(",")]
        found = MEASUREMENTS[arguments.measurement](arguments.folder, arguments)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(json.dumps([*found, peak / 1e6]))
        return
    speeds = []
    print(f"{'':<8} {'photos':>7} {'seconds':>8} {'a second':>9} {'CPU s each':>11} {'peak GB':>8}")
    with tempfile.TemporaryDirectory() as folder:
        sizes = [float(size) for size in arguments.megapixels.split(",")]
        write_photos(Path(folder), arguments.photos, sizes)
        for name in MEASUREMENTS:
            command = [sys.executable, "-m", "studies.folder_speed", *sys.argv[1:]]
            command += ["--measurement", name, "--folder", folder]
            printed = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
            count, seconds, cpu, peak = json.loads(printed.splitlines()[-1])
            speeds.append(count / seconds)
            row = (
                f"{count:7d} {seconds:8.1f} {count / seconds:9.2f} {cpu / count:11.3f} {peak:8.2f}"
            )
            print(f"{name:<8} {row}", flush=True)
    print(f"the job runs at {speeds[1] / speeds[0]:.1%} of the network's speed")


if __name__ == "__main__":
    main()
