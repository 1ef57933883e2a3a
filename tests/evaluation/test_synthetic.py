"""The synthetic set: the same scenes for everyone, on every machine."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ppdcli.evaluation import synthetic
from ppdcli.evaluation.synthetic import entries, scenes
from ppdcli.geometry.unproject import unproject
from ppdcli.scenes.primitives import series
from ppdcli.scenes.primitives.compositions import compose
from ppdcli.scenes.primitives.render import rotation
from ppdcli.scenes.samples import SKY_DEPTH
from ppdcli.training import shards

COUNT = 12
# SHA-256 of the depth of scenes 0 to 2: whoever changes the renderer changes the benchmark.
DEPTH = "b2d262ee6e4feee701beb9bbb6e2d119387b62d1953288ce5904ebda0f8e9bf7"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic, "SHAPE", (48, 64))


def test_the_set_has_the_size_of_small_photos_and_its_scenes_stay_what_they_are() -> None:
    digest = hashlib.sha256()
    for photo, depth in scenes(3):
        assert photo.rgb.shape == (384, 512, 3) and photo.rgb.dtype == np.uint8
        assert depth.shape == (384, 512) and depth.max() <= SKY_DEPTH
        digest.update(depth.tobytes())
    assert digest.hexdigest() == DEPTH


@pytest.mark.slow
def test_a_plain_processor_renders_the_same(tmp_path: Path) -> None:
    """Without any vector extension that this one may have."""
    program = (
        "import sys, cv2, numpy as np\n"
        "cv2.setNumThreads(1)\n"
        "from ppdcli.evaluation import synthetic\n"
        "found = list(synthetic.scenes(4))\n"
        "np.savez(sys.argv[1], rgb=[p.rgb for p, _ in found], depth=[d for _, d in found])\n"
    )
    newer = "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"
    plain = {
        "NUMBA_CACHE_DIR": str(tmp_path / "numba"),
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CPU_FEATURES": "",
        "NPY_DISABLE_CPU_FEATURES": newer,
        "OPENCV_CPU_DISABLE": "AVX,AVX2,FMA3,FP16",
    }
    for name, environment in (("here", {}), ("plain", plain)):
        command = [sys.executable, "-W", "ignore", "-c", program, str(tmp_path / f"{name}.npz")]
        subprocess.run(command, env={**os.environ, **environment}, check=True)
    here, there = (np.load(tmp_path / f"{name}.npz") for name in ("here", "plain"))
    np.testing.assert_array_equal(here["depth"], there["depth"])
    apart = np.abs(here["rgb"].astype(int) - there["rgb"])
    assert (apart > 0).mean() < 2e-4 and apart.max() <= 8


@pytest.mark.usefixtures("small")
def test_a_scene_is_the_same_whatever_the_count() -> None:
    few, many = list(scenes(2)), list(scenes(4))
    for (photo, depth), (same, again) in zip(few, many, strict=False):
        assert photo.name == same.name
        np.testing.assert_array_equal(photo.rgb, same.rgb)
        np.testing.assert_array_equal(depth, again)
    assert len({photo.name for photo, _ in many}) == 4


def test_no_training_draws_these_textures() -> None:
    assert synthetic.BANK > shards.BANKS


@pytest.mark.usefixtures("small")
def test_the_textures_are_made_once() -> None:
    series.texture_bank.cache_clear()
    list(scenes(3))
    assert series.texture_bank.cache_info().misses == 1


@pytest.mark.usefixtures("small")
def test_entries_are_the_scenes_with_the_sky_masked() -> None:
    names = []
    for entry, (photo, depth) in zip(entries(COUNT), scenes(COUNT), strict=True):
        frame = entry.load()
        names.append(entry.name)
        assert frame.photo.name == photo.name
        np.testing.assert_array_equal(frame.depth, depth)
        np.testing.assert_array_equal(frame.valid, depth < SKY_DEPTH)
    assert len(set(names)) == COUNT


@pytest.mark.parametrize("number", [0, 1, 5, 6, 8])  # with bare ground in the lower left corner
def test_the_camera_is_the_one_that_the_scene_was_rendered_with(number: int) -> None:
    """The ground leans as the camera did only if the focal length is right."""
    frame = entries(number + 1)[number].load()
    assert frame.camera is not None
    corner = replace(frame.camera, cy=frame.camera.cy - 344, width=112, height=40)
    points, _ = unproject(frame.depth[344:, :112], corner)
    middle = points.mean(axis=0)
    spread, directions = np.linalg.svd((points - middle).astype(float), full_matrices=False)[1:]
    assert spread[-1] < 1e-5 * middle[2] * len(points) ** 0.5
    scene = compose(synthetic.SEED, number, synthetic.TEXTURES)
    up = rotation(0.0, scene.pitch, scene.roll)[1] * (-1, 1, -1)  # the renderer's y is up
    assert abs(directions[-1] @ up) > 1 - 1e-7
