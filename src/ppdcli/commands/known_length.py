"""Metres for a cloud by one known length in its photo."""

from __future__ import annotations

from ppdcli.cloud import NOMINAL_NEAR_FAR
from ppdcli.cloud_options import CloudOptions, KnownLength
from ppdcli.depth import DepthMap
from ppdcli.errors import InputError
from ppdcli.geometry.known_length import near_far_of_length
from ppdcli.jobs.work import Job
from ppdcli.views import View


def near_far_by_length(
    job: Job, depth: DepthMap, view: View, length: KnownLength, options: CloudOptions
) -> tuple[float, float]:
    """Metres of the nearest and the farthest point.

    Args:
        job: gets a note on what is assumed.
        depth: relative.
        view: the photo's camera.
        length: what is known.
        options: of the cloud, since its filter decides which point is the nearest.

    Raises:
        InputError: a pixel has no depth, both have the same point, or no scale fits.
    """
    plain = CloudOptions(edge_clean=options.edge_clean, snap=options.snap)
    cloud = depth.placed(job.photo, view, plain)
    try:
        ends = [cloud.point_at(*pixel) for pixel in (length.first, length.second)]
        near_far = near_far_of_length(ends[0], ends[1], NOMINAL_NEAR_FAR, length.metres)
    except InputError as error:
        raise InputError(f"{job.photo.name}: {error}") from error
    near, far = NOMINAL_NEAR_FAR
    job.notes.append(
        f"{job.photo.name}: the nearest point is at {near_far[0]:.3g} m and the farthest at "
        f"{near_far[1]:.3g} m, by a known length of {length.metres:g} m; the farthest is assumed "
        f"to be {far / near:g} times as far away as the nearest"
    )
    return near_far
