"""A rendered scene and its clouds seen from the side, where points that hang in the air show.

``python -m ppdcli.evaluation.side_view -o FILE [--scene K] [CHECKPOINT@STEPS ...]`` writes a
picture with a column for the truth, one for ppd-tiny and one for each checkpoint: above, the photo
or the depth map; below, the cloud as the network gives it, with no filter.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ppdcli.depth import DepthMap
from ppdcli.evaluation import synthetic
from ppdcli.evaluation.metrics import align_log
from ppdcli.files.preview import colorize
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.cloud import unproject
from ppdcli.geometry.upsample import downsample_depth
from ppdcli.predictor import Predictor

SHAPE = (300, 400)  # of a panel
TURN = 55.0  # degrees to the side
GAP = 6  # pixels between panels
FARTHEST = 2.5  # times the median depth; points beyond are left out of the view


@dataclass(frozen=True, eq=False)
class Frame:
    """What of space is seen.

    Attributes:
        middle: (3,) the point to look at.
        width: of what is seen, in metres.
    """

    middle: np.ndarray
    width: float


def framing(depth: np.ndarray, camera: Camera) -> Frame:
    """Most of a cloud, without what is far beyond the rest.

    Args:
        depth: (H, W) metres, NaN where there is none.
        camera: of its grid.
    """
    near = np.where(depth < FARTHEST * np.nanmedian(depth), depth, np.nan)
    turned = unproject(near, camera)[0] @ _rotation().T
    low, high = np.percentile(turned, (2, 98), axis=0)
    width = max(high[0] - low[0], (high[1] - low[1]) * SHAPE[1] / SHAPE[0])
    return Frame((low + high) / 2 @ _rotation(), 1.1 * width)


def view(depth: np.ndarray, rgb: np.ndarray, camera: Camera, frame: Frame) -> np.ndarray:
    """A cloud seen from beside the camera, in parallel projection; near points hide far ones.

    Args:
        depth: (h, w) metres; pixels that are not finite and positive are no points.
        rgb: (h, w, 3) uint8.
        camera: of this grid.
        frame: the same for all clouds that are to be compared.

    Returns:
        (*SHAPE, 3) uint8, white where there is nothing.
    """
    points, taken = unproject(depth, camera)
    height, width = SHAPE
    turned = (points - frame.middle) @ _rotation().T
    seen = np.rint(turned[:, :2] / frame.width * width).astype(int) + (width // 2, height // 2)
    inside = ((seen >= 0) & (seen < (width, height))).all(-1)
    order = np.argsort(-turned[inside, 2], kind="stable")
    x, y = seen[inside][order].T
    picture = np.full((height + 1, width + 1, 3), 255, np.uint8)
    for down, right in ((0, 0), (0, 1), (1, 0), (1, 1)):  # a point is 2 x 2 pixels
        picture[y + down, x + right] = rgb[taken][inside][order]
    return picture[:height, :width]


def _rotation() -> np.ndarray:
    """From the camera's axes to the viewer's."""
    c, s = np.cos(np.radians(TURN)), np.sin(np.radians(TURN))
    return np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])


def columns(scene: int, predictors: Sequence[tuple[Predictor, int | None]]) -> list[np.ndarray]:
    """Two panels above each other for the truth, then for each predictor with its steps.

    Args:
        scene: number in the synthetic set.
        predictors: their depth is placed in the true one by the authors' fit.
    """
    (entry,) = synthetic.entries(scene + 1)[scene:]
    given = entry.load()
    rgb = given.photo.rgb
    truth = np.where(given.valid, given.depth, np.nan).astype(np.float32)
    limits = float(np.nanmin(truth)), float(np.nanpercentile(truth, 98))
    camera = synthetic.camera_of(scene, *truth.shape)
    frame = framing(truth, camera)
    pairs = [(rgb, view(truth, rgb, camera, frame))]
    for predictor, steps in predictors:
        relative = predictor.predict(given.photo, steps=steps).values
        own = downsample_depth(truth, *relative.shape)
        depth = align_log(relative, own, ~np.isnan(own)).astype(np.float32)
        depth[np.isnan(own)] = np.nan
        small = cv2.resize(rgb, depth.shape[::-1], interpolation=cv2.INTER_AREA)
        cloud = view(depth, small, synthetic.camera_of(scene, *depth.shape), frame)
        pairs.append((colorize(DepthMap(depth, "metric"), "spectral", limits), cloud))
    gap = np.full((GAP, SHAPE[1], 3), 255, np.uint8)
    return [np.concatenate([_panel(above), gap, below]) for above, below in pairs]


def _panel(picture: np.ndarray) -> np.ndarray:
    return cv2.resize(picture, SHAPE[::-1], interpolation=cv2.INTER_NEAREST)


def main() -> None:
    """Writes the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("-o", "--output", type=Path, required=True, help="picture to write")
    parser.add_argument("--scene", type=int, default=0, help="number in the synthetic set (0)")
    parser.add_argument("others", nargs="*", metavar="CHECKPOINT@STEPS", help="to compare with")
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
