"""Noise without PyTorch is PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.backends.torch_noise import draw_noise
from ppdcli.models import pixel_perfect

# PyTorch's own kernels (AVX2, AVX-512, plain) differ among themselves by up to 2.3e-6.
ROUNDING = 5e-6


@pytest.mark.parametrize("seed", [0, 1, 666, 2**32 - 1, 2**32, 2**33 + 7, 2**64 - 1])
@pytest.mark.parametrize("size", [(16, 16), (16, 48), (192, 256), (336, 112), (768, 1024)])
def test_it_is_the_noise_of_pytorch(size: tuple[int, int], seed: int) -> None:
    drawn, expected = draw_noise(*size, seed), pixel_perfect.draw_noise(*size, seed).numpy()
    assert drawn.shape == expected.shape
    assert drawn.dtype == expected.dtype
    assert np.abs(drawn - expected).max() <= ROUNDING


def test_another_seed_gives_other_noise() -> None:
    assert np.abs(draw_noise(16, 16, 0) - draw_noise(16, 16, 1)).max() > 1


def test_numbers_that_pytorch_would_draw_in_another_way_are_refused() -> None:
    with pytest.raises(ValueError, match="3 x 5 is not a multiple of 16 pixels"):
        draw_noise(3, 5, 0)
