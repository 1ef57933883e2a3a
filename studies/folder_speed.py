"""A folder's photos a second, beside what the network alone manages.

``python -m studies.folder_speed`` writes mixed photos into a temporary folder and, in a
process each, first gives the network the photos that were read before, then runs the whole job:
reading, network, full size, writing. The network's share of the whole is what the pipeline is
measured by; both runs see the same machine only if nothing else runs on it. The network's peak of
memory is that of the photos it is given, which the job never holds.
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

# Of phones and cameras, turned and upright, in the proportions that occur.
SHAPES = ((4, 3), (3, 4), (3, 2), (2, 3), (16, 9), (1, 1))
QUALITY = 90
GRAIN = 3.0  # of 255: without it a picture is read faster than a photo


def write_photos(folder: Path, count: int, megapixels: Sequence[float]) -> None:
    """JPEGs of rendered scenes in ``SHAPES``, of about as many pixels, one size after the other."""
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
    """Photos, seconds and CPU seconds of the network alone, with the photos in memory."""
    from ppdcli.loading import load
    from ppdcli.photo import load_photo

    predictor = load(arguments.model, device=arguments.device)
    # So few that they fit, in the folder's mixture.
    photos = [load_photo(path) for path in sorted(folder.iterdir())[: arguments.memory]]
    predictor.predict(photos[0])
    started, cpu = time.perf_counter(), time.process_time()
    for photo in photos:
        predictor.predict(photo)
    return len(photos), time.perf_counter() - started, time.process_time() - cpu


def job(folder: Path, arguments: argparse.Namespace) -> tuple[int, float, float]:
    """Photos, seconds and CPU seconds of ``ppd predict``, without the loading of the model."""
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

    shorten_thread_spinning()  # as in a job, where the model is loaded after it
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
        keep_sky=False,
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


WAYS = {"network": network, "job": job}
SUFFIXES = {"npy": "npy", "png": "png", "preview": "png", "exr": "exr"}


def main() -> None:
    """Runs itself for each way and prints a table."""
    parser = argparse.ArgumentParser(description="Photos a second: the network alone, the job.")
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--megapixels", default="0.3,1,2,12", help="sizes, comma-separated")
    parser.add_argument("--memory", type=int, default=120, help="photos for the network alone")
    parser.add_argument("--model", default="ppd-tiny")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--model-size", action="store_true")
    parser.add_argument("--formats", default="png,preview")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way is not None:
        arguments.formats = [(name, SUFFIXES[name]) for name in arguments.formats.split(",")]
        found = WAYS[arguments.way](arguments.folder, arguments)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(json.dumps([*found, peak / 1e6]))
        return
    speeds = []
    print(f"{'':<8} {'photos':>7} {'seconds':>8} {'a second':>9} {'CPU s each':>11} {'peak GB':>8}")
    with tempfile.TemporaryDirectory() as folder:
        sizes = [float(size) for size in arguments.megapixels.split(",")]
        write_photos(Path(folder), arguments.photos, sizes)
        for way in WAYS:
            command = [sys.executable, "-m", "studies.folder_speed", *sys.argv[1:]]
            command += ["--way", way, "--folder", folder]
            said = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
            count, seconds, cpu, peak = json.loads(said.splitlines()[-1])
            speeds.append(count / seconds)
            row = (
                f"{count:7d} {seconds:8.1f} {count / seconds:9.2f} {cpu / count:11.3f} {peak:8.2f}"
            )
            print(f"{way:<8} {row}", flush=True)
    print(f"the job runs at {speeds[1] / speeds[0]:.1%} of the network's speed")


if __name__ == "__main__":
    main()
