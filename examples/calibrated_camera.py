"""A cloud with normals by a calibrated camera, handed to Open3D.

    python examples/calibrated_camera.py PHOTO CAMERA_FILE FOLDER

CAMERA_FILE is of COLMAP, ROS, OpenCV, nerfstudio and others: see docs/cameras.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

import ppdcli


def main(photo: Path, camera: Path, folder: Path) -> None:
    depth = ppdcli.load("ppd-tiny").predict(photo).to_metric(near_far=(1.3, 5.4))
    cloud = depth.to_pointcloud(camera=camera, normals=True)
    print(cloud)
    cloud.save(folder / "cloud.ply")
    cloud.save(folder / "side.png")  # from the side and from above

    theirs = cloud.to_open3d()
    plane, inliers = theirs.segment_plane(distance_threshold=0.05, ransac_n=3, num_iterations=300)
    a, b, c, d = (float(number) for number in plane)
    share = len(inliers) / len(cloud)
    print(f"the largest plane, {a:.2f} x + {b:.2f} y + {c:.2f} z + {d:.2f} = 0, has {share:.0%}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
