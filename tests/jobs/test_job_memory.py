"""A photo on its way through a job takes no more memory than the pipeline reserves for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from ppdcli.jobs.order import PIXEL_BYTES

WIDTH, HEIGHT = 3000, 2000

# In a process of its own, whose peak starts anew once everything is imported.
MEASURE = """
import re, sys
from pathlib import Path
import numpy as np
from ppdcli.depth import DepthMap
from ppdcli.files import exr, npy, png, preview
from ppdcli.jobs.inputs import discover
from ppdcli.jobs.order import Order
from ppdcli.jobs.plan import Format, plan
from ppdcli.jobs.run import run
from ppdcli.jobs.work import Writable

FORMATS = [Format(name, "." + name) for name in ("png", "exr", "npy", "preview.png")]
WRITERS = {"exr": exr.write, "npy": npy.write, "preview.png": preview.write,
           "png": lambda path, depth: png.write(path, depth, "normalized")}

class Slope:
    def make_ahead(self, photo): pass
    def batch_key(self, photo): return 0
    def batch_size(self, photo): return 1
    def examine(self, job): pass
    def predict(self, photos):
        values = np.linspace(0, 1, 144 * 192, dtype=np.float32).reshape(144, 192)
        return [DepthMap(values, "relative") for _ in photos]
    def build(self, job, seen, depth, wanted):
        height, width = job.photo.rgb.shape[:2]
        full = depth.resized(height, width, job.photo.rgb)
        return Writable({}, lambda name, path: WRITERS[name](path, full))

def memory(key):
    return int(re.search(key + r":\\s+([0-9]+) kB", Path("/proc/self/status").read_text())[1]) << 10

def do(photo):
    tasks = plan(discover([photo]).inputs, FORMATS, Path(sys.argv[3]))
    (result,) = run(tasks, Order(Slope, FORMATS, overwrite=True))
    assert result.status == "done", result.error

do(sys.argv[1])
before = memory("VmRSS")
Path("/proc/self/clear_refs").write_text("5")
do(sys.argv[2])
print(memory("VmHWM") - before)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux tells a peak there")
@pytest.mark.parametrize(("suffix", "codec"), [("jpg", "jpg"), ("jp2", "jpg_2000")])
def test_a_photo_takes_what_is_reserved(tmp_path: Path, suffix: str, codec: str) -> None:
    if not features.check(codec):
        pytest.skip(f"this Pillow writes no {suffix}")
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    picture = Image.fromarray(np.stack((x // 12, y // 8, (x + y) // 20), axis=-1).astype(np.uint8))
    small, large = tmp_path / f"small.{suffix}", tmp_path / f"large.{suffix}"
    picture.resize((300, 200)).save(small)
    picture.save(large)
    command = [sys.executable, "-c", MEASURE, str(small), str(large), str(tmp_path / "out")]
    peak = int(subprocess.check_output(command))
    assert 7 < peak / (WIDTH * HEIGHT) < PIXEL_BYTES, "Pillow's four bytes and our three, or more"
