"""Time and memory from a depth map and a 12-megapixel photo to a PLY on disk.

``python -m studies.cloud_speed`` compares ours with the authors' recipe: Open3D's legacy cloud, its
statistical outlier removal (20 neighbours, 3.0), its writer. Each runs in its own process, one
after the other.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ppdcli.cloud import make_cloud
from ppdcli.depth import DepthMap
from ppdcli.files import ply
from ppdcli.files.open3d_import import import_open3d
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.unproject import unproject
from ppdcli.geometry.upsample import downsample_depth
from ppdcli.scenes.primitives.series import make_samples
from ppdcli.scenes.samples import SKY_DEPTH

WIDTH, HEIGHT = 4000, 3000
MODEL_WIDTH, MODEL_HEIGHT = 1024, 768
NEIGHBOURS, DEVIATIONS = 20, 3.0  # as in the authors' point-cloud script


def scene() -> tuple[DepthMap, np.ndarray, Camera]:
    """Returns a depth map of a model's size, a photo of 12 megapixels, and its camera."""
    samples = make_samples(1, 0, 1, (MODEL_HEIGHT, MODEL_WIDTH), 1)
    depth = np.where(samples.depth[0] < SKY_DEPTH, samples.depth[0], np.nan)
    rgb = np.stack([downsample_depth(samples.rgb[0][..., c], HEIGHT, WIDTH) for c in range(3)], -1)
    return DepthMap(depth, "metric"), rgb, Camera.from_fov(60, WIDTH, HEIGHT)


def ours(file: Path) -> int:
    """Writes a filtered cloud at full size, guided by the photo; returns the number of points."""
    depth, rgb, camera = scene()
    cloud = make_cloud(depth, rgb, camera)
    ply.write(file, cloud)
    return len(cloud.points)


def authors(file: Path) -> int:
    """Does what the authors' script does after its network, at the photo's size."""
    depth, rgb, camera = scene()
    full = downsample_depth(depth.values, HEIGHT, WIDTH)
    points, taken = unproject(full, camera)
    o3d = import_open3d()
    cloud = o3d.geometry.PointCloud()
    cloud.points = o3d.utility.Vector3dVector(points.astype(np.float64))
    cloud.colors = o3d.utility.Vector3dVector(rgb[taken] / 255)
    _, kept = cloud.remove_statistical_outlier(NEIGHBOURS, DEVIATIONS)
    o3d.io.write_point_cloud(str(file), cloud.select_by_index(kept))
    return len(kept)


def preparation(_file: Path) -> int:
    """Does the common preparation, whose time must be subtracted."""
    scene()
    import_open3d()
    return 0


METHODS: dict[str, Callable[[Path], int]] = {f.__name__: f for f in (preparation, ours, authors)}


def main() -> None:
    """Runs this script for each method and prints a table."""
    if len(sys.argv) == 3:
        started = time.perf_counter()
        points = METHODS[sys.argv[1]](Path(sys.argv[2]))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(json.dumps([time.perf_counter() - started, peak / 1e6, points]))
        return
    print(f"{'':<12} {'seconds':>8} {'peak GB':>8} {'points':>10} {'MB':>6}")
    with tempfile.TemporaryDirectory() as folder:
        for name in METHODS:
            file = Path(folder, f"{name}.ply")
            command = [sys.executable, "-m", "studies.cloud_speed", name, str(file)]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
            seconds, peak, points = json.loads(done.stdout.splitlines()[-1])
            size = file.stat().st_size / 1e6 if file.exists() else 0
            print(f"{name:<12} {seconds:8.1f} {peak:8.2f} {points:10d} {size:6.0f}", flush=True)


if __name__ == "__main__":
    main()
