"""The scores of one image: alignment by a protocol, then every metric."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from ppdcli.evaluation.boundary import boundary_f1
from ppdcli.evaluation.edge_cloud import edge_chamfer, flying_rate
from ppdcli.evaluation.edge_profile import error_by_distance
from ppdcli.evaluation.edge_recall import edge_recall
from ppdcli.evaluation.frames import Frame
from ppdcli.evaluation.metrics import score
from ppdcli.evaluation.protocols import EVERYTHING, Degenerate, Kind, Protocol, align
from ppdcli.evaluation.report.content import Column
from ppdcli.evaluation.true_edges import EdgeSettings, edge_band, true_edges
from ppdcli.geometry.upsample import downsample_depth
from ppdcli.wording import counted

PIXELS = (
    Column(
        "abs_rel",
        "AbsRel",
        "lower",
        ".3f",
        "mean of |predicted - true| / true over the valid pixels; 0 is perfect",
    ),
    Column(
        "delta_half",
        "δ0.5",
        "higher",
        ".3f",
        "share of pixels whose depth is right within a factor of 1.25^0.5 (12 %); 1 is perfect",
    ),
    Column(
        "delta1",
        "δ1",
        "higher",
        ".3f",
        "share of pixels whose depth is right within a factor of 1.25; 1 is perfect",
    ),
    Column("delta2", "δ2", "higher", ".3f", "the same within 1.25^2 (1.56)"),
    Column("delta3", "δ3", "higher", ".3f", "the same within 1.25^3 (1.95)"),
)
NEAR_EDGES = (
    Column(
        "recall",
        "recall",
        "higher",
        ".3f",
        "share of the true depth edges at which the prediction jumps by at least half as "
        "much; 1 is perfect",
    ),
    Column(
        "ramp",
        "ramp",
        "lower",
        ".3f",
        "mean number of in-between pixels across the edges that are shown, 0 to 4; 0 is sharp",
    ),
    Column(
        "flying",
        "flying",
        "lower",
        ".3f",
        "share of flying pixels near edges: between two true surfaces and more than 3 % "
        "from both; 0 is perfect",
    ),
    Column(
        "boundary_f1",
        "F1",
        "higher",
        ".3f",
        "Depth Pro's boundary F1: occlusions between neighbouring pixels, precision and "
        "recall; near 1 is perfect",
    ),
)
CHAMFER = (
    Column(
        "chamfer",
        "Chamfer m",
        "lower",
        ".3f",
        "distance between the predicted and the true cloud near edges, in metres: the "
        "sum of both mean distances; 0 is perfect",
    ),
    Column(
        "log_chamfer",
        "Chamfer log",
        "lower",
        ".4f",
        "the same in (X/Z, Y/Z, log Z), so near and far edges count equally",
    ),
)
"""The scores: of all valid pixels, near true edges, and near edges as a cloud. The last ones need
a camera."""


@dataclass(frozen=True)
class Rules:
    """How images are scored.

    Attributes:
        protocol: Protocol of the alignment.
        depth_range: Metres that are valid in the set.
        edges: Definition of edges; None for no edge scores.
        authors_nearest: Whether predictions are resized to the true depth's size with
            ``cv2.INTER_NEAREST``, as the authors do; else by the nearest pixel centre. The protocol
            "trimmed" interpolates bilinearly instead.
        seed: Seed of RANSAC and of the choice of points.
        least_pixels: Number of valid pixels that an image needs to be scored.
    """

    protocol: Protocol = "authors"
    depth_range: tuple[float, float] = EVERYTHING
    edges: EdgeSettings | None = field(default_factory=EdgeSettings)
    authors_nearest: bool = False
    seed: int = 0
    least_pixels: int = 2


@dataclass(frozen=True, eq=False)
class Scored:
    """Scores of one prediction.

    Attributes:
        scores: Scores by ``Column.key``; NaN if the image has nothing to measure, such as no edge.
        note: A remark on an irregular fit, else None.
        sums, counts: By distance to the nearest edge (``edge_profile``); None without edges.
        depth: (H, W) metres, the prediction as it was scored.
    """

    scores: dict[str, float]
    note: str | None
    sums: np.ndarray | None
    counts: np.ndarray | None
    depth: np.ndarray


def score_prediction(frame: Frame, prediction: np.ndarray, kind: Kind, rules: Rules) -> Scored:
    """Aligns a prediction and scores it.

    Args:
        frame: Photo and true depth.
        prediction: (h, w) on any grid.
        kind: The space in which it is affine.
        rules: See ``Rules``.

    Raises:
        Degenerate: The image cannot be scored; the text is the reason.
    """
    truth, valid = frame.depth, frame.valid
    count = int(np.count_nonzero(valid))
    if 0 < count < rules.least_pixels:
        raise Degenerate(f"too little depth: {counted(count, 'valid pixel')}")
    fitted = align(
        rules.protocol,
        kind,
        _at_size(prediction, truth.shape, rules),
        truth,
        valid,
        rules.seed,
        rules.depth_range,
    )
    scores = dict(vars(score(fitted.depth, truth, valid)))
    sums = counts = None
    if rules.edges is not None:
        scores |= _near_edges(frame, fitted.depth, rules.edges, rules.seed)
        edges = true_edges(truth, valid, rules.edges)
        sums, counts = error_by_distance(fitted.depth, truth, valid, edges)
    return Scored(scores, fitted.note, sums, counts, fitted.depth)


def _near_edges(
    frame: Frame, depth: np.ndarray, settings: EdgeSettings, seed: int
) -> dict[str, float]:
    truth, valid = frame.depth, frame.valid
    band = edge_band(truth, valid, settings)
    shown = edge_recall(depth, truth, valid, settings)
    scores = {
        "recall": shown.recall,
        "ramp": shown.ramp,
        "flying": flying_rate(depth, truth, valid, band),
        "boundary_f1": boundary_f1(depth, truth, valid).f1,
    }
    if frame.camera is not None:
        cloud = edge_chamfer(depth, truth, valid, band, frame.camera, settings, seed)
        scores |= {"chamfer": cloud.chamfer, "log_chamfer": cloud.log_chamfer}
    return scores


def _at_size(values: np.ndarray, shape: tuple[int, ...], rules: Rules) -> np.ndarray:
    height, width = shape
    if values.shape == (height, width):
        return values
    if rules.protocol == "trimmed":
        return cv2.resize(values, (width, height), interpolation=cv2.INTER_LINEAR)
    if rules.authors_nearest:
        return cv2.resize(values, (width, height), interpolation=cv2.INTER_NEAREST)
    return downsample_depth(values, height, width)
