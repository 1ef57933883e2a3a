"""What the files of a film say of themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ppdcli.depth_data import MEANING, PROGRAM
from ppdcli.films.encoding import TOP
from ppdcli.films.frame_files import timecode
from ppdcli.films.frames import FilmInfo
from ppdcli.films.orders import FilmOrder, FilmReport, rate_of
from ppdcli.films.outputs import Range
from ppdcli.version import __version__


def film_card(info: FilmInfo, order: FilmOrder, report: FilmReport, whole: Range) -> dict[str, Any]:
    """The facts of a film and of each of its frames, as JSON has them."""
    low, high = whole
    start = order.selection.start
    scenes = set(report.scenes)
    return {
        "program": f"ppdcli {__version__}",
        **report.facts,
        "kind": "relative",
        "unit": "relative",
        "meaning": MEANING["relative"],
        "width": info.width,
        "height": info.height,
        "frames_a_second": float(rate_of(info, order.selection)),
        "range": [low, high],
        "scale": (high - low) / TOP,
        "offset": low,
        "scenes": [index + 1 for index in report.scenes],
        "notes": info.notes,
        "frames": [
            {
                "frame": index + 1,
                "time": round(float(time - start), 6),
                "timecode": timecode(time - start),
                "scale": scale,
                "shift": shift,
                "begins_scene": index in scenes,
            }
            for index, (time, (scale, shift)) in enumerate(
                zip(report.times, report.lines, strict=True)
            )
        ],
    }


def depth_tags(facts: Mapping[str, str], whole: Range) -> dict[str, str]:
    """What a video of depth says: its unit, and how its steps become depth."""
    low, high = whole
    return {
        **facts,
        PROGRAM: f"ppdcli {__version__}",
        "kind": "relative",
        "unit": "relative",
        "meaning": MEANING["relative"],
        "scale": repr((high - low) / TOP),
        "offset": repr(low),
        "encoding": "depth = pixel * scale + offset",
    }


def picture_tags(facts: Mapping[str, str]) -> dict[str, str]:
    """What a preview says: it is no data."""
    return {
        "comment": "A picture for the eye, not data; the depth is in the file with _depth.",
        **facts,
        PROGRAM: f"ppdcli {__version__}",
    }
