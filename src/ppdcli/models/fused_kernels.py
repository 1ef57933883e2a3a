"""Kernels for graphics cards that do in one pass what PyTorch does in several, written in Triton.

They read and write half precision and compute in float32, as autocast does. ``models.fused`` calls
them; nothing else imports this module, because Triton comes only with PyTorch for CUDA.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

NORM_EPS = 1e-6  # of the blocks' norms
HEAD_EPS = 1e-5  # of the norms of queries and keys
ROWS = 16  # queries or keys per program


@triton.jit
def _norm_kernel(  # type: ignore[no-untyped-def]
    x_ptr, added_ptr, gate_ptr, shift_ptr, scale_ptr, sum_ptr, out_ptr,
    tokens, gate_stride, vector_stride, width, eps,
    ADDS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    photo = row // tokens
    column = tl.arange(0, BLOCK)
    inside = column < width
    place = row * width + column
    x = tl.load(x_ptr + place, mask=inside, other=0.0)
    if ADDS:
        added = tl.load(added_ptr + place, mask=inside, other=0.0).to(tl.float32)
        gate = tl.load(gate_ptr + photo * gate_stride + column, mask=inside, other=0.0)
        x += gate * added
        tl.store(sum_ptr + place, x, mask=inside)
    mean = tl.sum(x, 0) / width
    centred = tl.where(inside, x - mean, 0.0)
    deviation = tl.sqrt(tl.sum(centred * centred, 0) / width + eps)
    vector = photo * vector_stride + column
    scale = tl.load(scale_ptr + vector, mask=inside, other=0.0)
    shift = tl.load(shift_ptr + vector, mask=inside, other=0.0)
    out = centred / deviation * (1.0 + scale) + shift
    tl.store(out_ptr + place, out.to(out_ptr.dtype.element_ty), mask=inside)


def modulated_norm(x: Tensor, shift: Tensor, scale: Tensor, dtype: torch.dtype) -> Tensor:
    """Returns ``conditioning.modulate`` of x (N, tokens, D) float32, contiguous, in a dtype."""
    out = torch.empty_like(x, dtype=dtype)
    _launch(x, None, None, shift, scale, None, out)
    return out


def add_and_norm(
    x: Tensor, gate: Tensor, added: Tensor, shift: Tensor, scale: Tensor
) -> tuple[Tensor, Tensor]:
    """Returns y = x + gate * added, and ``conditioning.modulate`` of y in the dtype of ``added``.

    Args:
        x: (N, tokens, D) float32, contiguous.
        gate, shift, scale: (N, D) or (1, D), float32.
        added: (N, tokens, D) in half precision, contiguous.
    """
    total, out = torch.empty_like(x), torch.empty_like(added)
    _launch(x, added, gate, shift, scale, total, out)
    return total, out


def _launch(
    x: Tensor,
    added: Tensor | None,
    gate: Tensor | None,
    shift: Tensor,
    scale: Tensor,
    total: Tensor | None,
    out: Tensor,
) -> None:
    photos, tokens, width = x.shape
    _norm_kernel[(photos * tokens,)](
        x,
        x if added is None else added,
        shift if gate is None else gate,
        shift,
        scale,
        x if total is None else total,
        out,
        tokens,
        0 if gate is None or len(gate) == 1 else gate.stride(0),
        0 if len(shift) == 1 else shift.stride(0),
        width,
        NORM_EPS,
        ADDS=added is not None,
        BLOCK=triton.next_power_of_2(width),
        num_warps=4,
    )


@triton.jit
def _rotate_kernel(  # type: ignore[no-untyped-def]
    qkv_ptr, weight_ptr, bias_ptr, cos_ptr, sin_ptr, out_ptr,
    part, rows, tokens, heads, eps,
    QUARTER: tl.constexpr, ROWS: tl.constexpr,
):  # fmt: skip
    # A row is one head of one token. Channel j of a half is turned with the one a quarter further.
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    inside = (row < rows)[:, None]
    pair = tl.arange(0, 2 * QUARTER)
    channel = (pair // QUARTER * 2 * QUARTER + pair % QUARTER)[None]
    width = 4 * QUARTER
    token = row // heads
    start = (token * 3 + part) * heads * width + row % heads * width
    source = qkv_ptr + start[:, None] + channel
    first = tl.load(source, mask=inside, other=0.0).to(tl.float32)
    second = tl.load(source + QUARTER, mask=inside, other=0.0).to(tl.float32)
    mean = ((tl.sum(first, 1) + tl.sum(second, 1)) / width)[:, None]
    first, second = first - mean, second - mean
    variance = (tl.sum(first * first, 1) + tl.sum(second * second, 1)) / width
    deviation = tl.sqrt(variance + eps)[:, None]
    first = first / deviation * tl.load(weight_ptr + channel) + tl.load(bias_ptr + channel)
    second = second / deviation * tl.load(weight_ptr + channel + QUARTER)
    second += tl.load(bias_ptr + channel + QUARTER)
    place = (token % tokens)[:, None] * 2 * QUARTER + pair[None]
    cos = tl.load(cos_ptr + place, mask=inside, other=0.0)
    sin = tl.load(sin_ptr + place, mask=inside, other=0.0)
    target = out_ptr + row[:, None] * width + channel
    kind = out_ptr.dtype.element_ty
    tl.store(target, (first * cos - second * sin).to(kind), mask=inside)
    tl.store(target + QUARTER, (second * cos + first * sin).to(kind), mask=inside)


def normed_and_rotated(
    qkv: Tensor, part: int, weight: Tensor, bias: Tensor, table: Tensor, heads: int
) -> Tensor:
    """Returns the normalised and rotated queries (part 0) or keys (part 1).

    Args:
        qkv: (N, tokens, 3 * heads * head_dim) in half precision, contiguous; head_dim is 4 times a
            power of two.
        weight, bias: Of the norm, (head_dim,) float32.
        table: See ``rope.rotary_table``.

    Returns:
        (N, heads, tokens, head_dim), a view of (N, tokens, heads, head_dim).
    """
    photos, tokens, width = qkv.shape
    head_dim = width // 3 // heads
    out = qkv.new_empty(photos, tokens, heads, head_dim)
    rows = photos * tokens * heads
    _rotate_kernel[(triton.cdiv(rows, ROWS),)](
        qkv,
        weight,
        bias,
        table[0],
        table[1],
        out,
        part,
        rows,
        tokens,
        heads,
        HEAD_EPS,
        QUARTER=head_dim // 4,
        ROWS=ROWS,
        num_warps=4,
    )
    return out.transpose(1, 2)
