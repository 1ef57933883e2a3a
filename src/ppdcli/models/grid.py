"""The grids of tokens: coarse ones of 2p x 2p pixels, fine ones of p x p, and the pixels."""

from __future__ import annotations

from torch import Tensor

from ppdcli.models.config import CasDiTConfig, VideoDiTConfig


def refine(fused: Tensor, rows: int, columns: int) -> Tensor:
    """Turns every token of width 4D into a 2 x 2 block of tokens of width D (section 3.2)."""
    blocks = fused.unflatten(-1, (2, 2, -1)).unflatten(1, (rows, columns))
    return blocks.transpose(2, 3).flatten(1, 4)


def require_grid(
    image: Tensor, semantics: Tensor, config: CasDiTConfig | VideoDiTConfig
) -> tuple[int, int]:
    """Returns the rows and columns of the coarse tokens.

    Raises:
        ValueError: the sizes do not fit the patches or each other.
    """
    height, width = image.shape[-2:]
    coarse = 2 * config.patch_size
    if height % coarse or width % coarse:
        raise ValueError(f"height and width must be multiples of {coarse}: {height} x {width}")
    rows, columns = height // coarse, width // coarse
    expected = (image.shape[0], rows * columns, config.semantics_dim)
    if tuple(semantics.shape) != expected:
        raise ValueError(
            f"semantics tokens of shape {tuple(semantics.shape)} do not fit an input of "
            f"{height} x {width}, which takes {expected}"
        )
    return rows, columns


def to_pixels(values: Tensor, rows: int, columns: int, p: int) -> Tensor:
    """(N, rows * columns, p * p * channels) -> (N, channels, rows * p, columns * p)."""
    grid = values.unflatten(-1, (p, p, -1)).unflatten(1, (rows, columns))
    return grid.permute(0, 5, 1, 3, 2, 4).flatten(4, 5).flatten(2, 3)
