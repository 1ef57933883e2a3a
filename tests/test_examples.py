"""The scripts in examples/ run, with ppd-tiny at a small size, and make what they say."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from PIL import Image

import ppdcli
from ppdcli.files import exr

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted((ROOT / "examples").glob("*.py"))


@pytest.fixture(scope="module")
def small() -> ppdcli.Predictor:
    model = ppdcli.load("ppd-tiny", device="cpu")
    model.area = 64 * 48
    return model


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, small: ppdcli.Predictor) -> None:
    monkeypatch.setattr(ppdcli, "load", lambda name: small)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    with Image.open(ROOT / "src/ppdcli/data/example.jpg") as example:
        example.resize((160, 120)).save(path, quality=95)
    return path


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_from_numpy(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script("from_numpy").main(photo, tmp_path / "out")
    depth = exr.read(tmp_path / "out" / "depth.exr")
    assert depth.unit == "m" and depth.values.shape == (120, 160)
    with Image.open(tmp_path / "out" / "depth.png") as preview:
        assert preview.size == (160, 120)
    assert "<DepthMap 160x120, metric, 1.3 to 5.4 m" in capsys.readouterr().out


def test_calibrated_camera(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    camera = tmp_path / "camera.txt"
    camera.write_text("90 0 79.5\n0 90 59.5\n0 0 1\n")
    script("calibrated_camera").main(photo, camera, tmp_path)
    said = capsys.readouterr().out
    assert re.search(r"<PointCloud of \d+ points, m, opencv axes, with normals", said)
    assert "the largest plane" in said
    assert (tmp_path / "cloud.ply").read_bytes().startswith(b"ply")
    with Image.open(tmp_path / "side.png") as picture:
        assert picture.size == (1280, 480)


def test_known_points(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    relative = np.asarray(ppdcli.load("ppd-tiny").predict(photo).full_size())
    u, v = np.meshgrid(np.arange(5, 160, 25), np.arange(5, 120, 25))
    metres = np.expm1(1.2 * relative[v, u] + 0.7)
    points = np.column_stack([u.ravel(), v.ravel(), metres.ravel()])
    np.savetxt(tmp_path / "points.txt", points)
    script("known_points").main(photo, tmp_path / "points.txt", tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert "35 of 35 points agree" in lines[0] and len(lines) == 36
    told = np.array([re.findall(r"([\d.]+) m", line) for line in lines[1:]], float)
    assert np.median(np.abs(told[:, 0] - told[:, 1])) < 0.1
    assert (tmp_path / "mesh.glb").read_bytes().startswith(b"glTF")


def test_folder(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("a.jpg", "c.jpg"):
        (photos / name).write_bytes(photo.read_bytes())
    (photos / "b.jpg").write_bytes(photo.read_bytes()[:500])
    script("folder").main(photos, tmp_path / "out")
    a, b, c = capsys.readouterr().out.splitlines()
    assert a.endswith("a.exr") and c.endswith("c.exr")
    assert b.startswith(f"failed: {photos / 'b.jpg'}: ")
    assert exr.read(tmp_path / "out" / "c.exr").values.shape == (120, 160)


def test_video_frames(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = cv2.imread(str(photo))
    assert picture is not None
    source, output = tmp_path / "video.avi", tmp_path / "depth.avi"
    writer = cv2.VideoWriter(str(source), cv2.VideoWriter.fourcc(*"MJPG"), 10, (160, 120))
    for shift in range(6):
        writer.write(np.roll(picture, 4 * shift, axis=1))
    writer.release()
    script("video_frames").main(source, output)
    assert capsys.readouterr().out == f"6 frames -> {output}\n"
    found = cv2.VideoCapture(str(output))
    read = [found.read() for _ in range(7)]
    assert [there for there, _ in read] == [True] * 6 + [False]
    assert read[0][1].shape == (120, 160, 3) and read[0][1].std() > 10
    with pytest.raises(SystemExit, match="OpenCV reads no frame of it"):
        script("video_frames").main(tmp_path / "missing.avi", output)


def test_there_are_five_and_the_page_names_them() -> None:
    page = (ROOT / "docs/python.md").read_text(encoding="utf-8")
    assert len(SCRIPTS) == 5
    assert all(f"examples/{path.name}" in page for path in SCRIPTS)
    assert all(f"def test_{path.stem}(" in Path(__file__).read_text("utf-8") for path in SCRIPTS)
