"""The depth of a photo that becomes a cloud: a given file, and where its metres come from."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from ppdcli.cloud import NOMINAL_NEAR_FAR
from ppdcli.cloud_options import RELATIVE, MetricSource
from ppdcli.depth import DepthMap
from ppdcli.errors import InputError
from ppdcli.files.choices import PngScale
from ppdcli.files.depth_files import (
    format_of,
    read_depth,
    require_view,
    states_unit,
    turned_with_photo,
)
from ppdcli.files.sparse_depth import SparseDepth, read_sparse_depth
from ppdcli.geometry.align import fit_sparse, relative_at
from ppdcli.jobs.work import Job
from ppdcli.metric import Estimate, to_metric
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
            depth = read_depth(self.path, "relative", "normalized")
        else:
            depth = read_depth(self.path, "metric", self._step())
        height, width = photo.rgb.shape[:2]
        depth = turned_with_photo(self.path, depth, width, height, photo.orientation)
        require_view(self.path, depth.values.shape, width, height)
        return DepthMap(**vars(replace(depth, timings={"depth": time.perf_counter() - started})))

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


def known_depths(job: Job, metres: MetricSource, scale: float | None) -> SparseDepth | None:
    """The depths that the user knows; ``scale`` as for ``DepthFile``."""
    if metres.align is None:
        return None
    height, width = job.photo.rgb.shape[:2]
    known = read_sparse_depth(metres.align, width, height, scale, job.photo.orientation)
    known = known.where(job.photo.opaque, metres.align)
    job.notes.extend(known.notes)
    return known


def in_metres(
    job: Job,
    depth: DepthMap,
    metres: MetricSource,
    estimate: Estimate | None,
    known: SparseDepth | None,
    seed: int,
    voxel: float | None,
) -> tuple[DepthMap, tuple[str, ...]]:
    """The depth in metres if that is wanted, and what the cloud's header says of it.

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
    if depth.kind == "metric":
        return depth, ()
    if metres.moge2:
        assert estimate is not None
        # The sky goes with the mask, once the edges before it have been cleaned.
        metric = to_metric(depth, estimate, keep_sky=True, seed=seed)
        job.notes.append(f"{job.photo.name}: {metric.provenance['scale_from']}")
        return metric, ()
    if known is not None:
        return _aligned(job, depth, metres, known, seed), ()
    if metres.near_far is not None:
        return depth, ("scale_from near-far {:g},{:g} m".format(*metres.near_far),)
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
    return depth, ()


def _aligned(
    job: Job, depth: DepthMap, metres: MetricSource, known: SparseDepth, seed: int
) -> DepthMap:
    height, width = job.photo.rgb.shape[:2]
    try:
        relative = relative_at(depth.values, known.u, known.v, width, height)
        line = fit_sparse(relative, known.depth, seed)
    except InputError as error:
        raise InputError(f"{metres.align}: {error}") from error
    scale_from = f"{known.source}, {line.describe()}"
    job.notes.append(f"{job.photo.name}: {scale_from}")
    return replace(
        depth,
        values=line.apply(depth.values),
        kind="metric",
        provenance={**depth.provenance, "scale_from": scale_from},
    )
