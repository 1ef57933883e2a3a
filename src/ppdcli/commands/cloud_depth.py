"""The depth of a photo that becomes a cloud: a given file, and where its metres come from."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from ppdcli.cloud import NOMINAL_NEAR_FAR
from ppdcli.cloud_options import RELATIVE, MetricSource
from ppdcli.commands.metres import to_metres
from ppdcli.depth import DepthMap
from ppdcli.depth_reading import read_depth_of
from ppdcli.files.choices import PngScale
from ppdcli.files.depth_files import format_of, states_unit
from ppdcli.files.sparse_depth import SparseDepth
from ppdcli.jobs.work import Job
from ppdcli.metric import Estimate
from ppdcli.photo import Photo


@dataclass(frozen=True)
class DepthFile:
    """A depth file that stands for a prediction.

    Attributes:
        path: of the file.
        scale: metres of a step, for files of whole numbers that do not state it; None: the
            format's usual step.
    """

    path: Path
    scale: float | None = None

    def read(self, photo: Photo, metres: MetricSource) -> DepthMap:
        """The depth in it, turned as the photo is shown.

        Args:
            photo: of the same view.
            metres: with one, the file is taken for relative depth where it does not say.

        Raises:
            InputError: it cannot be read, or is of another view.
        """
        started = time.perf_counter()
        # A bare array is relative if something else is to give the metres.
        if metres != RELATIVE:
            depth = read_depth_of(photo, self.path, "relative", "normalized")
        else:
            depth = read_depth_of(photo, self.path, "metric", self._step())
        return replace(depth, timings={"depth": time.perf_counter() - started})

    def assumed_unit(self, metres: MetricSource) -> str | None:
        """A line for the user where nothing states the unit; else None."""
        if self.scale is not None or metres != RELATIVE or states_unit(self.path):
            return None
        unit = "millimetres" if format_of(self.path) == "png" else "metres"
        return (
            f"{self.path}: does not state its unit; read as {unit}; if it is relative, give "
            "--near-far, --align or --metric"
        )

    def _step(self) -> float | PngScale | None:
        """What a step of the file is: as stated, or millimetres in a PNG."""
        if self.scale is not None:
            return self.scale
        return "mm" if format_of(self.path) == "png" else None


def in_metres(
    job: Job,
    depth: DepthMap,
    metres: MetricSource,
    estimate: Estimate | None,
    known: SparseDepth | None,
    seed: int,
    voxel: float | None,
) -> DepthMap:
    """The depth in metres if that is wanted; near and far are left to the cloud.

    Args:
        job: gets notes.
        depth: relative, or metric already.
        metres: where metres come from.
        estimate: MoGe-2's, where it is the source.
        known: depths that the user knows, where they are the source.
        seed: of RANSAC.
        voxel: side of the cells that the cloud is thinned by, in metres; None for all points.

    Raises:
        InputError: the known depths, or MoGe-2's, do not fit.
    """
    placed = metres.near_far is not None or metres.known_length is not None
    if depth.kind == "metric" or placed:
        return depth
    if metres != RELATIVE:
        return to_metres(job, depth, metres, estimate, known, seed)
    job.notes.append(
        f"{job.photo.name}: the cloud is relative, its proportions in depth are not those of "
        "the scene; give --metric, --align FILE or --near-far A,B for metres"
    )
    if voxel is not None:
        near, far = NOMINAL_NEAR_FAR
        job.notes.append(
            f"{job.photo.name}: --voxel {voxel:g} is in metres, but this cloud is not: its nearest "
            f"point is placed at {near:g} and its farthest at {far:g}"
        )
    return depth
