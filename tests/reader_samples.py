"""Sound files for the readers of depth, clouds, predictions, benchmark sets, cameras and lists.

Each sample is a file's content with the reader that takes it; the reader gets the file's path and
answers, or raises a PpdError.
"""

from __future__ import annotations

import io
import json
import struct
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import camera_samples
import h5py
import numpy as np
import OpenEXR
from PIL import Image

from ppdcli.cloud import PointCloud
from ppdcli.commands.view_scenes import ViewOptions, scene_of
from ppdcli.depth import DepthMap
from ppdcli.evaluation.frames import Frame
from ppdcli.evaluation.prediction_files import of_folder
from ppdcli.evaluation.sets import diode, eth3d, hypersim
from ppdcli.evaluation.sets.catalog import RULES
from ppdcli.evaluation.sets.listing import read_list as read_set
from ppdcli.files import exr, glb, ply, png
from ppdcli.files.cameras.camera_file import read_cameras
from ppdcli.files.depth_files import read_depth
from ppdcli.files.glb import TexturedMesh
from ppdcli.files.sparse_depth import read_sparse_depth
from ppdcli.geometry.distortion import rays
from ppdcli.jobs.input_list import read_list
from ppdcli.photo import Photo

HEIGHT, WIDTH = 40, 50
_Y, _X = np.mgrid[:HEIGHT, :WIDTH]
DEPTH = (1 + _X * 0.1 + _Y * 0.01).astype(np.float32)
FRAME = Frame(Photo(np.zeros((HEIGHT, WIDTH, 3), np.uint8), "x"), DEPTH, DEPTH > 0)

Reader = Callable[[Path], object]


@dataclass(frozen=True)
class Sample:
    """A sound file.

    Attributes:
        content: of the file.
        name: of the file.
        read: its reader.
        text: whether it is made of words.
        around: files beside it, by name.
    """

    content: bytes
    name: str
    read: Reader
    text: bool = False
    around: tuple[tuple[str, bytes], ...] = ()


def samples() -> dict[str, Sample]:
    """By name."""
    found = {**_depth_files(), **_clouds(), **_predictions(), **_sets()}
    return {**found, **_cameras(), **_lists()}


# --- depth files -------------------------------------------------------------------------------


def _depth(path: Path) -> object:
    return read_depth(path, "metric", "mm")


def _known(path: Path) -> object:
    return read_sparse_depth(path, WIDTH, HEIGHT)


def _written(suffix: str, write: Callable[[Path], object]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"x{suffix}")
        write(path)
        return path.read_bytes()


def _exr(channels: dict[str, np.ndarray], **header: object) -> bytes:
    return _written(".exr", lambda path: OpenEXR.File(header, channels).write(str(path)))


def _parts() -> bytes:
    parts = [
        OpenEXR.Part({"type": OpenEXR.scanlineimage}, {name: DEPTH}, name=name.lower())
        for name in ("Z", "Y")
    ]
    return _written(".exr", lambda path: OpenEXR.File(parts).write(str(path)))


def _npy(values: np.ndarray, version: tuple[int, int] = (1, 0)) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, values, version=version)
    return stream.getvalue()


def _png16(values: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(values.astype(np.uint16)).save(stream, "PNG")
    return stream.getvalue()


def _depth_files() -> dict[str, Sample]:
    ours = DepthMap(DEPTH, "metric", provenance={"model": "m", "seed": "0"})
    tiled = {"tiles": OpenEXR.TileDescription(), "type": OpenEXR.tiledimage}
    exrs = {
        "exr": _written(".exr", lambda path: exr.write(path, ours)),
        "exr-plain": _exr({"Z": DEPTH}, compression=OpenEXR.NO_COMPRESSION),
        "exr-half": _exr({"Z": DEPTH.astype(np.float16)}, compression=OpenEXR.ZIPS_COMPRESSION),
        "exr-piz": _exr({"R": DEPTH, "Z": DEPTH}, compression=OpenEXR.PIZ_COMPRESSION),
        "exr-dwaa": _exr({"Z": DEPTH}, compression=OpenEXR.DWAA_COMPRESSION),
        "exr-tiled": _exr({"Z": DEPTH}, **tiled),
        "exr-parts": _parts(),
    }
    npys = {
        "npy": _npy(DEPTH),
        "npy-double": _npy(DEPTH.astype(np.float64)),
        "npy-fortran": _npy(np.asfortranarray(DEPTH)),
        "npy-short": _npy((DEPTH * 1000).astype(np.uint16), (2, 0)),
    }
    pngs = {
        "png": _written(".png", lambda path: png.write(path, ours, "mm") and None),
        "png-foreign": _png16(DEPTH * 1000),
    }
    rows = [f"{u} {v} {DEPTH[v, u]:.4f}" for v in range(0, 40, 9) for u in range(0, 50, 9)]
    table = "# known depths\n" + "\n".join(rows) + "\n"
    csv = "u,v,depth\n" + "\n".join(rows).replace(" ", ",") + "\n"
    return {
        **{name: Sample(data, "x.exr", _depth) for name, data in exrs.items()},
        **{name: Sample(data, "x.npy", _depth) for name, data in npys.items()},
        **{name: Sample(data, "x.png", _depth) for name, data in pngs.items()},
        "align-exr": Sample(exrs["exr"], "x.exr", _known),
        "align-npy": Sample(npys["npy"], "x.npy", _known),
        "align-png": Sample(pngs["png-foreign"], "x.png", _known),
        "align-text": Sample(table.encode(), "x.txt", _known, text=True),
        "align-csv": Sample(csv.encode(), "x.csv", _known, text=True),
    }


# --- what ppd view shows -----------------------------------------------------------------------


def _shown(path: Path) -> object:
    return scene_of(path, "x", ViewOptions())


def _clouds() -> dict[str, Sample]:
    points = np.column_stack((_X.ravel(), _Y.ravel(), DEPTH.ravel())).astype(np.float32)
    cloud = PointCloud(points, np.zeros((points.shape), np.uint8), ("unit m", "axes opencv"))
    rows = b"".join(b"%g %g %g 200 100 50\n" % tuple(row) for row in points[:50].tolist())
    kinds = [f"float {n}" for n in "xyz"] + [f"uchar {n}" for n in ("red", "green", "blue")]
    lines = ["ply", "format ascii 1.0", "element vertex 50", *(f"property {k}" for k in kinds)]
    text = "\n".join([*lines, "element face 0", "property list uchar int k", "end_header", ""])
    faces = np.int32([[0, 1, WIDTH], [1, WIDTH + 1, WIDTH]])
    flat = np.zeros((len(points), 2), np.float32)
    mesh = TexturedMesh(points, points, flat, faces, np.zeros((8, 8, 3), np.uint8))
    return {
        "ply": Sample(_written(".ply", lambda path: ply.write(path, cloud)), "x.ply", _shown),
        "ply-text": Sample(text.encode() + rows, "x.ply", _shown, text=True),
        "glb": Sample(_written(".glb", lambda path: glb.write(path, mesh)), "x.glb", _shown),
    }


# --- predictions and sets ----------------------------------------------------------------------


def _prediction(path: Path) -> object:
    return of_folder("other", path.parent, "depth", "mm").predict("x.jpg", FRAME)


def _npz(compression: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        archive.writestr("depth.npy", _npy(DEPTH[None]))
        archive.writestr("other.npy", _npy(np.arange(5)))
    return stream.getvalue()


def _predictions() -> dict[str, Sample]:
    kinds = {
        "stored": zipfile.ZIP_STORED,
        "deflated": zipfile.ZIP_DEFLATED,
        "bzip2": zipfile.ZIP_BZIP2,
        "lzma": zipfile.ZIP_LZMA,
    }
    archives = {f"npz-{name}": _npz(compression) for name, compression in kinds.items()}
    return {
        **{name: Sample(data, "x.npz", _prediction) for name, data in archives.items()},
        "prediction-exr": Sample(_exr({"Z": DEPTH}), "x.exr", _prediction),
        "prediction-npy": Sample(_npy(DEPTH), "x.npy", _prediction),
        "prediction-png": Sample(_png16(DEPTH * 1000), "x_depth.png", _prediction),
    }


def _hdf5(values: np.ndarray, **options: object) -> bytes:
    def write(path: Path) -> None:
        with h5py.File(path, "w") as file:
            file.create_dataset("dataset", data=values, **options)

    return _written(".hdf5", write)


def _hypersim(path: Path) -> object:
    return hypersim.read(path.with_name("photo.png"), path)


def _diode(path: Path) -> object:
    return diode.read(path.with_name("photo.png"), path, path.with_name("mask.npy"))


def _eth3d(path: Path) -> object:
    size = (HEIGHT, WIDTH)
    return eth3d.read_sized(path.with_name("small.png"), path, size, size)


def _set_list(name: str, path: Path) -> object:
    return read_set(path, RULES[name])


def _sets() -> dict[str, Sample]:
    photo, small = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (1024, 768), "red").save(photo, "PNG")
    Image.new("RGB", (WIDTH, HEIGHT), "red").save(small, "PNG")
    around = (("photo.png", photo.getvalue()), ("mask.npy", _npy(np.ones((768, 1024)))))
    beside = (("small.png", small.getvalue()),)
    far = np.full((768, 1024), 5, np.float16)
    lines = "".join(f"rgb/{i:04}.png depth/{i:04}.png {700 + i}.5\n" for i in range(20))
    depths = {
        "hdf5": _hdf5(far[:, :], compression="gzip", chunks=(96, 256)),
        "hdf5-plain": _hdf5(far[::8, ::8]),
        "hdf5-shuffled": _hdf5(far, compression="lzf", shuffle=True, fletcher32=True),
    }
    return {
        **{name: Sample(d, "x.hdf5", _hypersim, around=around) for name, d in depths.items()},
        "diode": Sample(_npy(far[:, :, None])[: 1 << 12], "x.npy", _diode, around=around),
        "eth3d": Sample(DEPTH.tobytes(), "x.raw", _eth3d, around=beside),
        "list-kitti": Sample(lines.encode(), "x.txt", partial(_set_list, "kitti"), text=True),
    }


# --- cameras and lists -------------------------------------------------------------------------

ROS = """image_width: 640
image_height: 480
camera_name: head
camera_matrix:
  rows: 3
  cols: 3
  data: [525.5, 0.0, 320.5, 0.0, 526.5, 240.5, 0.0, 0.0, 1.0]
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [-0.1, 0.02, 0.001, -0.001, 0.0]
projection_matrix:
  rows: 3
  cols: 4
  data: [520.5, 0.0, 321.5, 0.0, 0.0, 521.5, 241.5, 0.0, 0.0, 0.0, 1.0, 0.0]
"""
CAMERA_INFO = """header:
  stamp: {secs: 1, nsecs: 5}
  frame_id: head
height: 480
width: 640
distortion_model: plumb_bob
D: [0.0, 0.0, 0.0, 0.0, 0.0]
K: [525.5, 0.0, 320.5, 0.0, 526.5, 240.5, 0.0, 0.0, 1.0]
R: [1, 0, 0, 0, 1, 0, 0, 0, 1]
P: [525.5, 0.0, 320.5, 0.0, 0.0, 526.5, 240.5, 0.0, 0.0, 0.0, 1.0, 0.0]
binning_x: 0
roi: {x_offset: 0, y_offset: 0, height: 0, width: 0}
---
"""
COLMAP = "# cameras\n1 OPENCV 640 480 525 526 320 240 -0.1 0.02 0.001 0.001\n7 PINHOLE 640 480 500 500 320 240\n"  # noqa: E501
IMAGES = "".join(
    f"{i} 1 0 0 0 0.5 0.25 0.125 {(1, 7)[i % 2]} photo{i}.jpg\n1.5 2.5 -1 3.5 4.5 7\n"
    for i in range(1, 5)
)


def _camera(path: Path) -> object:
    found = read_cameras(path).for_image("photo1.jpg", 640, 480)
    return rays(found.camera, found.distortion)


def _binary_cameras() -> tuple[bytes, bytes]:
    cameras = struct.pack("<Q", 2)
    cameras += struct.pack("<iiQQ4d", 1, 1, 640, 480, 500, 500, 320, 240)
    cameras += struct.pack("<iiQQ3d", 7, 0, 640, 480, 510, 320, 240)
    images = struct.pack("<Q", 2)
    for index, camera in ((1, 1), (2, 7)):
        images += struct.pack("<I7dI", index, 1, 0, 0, 0, 1, 2, 3, camera)
        images += b"photo%d.jpg\0" % index + struct.pack("<Qddq", 1, 5, 6, -1)
    return cameras, images


def _cameras() -> dict[str, Sample]:
    camera = {"fl_x": 500.0, "fl_y": 501.0, "cx": 320.0, "cy": 240.0, "w": 640, "h": 480, "k1": 0.1}
    frames = [{"file_path": f"images/photo{i}.jpg", "fl_x": 500.5 + i % 2} for i in range(4)]
    nerfstudio = json.dumps({**camera, "frames": frames}, indent=1)
    matrix = [525.5, 0, 0, 0, 526.5, 0, 320.5, 240.5, 1]
    open3d = json.dumps({"width": 640, "height": 480, "intrinsic_matrix": matrix}, indent=1)
    texts = {
        "camera-numbers": "525.5, 526.5, 320.5, 240.5\n",
        "camera-3x3": "525.5 0 320.5\n0 526.5 240.5\n0 0 1\n",
        "camera-ros": ROS,
        "camera-info": CAMERA_INFO * 3,
        "camera-opencv": "%YAML:1.0\n---\n" + ROS.replace("camera_matrix:", "camera_matrix: !!opencv-matrix"),  # noqa: E501
        "camera-nerfstudio": nerfstudio,
        "camera-open3d": open3d,
    }  # fmt: skip
    texts.update(camera_samples.texts())
    binary, images = _binary_cameras()
    beside = (("images.txt", IMAGES.encode()),)
    return {
        **{n: Sample(data, f"x{n[-4:]}", _camera) for n, data in camera_samples.arrays().items()},
        **{n: Sample(text.encode(), "x.yaml", _camera, text=True) for n, text in texts.items()},
        "colmap-text": Sample(COLMAP.encode(), "cameras.txt", _camera, text=True, around=beside),
        "colmap-images": Sample(
            IMAGES.encode(),
            "images.txt",
            lambda path: _camera(path.with_name("cameras.txt")),
            text=True,
            around=(("cameras.txt", COLMAP.encode()),),
        ),
        "colmap-binary": Sample(binary, "cameras.bin", _camera, around=(("images.bin", images),)),
        "colmap-binary-images": Sample(
            images,
            "images.bin",
            lambda path: _camera(path.with_name("cameras.bin")),
            around=(("cameras.bin", binary),),
        ),
    }


def _lists() -> dict[str, Sample]:
    names = "".join(f"photos/{i}.jpg\n" for i in range(30)).encode()
    return {
        "list": Sample(names, "x.txt", lambda path: read_list(str(path)), text=True),
        "list-nul": Sample(names.replace(b"\n", b"\0"), "x.txt", lambda path: read_list(str(path))),
    }
