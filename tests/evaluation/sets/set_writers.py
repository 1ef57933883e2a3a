"""Writes miniature sets in their true layouts, and opens them."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from PIL import Image

from ppdcli.evaluation.frames import Frame
from ppdcli.evaluation.sets.catalog import open_set

LINES = {
    "nyuv2": "test/office_0005/rgb_0009.png test/office_0005/depth_0009.png "
    "test/office_0005/filled_0009.png",
    "kitti": "2011_09_26/2011_09_26_drive_0002_sync/image_02/data/0000000069.png "
    "2011_09_26_drive_0002_sync/proj_depth/groundtruth/image_02/0000000069.png 721.5377",
    "eth3d": "rgb/office/images/dslr_images/DSC_0219.JPG "
    "depth/office_dslr_depth/office/ground_truth_depth/dslr_images/DSC_0219.JPG",
    "scannet": "scene0406_02/color/000300.jpg scene0406_02/depth/000300.png",
    "diode": "indoors/scene_00021/scan_00189/00021_00189_indoors_200_010.png "
    "indoors/scene_00021/scan_00189/00021_00189_indoors_200_010_depth.npy "
    "indoors/scene_00021/scan_00189/00021_00189_indoors_200_010_depth_mask.npy",
    "hypersim": "ai_001_010/images/scene_cam_00_final_preview/frame.0000.tonemap.jpg "
    "ai_001_010/images/scene_cam_00_geometry_hdf5/frame.0000.depth_meters.hdf5",
}
"""A line of each set's list, as published."""


def listed(root: Path, name: str, *lines: str) -> Path:
    """A list file of these lines, or of the one in ``LINES``."""
    path = root / f"{name}.txt"
    path.write_text("".join(line + "\n" for line in lines or (LINES[name],)), encoding="utf-8")
    return path


def paths(root: Path, name: str) -> list[Path]:
    """The files of the line in ``LINES``, their folders made."""
    files = [root / field for field in LINES[name].split()]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
    return files


def gradient(height: int, width: int) -> np.ndarray:
    """(H, W, 3) uint8 whose red and green tell the column and the row, modulo 256."""
    y, x = np.mgrid[:height, :width]
    return np.stack((x % 256, y % 256, (x // 256) * 16 + y // 256), axis=-1).astype(np.uint8)


def save_photo(path: Path, rgb: np.ndarray) -> None:
    suffix = path.suffix.lower()
    Image.fromarray(rgb).save(path, format="PNG" if suffix == ".png" else "JPEG")


def save_steps(path: Path, steps: np.ndarray) -> None:
    """A 16-bit grey PNG."""
    Image.fromarray(steps.astype(np.uint16)).save(path, format="PNG")


def save_hdf5(path: Path, values: np.ndarray, dataset: str = "dataset") -> None:
    with h5py.File(path, "w") as file:
        file[dataset] = values


def write_png_set(root: Path, name: str, steps: np.ndarray) -> None:
    """NYUv2, KITTI or ScanNet with one image of the depth's size."""
    photo, depth = paths(root, name)[:2]
    save_photo(photo, gradient(*steps.shape))
    save_steps(depth, steps)


def write_eth3d(root: Path, photo: np.ndarray, depth: np.ndarray) -> None:
    files = paths(root, "eth3d")
    save_photo(files[0], photo)
    files[1].write_bytes(depth.astype("<f4").tobytes())


def write_diode(root: Path, depth: np.ndarray, mask: np.ndarray) -> None:
    """With (H, W) depth, stored as (H, W, 1)."""
    files = paths(root, "diode")
    save_photo(files[0], gradient(*depth.shape))
    np.save(files[1], depth[..., None])
    np.save(files[2], mask)


def write_hypersim(root: Path, distance: np.ndarray) -> None:
    photo, depth = paths(root, "hypersim")
    save_photo(photo, gradient(*distance.shape))
    save_hdf5(depth, distance)


def write_any(root: Path, name: str) -> None:
    """One image in which all depth is 5 m and valid, as far as crops allow."""
    match name:
        case "nyuv2" | "scannet":
            write_png_set(root, name, np.full((480, 640), 5000))
        case "kitti":
            write_png_set(root, name, np.full((375, 1242), 1280))
        case "eth3d":
            write_eth3d(root, gradient(1008, 1512), np.full((4032, 6048), 5.0))
        case "diode":
            write_diode(root, np.full((768, 1024), 5, np.float32), np.ones((768, 1024)))
        case "hypersim":
            write_hypersim(root, np.full((768, 1024), 5.0))


def load_one(root: Path, name: str) -> Frame:
    """The frame of a set's only line."""
    (entry,) = open_set(name, root, listed(root, name)).entries
    return entry.load()
