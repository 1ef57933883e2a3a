"""Metres for the depth of a film: one line in log(depth + 1) for the film, or for each scene."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ppdcli.depth import DepthMap
from ppdcli.errors import InputError
from ppdcli.films.chunks import ChunkFolder
from ppdcli.films.frames import Film, Selection
from ppdcli.films.outputs import Range
from ppdcli.geometry.align import LOWEST, fit_ransac
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.upsample import downsample_depth
from ppdcli.known_depths import in_metres
from ppdcli.metric import Estimator, seen
from ppdcli.photo import Photo

MOST_FRAMES = 5  # of a scene that MoGe-2 sees
LEAST_RANGE = 2e-6  # of relative depth; a constant film has less


@dataclass(frozen=True)
class SceneMetres:
    """metres = exp(slope * depth + intercept) - 1, for the frames of a scene.

    Attributes:
        first: its first frame, from 0.
        slope, intercept: of the line; the slope is positive.
        highest: no depth is farther, in metres.
        scale_from: where the metres come from, for files.
    """

    first: int
    slope: float
    intercept: float
    highest: float
    scale_from: str

    def of(self, depth: DepthMap) -> DepthMap:
        """The relative map in metres."""
        return in_metres(depth, self.at(depth.values), self.scale_from)

    def at(self, values: np.ndarray) -> np.ndarray:
        """Metres of relative values, float32."""
        with np.errstate(over="ignore"):
            metres = np.expm1(self.slope * values.astype(np.float64) + self.intercept)
        return np.clip(metres, LOWEST, self.highest).astype(np.float32)

    def ends(self, ends: Range) -> Range:
        """A range of relative depth in metres, low < high."""
        low, high = self.at(np.array(ends)).tolist()
        return low, max(high, math.nextafter(low, math.inf))


@dataclass(frozen=True)
class FilmMetres:
    """The metres of a film.

    Attributes:
        scenes: by their first frames; the first one begins the film.
        fov: horizontal field of view in degrees that MoGe-2 sees; None if it is not asked.
    """

    scenes: tuple[SceneMetres, ...]
    fov: float | None = None

    def of_frame(self, index: int) -> SceneMetres:
        """Those of a frame, from 0."""
        return [scene for scene in self.scenes if scene.first <= index][-1]

    def range(self, ranges: Sequence[Range]) -> Range:
        """The range in metres that holds these ranges of relative depth, one for each line."""
        ends = [scene.ends(pair) for scene, pair in zip(self.scenes, ranges, strict=True)]
        return min(low for low, _ in ends), max(high for _, high in ends)


def by_near_far(whole: Range, near_far: Range) -> FilmMetres:
    """One line for the film: its nearest depth becomes ``near`` metres, its farthest ``far``.

    Raises:
        InputError: all depth of the film is equal.
    """
    (low, high), (near, far) = whole, near_far
    if high - low < LEAST_RANGE:
        raise InputError(f"depth is constant ({low:g}), so near and far cannot be assigned")
    slope = (math.log1p(far) - math.log1p(near)) / (high - low)
    source = f"near-far {near:g},{far:g} m"
    return FilmMetres((SceneMetres(0, slope, math.log1p(near) - slope * low, far, source),))


def by_moge2(
    film: Film,
    selection: Selection,
    folder: ChunkFolder,
    scenes: Sequence[int],
    count: int,
    estimator: Estimator,
    fov: float | None,
    seed: int,
) -> FilmMetres:
    """A line for each scene, fitted to what MoGe-2 sees in some of its frames.

    Args:
        film: the film.
        selection: which frames were computed.
        folder: has their depth.
        scenes: the first frame of each scene, from 0.
        count: of all frames.
        estimator: MoGe-2.
        fov: horizontal field of view in degrees; None: MoGe-2 finds it.
        seed: of RANSAC.

    Raises:
        InputError: MoGe-2's metres do not fit the depth of a scene.
        PpdError: out of memory.
    """
    ends = [*scenes[1:], count]
    chosen = [_spread(first, end) for first, end in zip(scenes, ends, strict=True)]
    depths = _depths(folder, frozenset().union(*chosen))
    known: dict[int, tuple[np.ndarray, np.ndarray, float]] = {}
    fovs = []
    for index, frame in enumerate(film.frames(selection)):
        if index not in depths:
            continue
        photo = Photo(frame.rgb, f"{film.info.name}, frame {index + 1}")
        height, width = photo.rgb.shape[:2]
        camera = None if fov is None else Camera.from_fov(fov, width, height)
        estimate = estimator.estimate(photo, camera)
        fovs.append(math.degrees(2 * math.atan(width / (2 * estimate.camera.fx))))
        shape = depths[index].shape
        known[index] = (
            downsample_depth(estimate.depth, *shape),
            seen(estimate, *shape),
            float(np.nanmax(estimate.depth)),
        )
    lines = []
    for first, indices in zip(scenes, chosen, strict=True):
        metres, masks, highest = zip(*(known[k] for k in indices), strict=True)
        relative = np.concatenate([depths[k] for k in indices])
        try:
            line = fit_ransac(relative, np.concatenate(metres), np.concatenate(masks), seed)
        except InputError as error:
            raise InputError(
                f"{film.info.name}: MoGe-2's metres do not fit the scene that begins at frame "
                f"{first + 1} ({error}); without them depth is relative"
            ) from error
        source = f"MoGe-2, {len(indices)} frames of the scene, {line.describe()}"
        lines.append(SceneMetres(first, line.slope, line.intercept, max(highest), source))
    return FilmMetres(tuple(lines), float(np.median(fovs)))


def _spread(first: int, end: int) -> list[int]:
    """Some frames of a scene, with equal distances."""
    number = min(MOST_FRAMES, end - first)
    return sorted({first + (2 * k + 1) * (end - first) // (2 * number) for k in range(number)})


def _depths(folder: ChunkFolder, wanted: frozenset[int]) -> dict[int, np.ndarray]:
    def all_depths() -> Iterator[tuple[int, np.ndarray]]:
        for chunk in folder.complete():
            for index, values in enumerate(chunk.depths, start=chunk.first):
                if index in wanted:
                    yield index, values.copy()

    return dict(all_depths())
