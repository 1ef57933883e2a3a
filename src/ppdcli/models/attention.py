"""Attention over all tokens, with the fastest kernel for the device and dtype."""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

MPS_MATRIX = 512 << 20  # most bytes that one attention matrix takes on MPS
QUERIES = 256  # per block and thread; their scores then stay near the cache
FEW_KEYS = 768  # with fewer keys, a block is too little work to pay for its calls


def attend(q: Tensor, k: Tensor, v: Tensor, matrix_bytes: int | None = None) -> Tensor:
    """Returns softmax(q k^T / sqrt(d)) v for q, k, v (N, heads, tokens, d) of one dtype.

    PyTorch's kernels for CPUs and CUDA never hold the matrix of tokens x tokens. The kernel for
    MPS does, in float32, and aborts above 4 GB. On MPS the queries are therefore split into parts.

    Args:
        matrix_bytes: The largest size of the matrix. None means ``MPS_MATRIX`` on MPS and no limit
            elsewhere.
    """
    if matrix_bytes is None and q.device.type == "mps":
        matrix_bytes = MPS_MATRIX
    if matrix_bytes is None:
        if gains_by_blocks(q, k):
            return attend_by_blocks(q, k, v)
        return F.scaled_dot_product_attention(q, k, v)
    queries = max(1, matrix_bytes // (4 * q.shape[0] * q.shape[1] * k.shape[2]))
    parts = [F.scaled_dot_product_attention(part, k, v) for part in q.split(queries, dim=2)]
    return torch.cat(parts, dim=2)


def attend_by_blocks(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Computes the same as ``attend`` by matrix products over blocks of queries, without gradient.

    In bfloat16 on a CPU with AVX-512, PyTorch's own kernel multiplies at the speed of float32;
    matrix products are twice as fast. The scores are rounded to the dtype. For the same q, k and v
    the error against float32 is about 1.5 times that of the kernel.
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


def gains_by_blocks(q: Tensor, k: Tensor) -> bool:
    """Returns whether ``attend_by_blocks`` is faster than PyTorch's kernel."""
    return (
        q.device.type == "cpu"
        and q.dtype == torch.bfloat16
        and k.shape[2] >= FEW_KEYS
        and not (torch.is_grad_enabled() and q.requires_grad)
        and not torch.compiler.is_compiling()  # the compiler would unroll every block
        and products_outrun_attention()
    )


@cache
def products_outrun_attention() -> bool:
    """Returns whether only products have fast bfloat16; PyTorch's attention needs AMX for it."""
    return torch.cpu._is_avx512_bf16_supported() and not torch.cpu._is_amx_tile_supported()
