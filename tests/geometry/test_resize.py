from __future__ import annotations

import numpy as np
import pytest
import torch
from parity import Golden, ParityRecord, sha256

from ppdcli.geometry.resize import resize_rgb, working_size
from ppdcli.models.tensors import to_tensor

GOLDEN = Golden("resize")


def test_working_size_parity(parity: ParityRecord) -> None:
    sizes = [working_size(h, w) for h, w in GOLDEN["in.sizes_hw"].tolist()]
    parity.check_exact(GOLDEN, "out.sizes_hw", sizes, "sizes")


@pytest.mark.parametrize("name", ["cubic", "area"])
def test_pixel_parity(name: str, parity: ParityRecord) -> None:
    rgb = GOLDEN[f"in.{name}"]
    size = working_size(*rgb.shape[:2])
    resized = resize_rgb(rgb, *size)
    parity.check_exact(GOLDEN, f"out.{name}_hw", size, "sizes")
    parity.check_levels(GOLDEN, f"out.{name}_every8", resized[::8, ::8])
    parity.check_levels(GOLDEN, f"out.{name}_crop_topleft", resized[:24, :24])
    parity.check_levels(GOLDEN, f"out.{name}_crop_bottomright", resized[-24:, -24:])
    if name == "area":
        parity.check_exact(GOLDEN, "out.area_sha256", sha256(resized), "sha256 of all pixels")


@pytest.mark.parametrize("size", [(1, 1), (10, 4000), (3024, 4032), (500, 333)])
def test_working_size_obeys_area_and_multiple(size: tuple[int, int]) -> None:
    height, width = working_size(*size, area=256 * 192, multiple=32)
    assert height % 32 == width % 32 == 0
    assert min(height, width) >= 32
    if min(height, width) > 32:
        assert height * width == pytest.approx(256 * 192, rel=0.2)


@pytest.mark.parametrize("area", [256, 256 * 192, 1024 * 768])
@pytest.mark.parametrize("long", [100, 5000, 900_000])
def test_a_strip_asks_for_no_more_than_other_photos(long: int, area: int) -> None:
    high, wide = working_size(long, 1, area)
    assert (wide, high) == working_size(1, long, area)
    assert high * wide <= 2 * area


def test_to_tensor_divides_like_float64() -> None:
    rgb = np.arange(256 * 3, dtype=np.uint16).reshape(16, 16, 3).astype(np.uint8)
    tensor = to_tensor(rgb)
    assert tensor.shape == (1, 3, 16, 16)
    assert tensor.dtype == torch.float32
    expected = (rgb / 255.0).astype(np.float32)
    assert np.array_equal(tensor[0].permute(1, 2, 0).numpy(), expected)
    assert tensor.min() == 0
    assert tensor.max() == 1
