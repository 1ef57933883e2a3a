"""What is said when MoGe-2 sees no camera in a photo: options that the command has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ppdcli.announce import silent
from ppdcli.cloud_options import CloudOptions, MetricSource
from ppdcli.commands.pointcloud import CloudRequest, PointCloudWork
from ppdcli.commands.predict import PredictRequest, PredictWork
from ppdcli.errors import InputError
from ppdcli.files.cameras.camera_file import given_cameras
from ppdcli.files.choices import Choices
from ppdcli.jobs.work import Job
from ppdcli.model_request import ModelRequest, Sampling
from ppdcli.photo import Photo


class Blind:
    """Stands for MoGe-2, and for a predictor with it."""

    def estimate(self, photo: Photo, camera: Any = None) -> None:
        raise InputError("MoGe-2's camera estimate failed: no camera fits its points")


def job() -> Job:
    return Job(Photo(np.zeros((48, 64, 3), np.uint8), "a.jpg"))


def shared(metric: bool | None) -> dict[str, Any]:
    """What both requests have."""
    return {
        "model": ModelRequest(metric=metric),
        "sampling": Sampling(),
        "formats": (),
        "overwrite": False,
        "batch": None,
        "devices": ("cpu",),
        "announce": silent,
    }


def cloud(metric: bool, intrinsics: str | None) -> PointCloudWork:
    request = CloudRequest(
        **shared(metric),
        depth=Path("d.npy"),
        depth_scale=None,
        intrinsics=intrinsics,
        cameras=None if intrinsics is None else given_cameras(intrinsics),
        fov=None,
        metres=MetricSource(moge2=metric),
        options=CloudOptions(),
    )
    return PointCloudWork(None, Blind(), request)  # type: ignore[arg-type]


def test_predict_names_the_ways_to_metres() -> None:
    request = PredictRequest(
        **shared(True), full_size=True, choices=Choices("mm"), metres=MetricSource(moge2=True)
    )
    work = PredictWork(Blind(), request)  # type: ignore[arg-type]
    with pytest.raises(InputError) as error:
        work.examine(job())
    line = str(error.value)
    assert line.endswith("give --intrinsics or --fov, or get metres from --near-far")


@pytest.mark.parametrize(
    ("intrinsics", "way_on"),
    [
        (None, "; give --intrinsics or --fov"),
        ("50,50,31.5,23.5", "; check --intrinsics or --fov, or get metres from --near-far"),
    ],
)
def test_a_cloud_needs_a_camera(intrinsics: str | None, way_on: str) -> None:
    with pytest.raises(InputError) as error:
        cloud(True, intrinsics).examine(job())
    assert str(error.value).endswith(f"no camera fits its points{way_on}")
    beside = job()
    cloud(False, intrinsics).examine(beside)
    assert (
        f"a.jpg: MoGe-2's camera estimate failed: no camera fits its points{way_on}" in beside.notes
    )
