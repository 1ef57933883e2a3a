"""What the files of a film say of themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ppdcli.depth_data import MEANING, PROGRAM
from ppdcli.films.encoding import TOP
from ppdcli.films.frame_files import timecode
from ppdcli.films.frames import FilmInfo
from ppdcli.films.metres import FilmMetres
from ppdcli.films.orders import FilmOrder, FilmReport, rate_of
from ppdcli.version import __version__


def film_card(info: FilmInfo, order: FilmOrder, report: FilmReport) -> dict[str, Any]:
    """The facts of a finished film and of each of its frames, as JSON has them."""
    assert report.whole is not None
    low, high = report.whole
    start = order.selection.start
    scenes = set(report.scenes)
    return {
        "program": f"ppdcli {__version__}",
        **report.facts,
        **kind_of(report.metres),
        "width": info.width,
        "height": info.height,
        "frames_a_second": float(rate_of(info, order.selection)),
        "range": [low, high],
        "scale": (high - low) / TOP,
        "offset": low,
        "scenes": [index + 1 for index in report.scenes],
        **({} if report.metres is None else {"metres": _lines_of(report.metres)}),
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


def depth_tags(report: FilmReport) -> dict[str, str]:
    """What a video of depth says: its unit, and how its steps become depth."""
    assert report.whole is not None
    low, high = report.whole
    return {
        **report.facts,
        PROGRAM: f"ppdcli {__version__}",
        **kind_of(report.metres),
        "scale": repr((high - low) / TOP),
        "offset": repr(low),
        "encoding": "depth = pixel * scale + offset",
    }


def kind_of(metres: FilmMetres | None) -> dict[str, str]:
    """What the depth of a film is, as ``DepthData.facts`` says it of a map."""
    if metres is None:
        return {"kind": "relative", "unit": "relative", "meaning": MEANING["relative"]}
    source = {"scale_from": "; ".join(dict.fromkeys(scene.scale_from for scene in metres.scenes))}
    return {"kind": "metric", "unit": "m", "meaning": MEANING["metric"], **source}


def _lines_of(metres: FilmMetres) -> list[dict[str, Any]]:
    """How relative depth became metres: exp(slope * depth + intercept) - 1."""
    return [
        {"from_frame": scene.first + 1, "slope": scene.slope, "intercept": scene.intercept}
        for scene in metres.scenes
    ]


def picture_tags(facts: Mapping[str, str]) -> dict[str, str]:
    """What a preview says: it is no data."""
    return {
        "comment": "A picture for the eye, not data; the depth is in the file with _depth.",
        **facts,
        PROGRAM: f"ppdcli {__version__}",
    }
