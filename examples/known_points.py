"""Metres from the depth of a few pixels, measured by tape, laser or LiDAR.

    python examples/known_points.py PHOTO POINTS FOLDER

POINTS has rows of u, v and metres: column and row of the photo, from its upper left pixel.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import ppdcli


def main(photo: Path, points: Path, folder: Path) -> None:
    known = np.loadtxt(points)  # (N, 3); some of them may be wrong
    depth = ppdcli.load("ppd-tiny").predict(photo).to_metric(known=known)
    print(depth.provenance["scale_from"])

    metres = np.asarray(depth.full_size())
    for u, v, measured in known:
        print(f"{u:.0f},{v:.0f}: measured {measured:.2f} m, now {metres[round(v), round(u)]:.2f} m")
    depth.to_pointcloud(fov=83).save(folder / "mesh.glb")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
