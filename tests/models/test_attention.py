"""Attention by whichever kernel, against its definition."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from parity import normal
from torch import Tensor

from ppdcli.models import attention
from ppdcli.models.attention import FEW_KEYS, attend, attend_by_blocks


def triple(tokens: int, width: int = 8) -> tuple[Tensor, Tensor, Tensor]:
    """q, k, v (2, 3, tokens, width), v being laid out as a fused product leaves it."""
    q, k = (torch.from_numpy(normal((2, 3, tokens, width), seed)) for seed in (0, 1))
    v = torch.from_numpy(normal((2, tokens, 3, width), 2)).transpose(1, 2)
    return q, k, v


def definition(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    q, k, v = q.double(), k.double(), v.double()
    scores = q @ k.transpose(2, 3) / q.shape[-1] ** 0.5
    return (torch.softmax(scores, dim=-1) @ v).float()


@pytest.mark.parametrize("matrix_bytes", [None, 1, 2 * 3 * 4 * 10 * 5, 1 << 20])
def test_portions_of_the_queries_make_no_difference(matrix_bytes: int | None) -> None:
    q, k, v = triple(10)
    torch.testing.assert_close(attend(q, k, v, matrix_bytes), definition(q, k, v))


@pytest.mark.parametrize("queries", [1, 4, 10, 99])
def test_blocks_make_no_difference(queries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "QUERIES", queries)
    q, k, v = triple(10)
    torch.testing.assert_close(attend_by_blocks(q, k, v), definition(q, k, v))


def test_blocks_bear_large_scores() -> None:
    q, k, v = triple(10)
    torch.testing.assert_close(attend_by_blocks(100 * q, k, v), definition(100 * q, k, v))


def test_blocks_in_bfloat16_are_about_as_exact_as_the_kernel() -> None:
    """In the range of normalised queries and keys."""
    q, k, v = triple(600, width=64)
    expected = definition(q, k, v)
    half = [x.bfloat16() for x in (q, k, v)]

    def error(attended: Tensor) -> float:
        assert attended.dtype == torch.bfloat16
        return (attended.float() - expected).square().mean().sqrt().item()

    kernel = error(F.scaled_dot_product_attention(*half))
    assert 0 < kernel < 0.01 * expected.std().item()
    assert error(attend_by_blocks(*half)) < 2 * kernel


@pytest.fixture
def by_blocks(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Gets an entry whenever ``attend`` takes the blocks, on a processor where they gain."""
    taken: list[bool] = []

    def note(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        taken.append(True)
        return attend_by_blocks(q, k, v)

    monkeypatch.setattr(attention, "attend_by_blocks", note)
    monkeypatch.setattr(attention, "products_outrun_attention", lambda: True)
    return taken


def test_many_bfloat16_tokens_go_by_blocks(by_blocks: list[bool]) -> None:
    q, k, v = triple(FEW_KEYS)
    half = [x.bfloat16() for x in (q, k, v)]
    torch.testing.assert_close(
        attend(*half).float(), F.scaled_dot_product_attention(q, k, v), atol=0.01, rtol=0
    )
    assert by_blocks


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_other_dtypes_take_the_kernel(dtype: torch.dtype, by_blocks: list[bool]) -> None:
    attend(*(x.to(dtype) for x in triple(FEW_KEYS)))
    assert not by_blocks


def test_few_tokens_take_the_kernel(by_blocks: list[bool]) -> None:
    attend(*(x.bfloat16() for x in triple(FEW_KEYS - 1)))
    assert not by_blocks


def test_another_processor_takes_the_kernel(
    by_blocks: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention, "products_outrun_attention", lambda: False)
    attend(*(x.bfloat16() for x in triple(FEW_KEYS)))
    assert not by_blocks


def test_training_takes_the_kernel_which_has_a_gradient(by_blocks: list[bool]) -> None:
    q, k, v = (x.bfloat16().requires_grad_() for x in triple(FEW_KEYS))
    attend(q, k, v).sum().backward()
    assert not by_blocks
    assert v.grad is not None and v.grad.abs().sum() > 0
