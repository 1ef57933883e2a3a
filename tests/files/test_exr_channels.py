"""Which channel is depth, by name, and in files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from ppdcli.errors import InputError
from ppdcli.files import exr
from ppdcli.files.exr_channels import depth_channel

VALUES = np.array([[1, 2], [3, 4]], np.float32)


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ([["Z"]], (0, "Z")),
        ([["A", "B", "G", "R", "Z"]], (0, "Z")),
        ([["B", "G", "R"], ["Z"]], (1, "Z")),
        ([["ViewLayer.Combined.R", "ViewLayer.Depth.Z"]], (0, "ViewLayer.Depth.Z")),
        ([["ViewLayer.Depth.Z", "Z"]], (0, "Z")),
        ([["ViewLayer.Mist.Z", "ViewLayer.Depth.Z"]], (0, "ViewLayer.Depth.Z")),
        ([["N.X", "N.Y", "N.Z", "depth.Z"]], (0, "depth.Z")),
        ([["N.X", "N.Y", "N.Z"]], None),
        ([["X", "Y", "Z"]], None),
        ([["left.Z", "right.Z"]], None),
        ([["Z"], ["Z"]], None),
        ([["V"]], (0, "V")),
        ([["Y"], ["R"]], None),
        ([["B", "G", "R"]], None),
        ([[]], None),
    ],
)
def test_names(parts: list[list[str]], found: tuple[int, str] | None) -> None:
    assert depth_channel(parts) == found


def test_the_only_channel_is_taken_and_said(tmp_path: Path) -> None:
    OpenEXR.File({}, {"V": VALUES}).write(str(tmp_path / "v.exr"))
    back = exr.read(tmp_path / "v.exr")
    np.testing.assert_array_equal(back.values, VALUES)
    assert back.notes == (f"{tmp_path / 'v.exr'}: depth is read from its channel V",)


def test_a_part_behind_the_picture(tmp_path: Path) -> None:
    parts = [
        OpenEXR.Part({}, {"R": VALUES, "G": VALUES}, name="rgba"),
        OpenEXR.Part({}, {"Z": VALUES * 2}, name="depth"),
    ]
    OpenEXR.File(parts).write(str(tmp_path / "x.exr"))
    back = exr.read(tmp_path / "x.exr")
    np.testing.assert_array_equal(back.values, VALUES * 2)
    assert back.notes == ()


def test_a_picture_is_no_depth(tmp_path: Path) -> None:
    OpenEXR.File({}, {"R": VALUES, "G": VALUES}).write(str(tmp_path / "x.exr"))
    with pytest.raises(InputError, match=r"x\.exr: has no depth channel Z, only G, R; give a"):
        exr.read(tmp_path / "x.exr")
