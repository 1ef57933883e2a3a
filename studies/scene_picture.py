"""A rendered scene, the depth that models predict for it, and the clouds from the side.

``python -m studies.scene_picture -o FILE [--scene K] [CHECKPOINT@STEPS ...]`` writes a picture with
one column each for the true depth, ppd-tiny and every checkpoint. The upper panel is the photo or
the depth map, the lower one the unfiltered cloud of the network.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ppdcli.depth import DepthMap
from ppdcli.evaluation import synthetic
from ppdcli.evaluation.metrics import align_log
from ppdcli.files.preview import colorize
from ppdcli.geometry.side_view import WIDTH, side_view
from ppdcli.geometry.unproject import unproject
from ppdcli.geometry.upsample import downsample_depth
from ppdcli.predictor import Predictor

SHAPE = (300, 400)  # of a panel
GAP = 6  # pixels between panels
FARTHEST = 2.5  # times the median depth; farther points do not widen the view


def columns(scene: int, predictors: Sequence[tuple[Predictor, int | None]]) -> list[np.ndarray]:
    """Returns columns of two panels for the true depth, then for each predictor with its steps.

    Args:
        scene: Number in the synthetic set.
        predictors: Their depth is aligned to the true one by the authors' fit.

    Returns:
        (606, 400, 3) uint8 each.
    """
    (entry,) = synthetic.entries(scene + 1)[scene:]
    given = entry.load()
    rgb = given.photo.rgb
    truth = np.where(given.valid, given.depth, np.nan).astype(np.float32)
    limits = float(np.nanmin(truth)), float(np.nanpercentile(truth, 98))

    def cloud(depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        small = cv2.resize(rgb, depth.shape[::-1], interpolation=cv2.INTER_AREA)
        points, taken = unproject(depth, synthetic.camera_of(scene, *depth.shape))
        return points, small[taken]

    frame, _ = cloud(np.where(truth < FARTHEST * np.nanmedian(truth), truth, np.nan))
    pairs = [(rgb, side_view(*cloud(truth), frame))]
    for predictor, steps in predictors:
        relative = predictor.predict(given.photo, steps=steps).values
        own = downsample_depth(truth, *relative.shape)
        depth = align_log(relative, own, ~np.isnan(own)).astype(np.float32)
        depth[np.isnan(own)] = np.nan
        shown = colorize(DepthMap(depth, "metric"), "spectral", limits)
        pairs.append((shown, side_view(*cloud(depth), frame)))
    gap = np.full((GAP, SHAPE[1], 3), 255, np.uint8)
    return [
        np.concatenate([_panel(above, cv2.INTER_NEAREST), gap, _panel(below[:, :WIDTH])])
        for above, below in pairs
    ]


def _panel(picture: np.ndarray, interpolation: int = cv2.INTER_AREA) -> np.ndarray:
    return cv2.resize(picture, SHAPE[::-1], interpolation=interpolation)


def main() -> None:
    """Writes the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("-o", "--output", type=Path, required=True, help="picture to write")
    parser.add_argument("--scene", type=int, default=0, help="number in the synthetic set (0)")
    parser.add_argument("others", nargs="*", metavar="CHECKPOINT@STEPS", help="models to compare")
    given = parser.parse_args()
    from ppdcli import load

    predictors: list[tuple[Predictor, int | None]] = [(load("ppd-tiny"), None)]
    for other in given.others:
        path, _, steps = other.rpartition("@")
        predictors.append((load("ppd-tiny", checkpoint=path), int(steps)))
    panels = columns(given.scene, predictors)
    gap = np.full((len(panels[0]), GAP, 3), 255, np.uint8)
    spaced = [part for panel in panels for part in (gap, panel)][1:]
    Image.fromarray(np.concatenate(spaced, axis=1)).save(given.output, optimize=True)


if __name__ == "__main__":
    main()
