"""The scale of depth files that hold whole numbers: metres per step, as a user states it."""

from __future__ import annotations

import math
from pathlib import Path

from ppdcli.errors import InputError, UsageError, shown
from ppdcli.files.choices import Scale

STEPS_PER_METRE = {"mm": 1000, "kitti": 256, "tum": 5000}
METRES_PER_STEP = {name: 1 / steps for name, steps in STEPS_PER_METRE.items()}
FORMS = "mm, kitti, tum, or metres per step such as 0.001 or 1/256"


def parse_depth_scale(text: str, where: str) -> float:
    """Returns the metres per step of a scale.

    Args:
        text: ``mm``, ``kitti``, ``tum``, a number, or a fraction of two numbers.
        where: where the scale is stated, for the message.

    Returns:
        A number above 0, at most 1. A larger number probably means steps per metre.

    Raises:
        UsageError: the text is no such scale.
    """
    if text in METRES_PER_STEP:
        return METRES_PER_STEP[text]
    above, _, below = text.partition("/")
    try:
        scale = float(above) / float(below) if below else float(text)
    except (ValueError, ZeroDivisionError):
        scale = math.nan
    if not (math.isfinite(scale) and scale > 0):
        raise UsageError(f"{where} {shown(text, 40)} is no depth scale; give {FORMS}")
    if scale > 1:
        raise UsageError(
            f"{where} {shown(text, 40)} is more than a metre per step; {scale:g} steps per metre "
            f"are 1/{scale:g}"
        )
    return scale


def given_step(scale: Scale | None) -> float | None:
    """Metres per step of a scale that a program gives; None for none.

    Raises:
        UsageError: there is no such scale.
    """
    return None if scale is None else parse_depth_scale(str(scale), "scale")


def metres_per_step(scale: Scale | None) -> float | None:
    """Returns metres per step; None if the scale is unknown or not in metres."""
    return METRES_PER_STEP.get(scale) if isinstance(scale, str) else scale


def require_no_step(path: Path, scale: Scale | None) -> None:
    """Refuses a scale for a file of floating-point numbers, which are metres.

    Raises:
        InputError: a scale is stated, and it is not 1.
    """
    if isinstance(scale, float) and scale != 1:
        raise InputError(
            f"{path}: holds floating-point numbers, which are metres and have no steps of "
            f"{scale:g} m; leave out the depth scale"
        )
