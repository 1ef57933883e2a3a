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


# --- windows -----------------------------------------------------------------------------------

DATA = np.arange(1, 13, dtype=np.float32).reshape(3, 4)


def read_placed(
    tmp_path: Path, corner: tuple[int, int], shown: tuple[tuple[int, int], tuple[int, int]]
) -> np.ndarray:
    left, top = corner
    window = ((left, top), (left + 3, top + 2))
    header = {"dataWindow": window, "displayWindow": shown}
    OpenEXR.File(header, {"Z": DATA}).write(str(tmp_path / "x.exr"))
    return exr.read(tmp_path / "x.exr").values


def test_pixels_stand_where_they_belong(tmp_path: Path) -> None:
    expected = np.full((6, 8), np.nan, np.float32)
    expected[1:4, 2:6] = DATA
    np.testing.assert_array_equal(read_placed(tmp_path, (2, 1), ((0, 0), (7, 5))), expected)
    np.testing.assert_array_equal(read_placed(tmp_path, (12, -9), ((10, -10), (17, -5))), expected)


def test_overscan_is_cut(tmp_path: Path) -> None:
    found = read_placed(tmp_path, (-1, -1), ((0, 0), (1, 0)))
    np.testing.assert_array_equal(found, DATA[1:2, 1:3])


@pytest.mark.parametrize("corner", [(-4, 0), (2, 0), (0, -3), (0, 1)])
def test_pixels_that_are_all_outside(tmp_path: Path, corner: tuple[int, int]) -> None:
    found = read_placed(tmp_path, corner, ((0, 0), (1, 0)))
    np.testing.assert_array_equal(found, np.full((1, 2), np.nan))


def test_a_display_window_of_gigapixels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"100001x100001 is more than the 250 megapixels"):
        read_placed(tmp_path, (0, 0), ((0, 0), (100_000, 100_000)))
