"""Merges posed depth maps into one cloud: neighbours, agreement, fusion. It knows no files."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ppdcli.errors import InputError
from ppdcli.geometry.agreement import Agreement, AgreementRule, check
from ppdcli.geometry.compiled import compiled
from ppdcli.geometry.fusion import VoxelFusion
from ppdcli.geometry.neighbours import choose_neighbours, sample_of
from ppdcli.geometry.normals import surface_normals
from ppdcli.geometry.posed import PosedDepth

FOOTPRINTS = 0.5  # of a pixel at the median depth, in the side of a voxel: near parts are finer


@dataclass(frozen=True)
class MergeSettings:
    """How depth maps are merged.

    Attributes:
        voxel: side of a cell in the unit of the world; None: about what a pixel covers.
        neighbours: with how many other photos each is compared.
        rule: when a point is kept; None: always.
        held: depth maps in memory at a time.
    """

    voxel: float | None = None
    neighbours: int = 8
    rule: AgreementRule | None = field(default_factory=AgreementRule)
    held: int = 24


@dataclass(frozen=True)
class ViewCount:
    """What became of the points of one photo.

    Attributes:
        name: of the photo.
        neighbours: with how many others it was compared.
        points: before the comparison.
        seen_through, unsupported: how many were dropped, and why.
        unchecked: how many were kept though no other photo looks at them.
        kept: how many were fused, with these.
    """

    name: str
    neighbours: int
    points: int
    seen_through: int
    unsupported: int
    unchecked: int
    kept: int


@dataclass(frozen=True, eq=False)
class Merged:
    """A merged cloud, in the axes and the unit of the world.

    Attributes:
        points: (M, 3) float32.
        colors: (M, 3) uint8.
        normals: (M, 3) float32, towards the cameras.
        count: (M,) int32: points that each is the mean of.
        voxel: side of the cells.
        views: of each photo, in order.
    """

    points: np.ndarray
    colors: np.ndarray
    normals: np.ndarray
    count: np.ndarray
    voxel: float
    views: tuple[ViewCount, ...]

    def total(self, what: str) -> int:
        """The sum of an attribute of ``ViewCount`` over the photos."""
        return sum(getattr(view, what) for view in self.views)


def merge(
    count: int,
    load: Callable[[int], PosedDepth],
    settings: MergeSettings | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Merged:
    """Merges depth maps. Each is loaded twice or more, and few are in memory at a time.

    Args:
        count: how many there are, > 0.
        load: gives the depth map of an index; it may be called again.
        settings: how.
        progress: called with the number of depth maps that are done.

    Raises:
        InputError: no point is left.
        UsageError: the voxels are too small.
    """
    settings = MergeSettings() if settings is None else settings
    samples, footprints = [], []
    for index in range(count):
        view = load(index)
        samples.append(sample_of(view))
        if len(samples[-1].depth):
            footprints.append(float(np.median(samples[-1].depth)) / view.camera.fx)
    if not footprints:
        raise InputError("no photo has any depth")
    voxel = settings.voxel or FOOTPRINTS * float(np.median(footprints))
    fusion = VoxelFusion(voxel, fixed=settings.voxel is not None)
    rule = settings.rule
    near = [[]] * count if rule is None else choose_neighbours(samples, settings.neighbours)
    held = _Held(load, max(settings.held, settings.neighbours + 1))
    counts = []
    for index in range(count):
        view = held[index]
        if rule is None:
            result = _unchecked(view)
        else:
            result = check(view, [held[k] for k in near[index]], rule)
        _fuse(view, result, fusion)
        dropped = result.seen_through, result.unsupported
        points = sum(dropped) + result.kept
        left = result.unchecked, result.kept
        counts.append(ViewCount(view.name, len(near[index]), points, *dropped, *left))
        progress(index + 1)
    if len(fusion) == 0:
        raise InputError("no point is left: no two photos agree on any")
    fused = fusion.result()
    return Merged(
        fused.points, fused.colors, fused.normals, fused.count, fusion.voxel, tuple(counts)
    )


class _Held:
    """Depth maps, of which the last ones used are kept in memory."""

    def __init__(self, load: Callable[[int], PosedDepth], most: int) -> None:
        self._load, self._most = load, most
        self._views: OrderedDict[int, PosedDepth] = OrderedDict()

    def __getitem__(self, index: int) -> PosedDepth:
        if index not in self._views:
            while len(self._views) >= self._most:
                self._views.popitem(last=False)
            self._views[index] = self._load(index)
        self._views.move_to_end(index)
        return self._views[index]


def _unchecked(view: PosedDepth) -> Agreement:
    taken = np.isfinite(view.depth) & (view.depth > 0) & np.isfinite(view.slopes[..., 0])
    depth = np.where(taken, view.depth, np.float32(np.nan))
    count = int(taken.sum())
    return Agreement(depth, np.zeros(depth.shape, np.uint8), 0, 0, count, count)


def _fuse(view: PosedDepth, result: Agreement, fusion: VoxelFusion) -> None:
    places = np.flatnonzero(np.isfinite(result.depth))
    z = result.depth.ravel()[places].astype(np.float64)
    slopes = view.slopes.reshape(-1, 2)[places]
    # Normals are those of the photo's own depth, which is smooth.
    normals = surface_normals(view.depth, view.slopes).reshape(-1, 3)[places]
    points = np.empty((len(z), 3))
    _place(slopes, z, view.pose.rotation, view.pose.centre, points, normals)
    # The error of depth grows with depth, and shrinks with every photo that agrees.
    weight = (1 + result.support.ravel()[places]) * (fusion.voxel / (view.spread * z)) ** 2
    fusion.add(points, view.colors.reshape(-1, 3)[places], normals, weight)


@compiled
def _place(
    slopes: np.ndarray,
    z: np.ndarray,
    rotation: np.ndarray,
    centre: np.ndarray,
    points: np.ndarray,
    normals: np.ndarray,
) -> None:
    """Brings points and normals from the axes of a camera into the world.

    Args:
        slopes: (N, 2) X/Z and Y/Z of the points.
        z: (N,) their depth.
        rotation: (3, 3) from the world to the camera.
        centre: (3,) of the camera.
        points: (N, 3), get the places in the world.
        normals: (N, 3) in the axes of the camera, NaN where there is none; get those of the world.
            Without one, a point gets the direction to the camera.
    """
    for k in range(z.size):
        a, b = float(slopes[k, 0]), float(slopes[k, 1])
        if np.isnan(normals[k, 0]):
            length = np.sqrt(a * a + b * b + 1)
            normals[k, 0], normals[k, 1], normals[k, 2] = -a / length, -b / length, -1 / length
        n0, n1, n2 = normals[k, 0], normals[k, 1], normals[k, 2]
        for c in range(3):
            ray = a * rotation[0, c] + b * rotation[1, c] + rotation[2, c]
            points[k, c] = centre[c] + z[k] * ray
            normals[k, c] = n0 * rotation[0, c] + n1 * rotation[1, c] + n2 * rotation[2, c]
