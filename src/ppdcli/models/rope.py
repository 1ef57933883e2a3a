"""Rotary position embedding (RoFormer, arXiv 2104.09864) in two dimensions."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

BASE = 100.0


def rotary_table(rows: int, columns: int, head_dim: int, device: torch.device) -> Tensor:
    """Returns cosines and sines for a grid of tokens, row-major. The latest tables are cached.

    Pair j of an axis turns by the token's coordinate times 100^(-2j / (head_dim / 2)).

    Returns:
        (2, rows * columns, 2, head_dim / 4) float32: [cosine, sine], token, [row, column] axis,
        pair.
    """
    if torch.compiler.is_exporting():  # rows and columns are then symbols
        return _new_table(rows, columns, head_dim, device)
    return kept_table(rows, columns, head_dim, device)


@lru_cache(maxsize=8)
def kept_table(rows: int, columns: int, head_dim: int, device: torch.device) -> Tensor:
    """Returns the table; the latest ones are kept."""
    with torch.inference_mode(False):  # training can then use a table made for a prediction
        return _new_table(rows, columns, head_dim, device)


def _new_table(rows: int, columns: int, head_dim: int, device: torch.device) -> Tensor:
    pairs = head_dim // 4
    frequency = BASE ** (-torch.arange(pairs, device=device, dtype=torch.float32) / pairs)
    row = torch.arange(rows, device=device)[:, None].expand(rows, columns).flatten()
    column = torch.arange(columns, device=device)[None].expand(rows, columns).flatten()
    angle = torch.stack((row, column), dim=1)[:, :, None] * frequency
    return torch.stack((angle.cos(), angle.sin()))


def rotate(x: Tensor, table: Tensor) -> Tensor:
    """Rotates queries or keys by their token's place in the grid.

    The first half of the channels turns by the row, the second by the column. Within a half,
    channel j is paired with the channel a quarter of the head further on.

    Args:
        x: (N, heads, tokens, head_dim).
        table: The result of ``rotary_table`` for the same grid and head_dim.

    Returns:
        The same shape, in the wider of the two dtypes.
    """
    cos, sin = table
    first, second = x.unflatten(-1, (2, 2, -1)).unbind(dim=-2)
    turned = (
        torch.addcmul(first * cos, second, sin, value=-1),
        torch.addcmul(second * cos, first, sin),
    )
    return torch.stack(turned, dim=-2).flatten(-3)
