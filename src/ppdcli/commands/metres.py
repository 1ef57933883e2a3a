"""Depth in metres, as the user asks for it."""

from __future__ import annotations

from dataclasses import replace

from ppdcli.cloud_options import MetricSource
from ppdcli.depth import DepthMap
from ppdcli.errors import InputError
from ppdcli.files.sparse_depth import SparseDepth
from ppdcli.jobs.work import Job
from ppdcli.known_depths import known_in_photo
from ppdcli.metric import Estimate


def known_depths(job: Job, metres: MetricSource, scale: float | None) -> SparseDepth | None:
    """The depths that the user knows; ``scale``: metres of a step of a depth map."""
    if metres.align is None:
        return None
    height, width = job.photo.rgb.shape[:2]
    known = known_in_photo(metres.align, (width, height), job.photo, scale)
    job.notes.extend(known.notes)
    return known


def to_metres(
    job: Job,
    depth: DepthMap,
    metres: MetricSource,
    estimate: Estimate | None,
    known: SparseDepth | None,
    seed: int,
) -> DepthMap:
    """The depth in metres.

    Args:
        job: gets a note on the fit.
        depth: relative.
        metres: where metres come from.
        estimate: MoGe-2's, where it is the source.
        known: depths that the user knows, where they are the source.
        seed: of RANSAC.

    Raises:
        InputError: the known depths, or MoGe-2's, do not fit.
    """
    if metres.near_far is not None:
        # Only what can be seen has a nearest and a farthest point.
        return depth.visible(job.photo.opaque).to_metric(near_far=metres.near_far)
    if metres.moge2:
        assert estimate is not None
        metric = depth.to_metric(moge2=estimate, keep_sky=metres.keep_sky, seed=seed)
    else:
        try:
            metric = replace(depth, photo=job.photo).to_metric(known=known, seed=seed)
        except InputError as error:
            raise InputError(f"{metres.align}: {error}") from error
    job.notes.append(f"{job.photo.name}: {metric.provenance['scale_from']}")
    return metric
