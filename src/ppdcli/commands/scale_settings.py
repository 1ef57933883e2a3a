"""What files depend on besides the model: the camera, and where metres come from."""

from __future__ import annotations

from typing import Any

from ppdcli.cloud_options import KnownLength, MetricSource
from ppdcli.files.cameras.camera_file import CameraFile
from ppdcli.jobs.decision import OFF
from ppdcli.jobs.fingerprint import fingerprint_of_text, of_given


def camera_settings(
    named: str | None, cameras: CameraFile | None, fov: float | None
) -> dict[str, Any]:
    """The camera.

    Args:
        named: how the user named the cameras.
        cameras: what was read then.
        fov: horizontal field of view in degrees.
    """
    intrinsics: Any = OFF
    if cameras is not None:
        contents = cameras.contents  # whatever has become of the file since it was read
        if contents.format == "numbers" and named is not None:
            intrinsics = [float(number) for number in named.split(",")]
        else:
            intrinsics = fingerprint_of_text(repr(contents))
    return {"intrinsics": intrinsics, "fov": OFF if fov is None else fov}


def metre_settings(metres: MetricSource, depth_scale: float | None) -> dict[str, Any]:
    """Where metres come from; ``depth_scale``: metres of a step of a depth map."""
    return {
        "near-far": OFF if metres.near_far is None else list(metres.near_far),
        "known-length": _length(metres.known_length),
        "align": of_given(metres.align),
        "depth-scale": OFF if depth_scale is None else depth_scale,
        "metric": metres.moge2,
        "keep-sky": metres.keep_sky,
    }


def _length(known: KnownLength | None) -> Any:
    return OFF if known is None else [*known.first, *known.second, known.metres]
