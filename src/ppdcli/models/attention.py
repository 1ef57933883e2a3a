"""Attention over all tokens, by the kernel that is fastest for its device and dtype."""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

MPS_MATRIX = 512 << 20  # bytes of attention matrix at a time
QUERIES = 256  # in a block, a thread: their scores stay near the cache
FEW_KEYS = 768  # below, a block is too little work for its calls


def attend(q: Tensor, k: Tensor, v: Tensor, matrix_bytes: int | None = None) -> Tensor:
    """softmax(q k^T / sqrt(d)) v for q, k, v (N, heads, tokens, d) of one dtype.

    PyTorch's kernels for CPUs and CUDA never hold the matrix of tokens x tokens; the one for MPS
    does, in float32, and aborts where it exceeds 4 GB. There the queries are taken in portions.

    Args:
        matrix_bytes: most that the matrix may take; None is no limit, but on MPS ``MPS_MATRIX``.
    """
    if matrix_bytes is None and q.device.type == "mps":
        matrix_bytes = MPS_MATRIX
    if matrix_bytes is None:
        if _gains_by_blocks(q, k):
            return attend_by_blocks(q, k, v)
        return F.scaled_dot_product_attention(q, k, v)
    queries = max(1, matrix_bytes // (4 * q.shape[0] * q.shape[1] * k.shape[2]))
    parts = [F.scaled_dot_product_attention(part, k, v) for part in q.split(queries, dim=2)]
    return torch.cat(parts, dim=2)


def attend_by_blocks(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The same from matrix products, some queries of one head at a time; has no gradient.

    In bfloat16 on a CPU with AVX-512 PyTorch's own kernel multiplies at float32's speed, matrix
    products at twice that. Scores are rounded to the dtype: of the errors against float32, those
    of q, k and v being the same, this makes about 1.5 times the kernel's.
    """
    q = q * q.shape[-1] ** -0.5
    attended = torch.empty_like(q, memory_format=torch.contiguous_format)
    heads = (x.flatten(0, 1) for x in (q, k, v, attended))
    queries = QUERIES * torch.get_num_threads()
    for q_head, k_head, v_head, out_head in zip(*heads, strict=True):
        for block, out in zip(q_head.split(queries), out_head.split(queries), strict=True):
            scores = block @ k_head.T
            torch.softmax(scores, dim=-1, out=scores)
            torch.mm(scores, v_head, out=out)
    return attended


def _gains_by_blocks(q: Tensor, k: Tensor) -> bool:
    return (
        q.device.type == "cpu"
        and q.dtype == torch.bfloat16
        and k.shape[2] >= FEW_KEYS
        and not (torch.is_grad_enabled() and q.requires_grad)
        and not torch.compiler.is_compiling()  # would write out every block
        and _products_outrun_attention()
    )


@cache
def _products_outrun_attention() -> bool:
    """Whether bfloat16 is native to products but not to PyTorch's attention, which knows AMX."""
    return torch.cpu._is_avx512_bf16_supported() and not torch.cpu._is_amx_tile_supported()
