"""A table of what keeps a film's depth steady, on rendered films with exact depth and motion.

``python -m studies.film_consistency [--films N] [--frames N]`` adds one measure after the other:
frame by frame, the same noise, alignment, regions, the filter, and a warm start at half of the
steps. The last rows are controls. ``--strips DIR`` draws one pixel row of each film through time.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from ppdcli.depth import DepthMap
from ppdcli.evaluation.edge_cloud import flying_rate
from ppdcli.evaluation.edge_recall import edge_recall
from ppdcli.evaluation.metrics import score
from ppdcli.evaluation.temporal import (
    align_film,
    optical_flow_warping,
    temporal_alignment_error,
    trajectory_error_change,
)
from ppdcli.evaluation.time_strip import time_strips
from ppdcli.evaluation.true_edges import EdgeSettings, edge_band
from ppdcli.files.preview import write_picture
from ppdcli.films.consistency import FRAME_BY_FRAME, Consistency
from ppdcli.films.depths import FrameModel, stable_depths
from ppdcli.photo import Photo
from ppdcli.scenes.sequences import Clip
from studies.clips import films

SHAPE = (192, 256)
EVERY = 3  # edges are measured in every n-th frame
SAME_NOISE = replace(FRAME_BY_FRAME, same_noise=True)
ALIGNED = replace(SAME_NOISE, align=True, cuts=True)
REGIONS = replace(ALIGNED, regions=True)
FILTERED = replace(REGIONS, smooth=True)
WARM = replace(FILTERED, warm_start=True)
MEDIAN = 5  # frames of the temporal median, a control


@dataclass(frozen=True)
class FilmScores:
    """Scores of one film, or their means; one scale and one shift for the whole film.

    Attributes:
        tec: Change of the error along the path of a surface point, in log(depth + 1).
        opw: Change of depth along the flow, metres.
        tae: Alignment error by the poses, in per cent, without moving things.
        abs_rel, delta1: As for single images.
        recall, ramp, flying: Edges shown, in-between pixels, share of flying pixels near edges.
    """

    tec: float
    opw: float
    tae: float
    abs_rel: float
    delta1: float
    recall: float
    ramp: float
    flying: float


def score_film(clip: Clip, relative: np.ndarray) -> FilmScores:
    """Scores relative depth (N, H, W) of a film."""
    depth, valid = clip.depth, clip.valid
    metres = align_film(relative, depth, valid)
    overall = score(metres, depth, valid)
    settings, edges = EdgeSettings(), []
    for z, d, v in zip(metres[::EVERY], depth[::EVERY], valid[::EVERY], strict=True):
        shown = edge_recall(z, d, v, settings)
        flying = flying_rate(z, d, v, edge_band(d, v, settings))
        edges.append((shown.recall, shown.ramp, flying))
    recall, ramp, flying = np.nanmean(edges, axis=0).tolist()
    return FilmScores(
        trajectory_error_change(metres, depth, valid, clip.flow, clip.visible),
        optical_flow_warping(metres, clip.flow, clip.visible),
        temporal_alignment_error(metres, valid & ~clip.moving, clip.poses, clip.camera),
        overall.abs_rel,
        overall.delta1,
        recall,
        ramp,
        flying,
    )


class Remembered:
    """A model that predicts a frame from noise once, for the rows that share this prediction."""

    def __init__(self, model: FrameModel) -> None:
        self._model = model
        self._known: dict[tuple[bytes, int, int | None], list[DepthMap]] = {}

    def size_of(self, photo: Photo, area: int | None = None) -> tuple[int, int]:
        """Returns the network's (height, width) for a photo."""
        return self._model.size_of(photo, area)

    def batch_size(self, photo: Photo, area: int | None = None) -> int:
        """Returns how many photos fit a batch."""
        return self._model.batch_size(photo, area)

    def predict_batch(
        self,
        photos: list[Photo],
        *,
        steps: int | None = None,
        seed: int = 0,
        area: int | None = None,
        guess: np.ndarray | None = None,
    ) -> list[DepthMap]:
        """Returns depth; see ``Predictor.predict_batch``."""
        predict = partial(
            self._model.predict_batch, photos, steps=steps, seed=seed, area=area, guess=guess
        )
        if guess is not None:
            return predict()
        key = b"".join(photo.rgb.tobytes() for photo in photos), seed, steps
        if key not in self._known:
            self._known[key] = predict()
        return self._known[key]


def rows(model: FrameModel, steps: int, clip: Clip) -> Iterable[tuple[str, np.ndarray]]:
    """Yields the rows of the table: name, and relative depth (N, H, W).

    Args:
        model: Such as ``ppd-tiny``.
        steps: Its usual number of steps.
        clip: The film.
    """
    remembered = Remembered(model)

    def depths(consistency: Consistency, steps: int) -> np.ndarray:
        found = stable_depths(remembered, clip.rgb, consistency, steps=steps)
        return np.stack([_at_size(stable.values, clip.depth.shape[1:]) for stable in found])

    yield "frame by frame", depths(FRAME_BY_FRAME, steps)
    same = depths(SAME_NOISE, steps)
    yield "same noise", same
    yield "+ alignment", depths(ALIGNED, steps)
    yield "+ regions", depths(REGIONS, steps)
    yield "+ filter", depths(FILTERED, steps)
    yield f"+ warm start, from noise every {WARM.key_frames}", depths(WARM, steps)
    yield "+ warm start, without key frames", depths(replace(WARM, key_frames=0), steps)
    half = max(steps // 2, 1)
    yield "same noise, half the steps", depths(SAME_NOISE, half)
    yield f"same noise, median of {MEDIAN}", _median(same)
    yield "first frame, frozen", np.broadcast_to(same[:1], same.shape)
    yield "truth", np.log1p(clip.depth)


def by_time(clip: Clip, relative: np.ndarray, frames: int) -> list[FilmScores]:
    """Returns the scores of one part of a film after the other, each with a fit of its own."""
    parts = []
    for start in range(0, len(relative) - 1, frames):
        own, pairs = slice(start, start + frames), slice(start, start + frames - 1)
        part = replace(
            clip,
            rgb=clip.rgb[own],
            depth=clip.depth[own],
            poses=clip.poses[own],
            moving=clip.moving[own],
            flow=clip.flow[pairs],
            visible=clip.visible[pairs],
        )
        parts.append(score_film(part, relative[own]))
    return parts


def table(scores: dict[str, list[FilmScores]]) -> list[str]:
    """Returns the lines to print: means over films."""
    lines = [
        f"{'':<38}{'TEC x1000':>10}{'OPW m':>8}{'TAE %':>8}{'AbsRel':>8}{'delta1':>8}"
        f"{'recall':>8}{'ramp':>7}{'flying':>8}"
    ]
    for name, column in scores.items():
        mean = FilmScores(*np.nanmean([list(vars(s).values()) for s in column], axis=0).tolist())
        lines.append(
            f"{name:<38}{1000 * mean.tec:>10.2f}{mean.opw:>8.4f}{mean.tae:>8.3f}"
            f"{mean.abs_rel:>8.4f}{mean.delta1:>8.4f}{mean.recall:>8.3f}{mean.ramp:>7.3f}"
            f"{mean.flying:>8.4f}"
        )
    return lines


def strips(clip: Clip, films: Sequence[np.ndarray]) -> np.ndarray:
    """Returns the middle row through time: photo, truth, and relative films as metres."""
    fitted = [align_film(film, clip.depth, clip.valid) for film in films]
    return time_strips([clip.rgb, clip.depth, *fitted], clip.depth.shape[1] // 2, lines=6)


def _at_size(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    height, width = shape
    return cv2.resize(values, (width, height), interpolation=cv2.INTER_LINEAR)


def _median(film: np.ndarray) -> np.ndarray:
    """Returns the median over a few frames around each."""
    half = MEDIAN // 2
    padded = np.pad(film, ((half, half), (0, 0), (0, 0)), mode="edge")
    return np.median([padded[k : k + len(film)] for k in range(MEDIAN)], axis=0)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--films", type=int, default=6, help="number of films (6)")
    parser.add_argument("--frames", type=int, default=12, help="frames of each (12)")
    parser.add_argument("--part", type=int, help="also score parts of so many frames")
    parser.add_argument("--model", default="ppd-tiny", help="the model (ppd-tiny)")
    parser.add_argument("--strips", type=Path, help="folder for pictures through time")
    given = parser.parse_args()
    from ppdcli import load

    predictor = load(given.model)

    scores: dict[str, list[FilmScores]] = {}
    for name, clip in films(given.films, given.frames, SHAPE):
        found = dict(rows(predictor, predictor.steps, clip))
        for row, relative in found.items():
            scores.setdefault(row, []).append(score_film(clip, relative))
        print("\n".join((f"with {name}:", *table(scores), "")), flush=True)
        if given.part:
            for row, relative in found.items():
                parts = {
                    f"{row}, {k}": [s] for k, s in enumerate(by_time(clip, relative, given.part))
                }
                print("\n".join(table(parts)), flush=True)
        if given.strips is not None:
            given.strips.mkdir(parents=True, exist_ok=True)
            texts = {"Comment": "from the top: photo, truth, " + "; ".join(found)}
            path = given.strips / f"{name.replace(',', '').replace(' ', '_')}.png"
            write_picture(path, strips(clip, list(found.values())), texts)


if __name__ == "__main__":
    main()
