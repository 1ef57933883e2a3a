"""The Python of docs/python.md runs, block after block."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

import ppdcli

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/python.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    with Image.open(ROOT / "src/ppdcli/data/example.jpg") as example:
        for path in ("photo.jpg", "photos/a.jpg", "photos/b.jpg"):
            example.resize((160, 120)).save(path)
    Path("photos/c.jpg").write_bytes(b"no photo")
    cv2.imwrite("sensor.png", np.full((120, 160), 2000, np.uint16))
    Path("camera.txt").write_text("140 0 79.5\n0 140 59.5\n0 0 1\n")
    small = ppdcli.load("ppd-tiny", device="cpu")
    small.area = 64 * 48
    monkeypatch.setattr(ppdcli, "load", lambda name: small)
    relative = np.asarray(small.predict("photo.jpg").full_size())
    u, v = np.meshgrid(np.arange(5, 160, 25), np.arange(5, 120, 25))
    known = np.column_stack([u.ravel(), v.ravel(), np.expm1(1.2 * relative[v, u] + 0.7).ravel()])
    np.savetxt("known.txt", known)
    names: dict[str, Any] = {}
    for block in BLOCKS:
        exec(block, names)
    assert names["picture"].shape == (120, 160, 3)
    assert names["by_points"].unit == names["again"].unit == names["raw"].unit == "m"
    made = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert {"depth.exr", "cloud.ply", "mesh.glb", "a.npy", "b.npy"} <= made
    assert len(BLOCKS) >= 7


def test_every_public_name_is_there_and_the_page_has_the_main_ones() -> None:
    for name in ppdcli.__all__:
        assert getattr(ppdcli, name) is not None and name in dir(ppdcli)
    for name in ("load", "load_photo", "read_depth", "PpdError", "PpdWarning", "Camera"):
        assert f"ppdcli.{name}" in PAGE
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        ppdcli.nothing  # noqa: B018
