"""What a user can choose of a point cloud; imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ppdcli.axes import Axes

MOST_FACES = 200_000  # of a mesh by default: smooth in any viewer, about 8 MB


@dataclass(frozen=True)
class CloudOptions:
    """What a cloud is like.

    Attributes:
        axes: of which program (``ppdcli.axes``).
        edge_clean: leave out what ``geometry.edges.flying_pixels`` finds between two surfaces.
        snap: move those onto the surface whose colour they have (``geometry.snap``) instead, and
            leave out only those that have none.
        normals: give each point its surface's normal; points without one are left out.
        voxel: side of the cells that keep one point each, the mean of theirs, in the cloud's unit;
            None for all points.
        faces: most triangles of a mesh.
        keep_flying: keep the points that ``edge_clean`` leaves out apart, to show them.
    """

    axes: Axes = "opencv"
    edge_clean: bool = True
    snap: bool = False
    normals: bool = False
    voxel: float | None = None
    faces: int = MOST_FACES
    keep_flying: bool = False


@dataclass(frozen=True)
class KnownLength:
    """The true distance of what two pixels show.

    Attributes:
        first, second: (u, v), column and row of the photo.
        metres: their distance, > 0.
    """

    first: tuple[float, float]
    second: tuple[float, float]
    metres: float


@dataclass(frozen=True)
class MetricSource:
    """Where a cloud's metres come from; with none of these it is relative.

    Attributes:
        near_far: metres of the nearest and the farthest point.
        align: a file of known depths.
        known_length: one length in the photo; clouds alone.
        moge2: MoGe-2; with ``keep_sky`` where it sees no depth, too.
    """

    near_far: tuple[float, float] | None = None
    align: Path | None = None
    moge2: bool = False
    keep_sky: bool = False
    known_length: KnownLength | None = None


RELATIVE = MetricSource()
