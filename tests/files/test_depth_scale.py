"""Scales of depth files, as users state them."""

from __future__ import annotations

import pytest

from ppdcli.errors import UsageError
from ppdcli.files.depth_scale import parse_depth_scale


@pytest.mark.parametrize(
    ("text", "scale"),
    [
        ("mm", 0.001),
        ("kitti", 1 / 256),
        ("tum", 0.0002),
        ("0.001", 0.001),
        ("1e-3", 0.001),
        ("1/256", 1 / 256),
        ("1/5000", 0.0002),
        ("1", 1.0),
    ],
)
def test_names_numbers_and_fractions(text: str, scale: float) -> None:
    assert parse_depth_scale(text, "--depth-scale") == scale


@pytest.mark.parametrize("text", ["", "cm", "0", "-1", "nan", "inf", "1/0", "1/x", "/2", "MM"])
def test_what_is_no_scale(text: str) -> None:
    with pytest.raises(UsageError, match="is no depth scale; give mm, kitti, tum, or metres per"):
        parse_depth_scale(text, "--depth-scale")


def test_steps_per_metre_are_told_from_metres_per_step() -> None:
    with pytest.raises(UsageError, match=r"5000 is more than a metre per step; .* are 1/5000"):
        parse_depth_scale("5000", "--depth-scale")
