"""PNG files: other programs read the same pixels and texts, whatever the size and the bands."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from ppdcli.errors import OutputError
from ppdcli.files import png_encoder
from ppdcli.files.png_encoder import write_png

SHAPES = [(1, 1), (1, 300), (300, 1), (37, 53), (211, 640)]


def picture(shape: tuple[int, ...]) -> np.ndarray:
    """Smooth, with jumps and grain, so that each byte of a pixel matters."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[: shape[0], : shape[1]]
    values = 20_000 + 30 * x + 11 * y + np.where(x > y, 9000, 0) + rng.integers(0, 400, x.shape)
    if len(shape) == 2:
        return values.astype(np.uint16)
    return np.stack((values, values >> 4, values >> 7), axis=2).astype(np.uint8)


def bands(pixels: np.ndarray, rows: int) -> Iterator[np.ndarray]:
    return (pixels[start : start + rows] for start in range(0, len(pixels), rows))


@pytest.mark.parametrize("library", ["isal", "zlib"])
@pytest.mark.parametrize("rows", [1, 7, 1000])
@pytest.mark.parametrize("shape", [*SHAPES, *((*shape, 3) for shape in SHAPES)])
def test_others_read_the_same_pixels(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    shape: tuple[int, ...],
    rows: int,
    library: str,
) -> None:
    if library == "zlib":
        monkeypatch.setattr(png_encoder, "isal_zlib", None)
    pixels, file = picture(shape), tmp_path / "a.png"
    write_png(file, shape, bands(pixels, rows), {})
    with Image.open(file) as image:
        assert image.mode == ("I;16" if len(shape) == 2 else "RGB")
        np.testing.assert_array_equal(np.array(image), pixels)
    by_opencv = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(by_opencv, pixels if len(shape) == 2 else pixels[..., ::-1])
    with Image.open(file) as image:
        image.verify()  # each part's checksum


def test_views_in_another_order_of_memory_are_written_as_they_look(tmp_path: Path) -> None:
    for pixels in (picture((30, 40))[::-1, ::2], picture((30, 40, 3))[:, ::-1, ::-1]):
        write_png(tmp_path / "a.png", pixels.shape, bands(pixels, 8), {})
        with Image.open(tmp_path / "a.png") as image:
            np.testing.assert_array_equal(np.array(image), pixels)


def test_texts_come_back_in_any_script(tmp_path: Path) -> None:
    texts = {
        "kind": "relative",
        "Comment": "caf\u00e9",
        "model": "\u6df1\u5ea6 \U0001f984",
        "x": "",
    }
    write_png(tmp_path / "a.png", (2, 3), [picture((2, 3))], texts)
    with Image.open(tmp_path / "a.png") as image:
        assert image.text == texts  # type: ignore[attr-defined]


def test_it_is_no_larger_than_pillows(tmp_path: Path) -> None:
    y, x = np.mgrid[:600, :800] / 800
    depth = (30_000 * (1 + np.sin(5 * x) * np.cos(4 * y))).astype(np.uint16)
    by_pillow = io.BytesIO()
    Image.fromarray(depth).save(by_pillow, format="PNG", compress_level=1)
    write_png(tmp_path / "a.png", depth.shape, bands(depth, 50), {})
    assert (tmp_path / "a.png").stat().st_size < 1.1 * by_pillow.tell()


def test_a_failure_half_way_leaves_nothing(
    tmp_path: Path, full_disk: Callable[[int], None]
) -> None:
    def breaks_off() -> Iterator[np.ndarray]:
        yield picture((10, 40))
        raise RuntimeError("no more rows")

    with pytest.raises(RuntimeError, match="no more rows"):
        write_png(tmp_path / "a.png", (20, 40), breaks_off(), {})
    full_disk(1000)
    with pytest.raises(OutputError, match=r"a\.png: cannot be written"):
        write_png(tmp_path / "a.png", (500, 400), [picture((500, 400))], {})
    full_disk(-1)
    assert not list(tmp_path.iterdir())
