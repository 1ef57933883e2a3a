"""Depth of an array in memory, in metres between two known distances.

python examples/from_numpy.py PHOTO FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

import ppdcli


def main(photo: Path, folder: Path) -> None:
    bgr = cv2.imread(str(photo))
    if bgr is None:
        sys.exit(f"{photo}: OpenCV cannot read it")
    rgb = bgr[..., ::-1]  # ppdcli takes RGB; OpenCV reads BGR

    model = ppdcli.load("ppd-tiny")
    depth = model.predict(rgb).to_metric(near_far=(1.3, 5.4)).full_size()
    print(depth)

    metres = np.asarray(depth)
    v, u = np.unravel_index(np.nanargmin(metres), metres.shape)
    print(f"the nearest pixel is at {u},{v}: {metres[v, u]:.2f} m")
    folder.mkdir(parents=True, exist_ok=True)
    depth.save(folder / "depth.exr")
    cv2.imwrite(str(folder / "depth.png"), depth.preview()[..., ::-1])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
