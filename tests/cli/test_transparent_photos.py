"""Where a photo is transparent there is no depth and no point."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from PIL import Image
from standins import Moge, sample, use_moge
from typer.testing import Result

from ppdcli.checkpoints import hub
from ppdcli.models.pixel_perfect import PixelPerfectDepth

Ppd = Callable[..., Result]
HEIGHT, WIDTH = 96, 128
_Y, _X = np.mgrid[:HEIGHT, :WIDTH]
OPAQUE = (_X - 60) ** 2 + (_Y - 50) ** 2 < 900


@pytest.fixture
def cutout(ppd: Ppd, tiny: list[str], monkeypatch: pytest.MonkeyPatch) -> Ppd:
    """``cutout(command, option, ...)`` of a round cut-out."""
    monkeypatch.setattr(PixelPerfectDepth, "sample", sample)
    monkeypatch.setattr(hub, "find", lambda _: None)
    shades = np.random.default_rng(0).integers(0, 200, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    Image.fromarray(np.dstack([shades, np.where(OPAQUE, 255, 0).astype(np.uint8)])).save("cut.png")

    def call(command: str, *options: object) -> Result:
        result = ppd(command, "cut.png", *tiny, "--overwrite", *options)
        assert result.exit_code == 0, result.stderr
        return result

    return call


@pytest.mark.parametrize(
    "options",
    [("--near-far", "1,4"), ("--depth", "flat.npy"), ("--align", "known.txt"), ()],
    ids=" ".join,
)
def test_a_cloud_has_points_only_where_the_photo_shows_something(
    cutout: Ppd, options: tuple[str, ...]
) -> None:
    np.save("flat.npy", np.full((HEIGHT, WIDTH), 2, np.float32))
    rng = np.random.default_rng(0)
    rows = [(u, v, 1 + (HEIGHT - v) / 20) for u, v in rng.integers(0, 96, (300, 2))]
    np.savetxt("known.txt", rows)
    result = cutout("pointcloud", *options, "--fov", 60, "--no-edge-clean", "--json")
    assert json.loads(result.stdout)["points"] == OPAQUE.sum()
    head = Path("ppd-out/cut.ply").read_bytes()[:2000]
    assert f"comment transparent {(~OPAQUE).sum()} pixels of the photo left out".encode() in head
    assert ("are where the photo is transparent, and are left out" in result.stderr) == (
        "--align" in options
    )


def test_points_that_were_removed_are_those_that_could_be_seen(cutout: Ppd) -> None:
    report = json.loads(cutout("pointcloud", "--near-far", "1,9", "--fov", 60, "--json").stdout)
    assert report["points"] + report["points_removed"] == OPAQUE.sum()


@pytest.mark.parametrize("metric", [False, True])
def test_depth_files_have_none_there(
    cutout: Ppd, monkeypatch: pytest.MonkeyPatch, metric: bool
) -> None:
    use_moge(monkeypatch, Moge())
    options = ["--metric", "--keep-sky"] if metric else []
    cutout("predict", "-f", "npy,exr,png,preview", *options)
    np.testing.assert_array_equal(np.isfinite(np.load("ppd-out/cut_depth.npy")), OPAQUE)
    with OpenEXR.File("ppd-out/cut_depth.exr", separate_channels=True) as exr:
        np.testing.assert_array_equal(np.isfinite(exr.channels()["Z"].pixels), OPAQUE)
    np.testing.assert_array_equal(np.asarray(Image.open("ppd-out/cut_depth.png")) > 0, OPAQUE)


def test_at_the_networks_size_a_pixel_that_shows_anything_has_depth(cutout: Ppd) -> None:
    cutout("predict", "-f", "npy", "--model-size")
    values = np.load("ppd-out/cut_depth.npy")
    rows, columns = (
        large // small for large, small in zip(OPAQUE.shape, values.shape, strict=True)
    )
    cells = OPAQUE.reshape(values.shape[0], rows, values.shape[1], columns)
    np.testing.assert_array_equal(np.isfinite(values), cells.any(axis=(1, 3)))


def test_a_photo_that_shows_nothing_fails(ppd: Ppd, tiny: list[str]) -> None:
    Image.new("RGBA", (64, 48)).save("clear.png")
    for command in ("predict", "pointcloud"):
        result = ppd(command, "clear.png", *tiny)
        assert result.exit_code == 3
        assert "failed: clear.png: every pixel is transparent" in result.stderr
