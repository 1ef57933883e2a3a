"""float16 products in a graph that is exported, where an exporter knows no autocast."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

PRODUCTS: tuple[Callable[..., Tensor], ...] = (F.linear, F.conv2d, F.conv_transpose2d)
NORMS: tuple[Callable[..., Tensor], ...] = (F.layer_norm, F.batch_norm)
ACTIVATIONS: tuple[Callable[..., Tensor], ...] = (F.gelu, F.silu)


class ByWeights(TorchFunctionMode):
    """Inside, the dtype of the weights decides in which dtype a layer computes.

    Where ``precision.keep_weights_in`` has made weights float16, this is what autocast does on a
    CUDA card: products in float16; norms, and the inside of activations and of the softmax, in
    float32. Where all weights are float32, nothing changes.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func in PRODUCTS:
            x, weight, *rest = args
            return func(x.to(weight.dtype), weight, *rest, **kwargs)
        if func in NORMS:
            return func(args[0].float(), *args[1:], **kwargs)
        if func in ACTIVATIONS and args[0].dtype == torch.float16:
            return func(args[0].float(), *args[1:], **kwargs).half()
        if func is F.scaled_dot_product_attention and args[0].dtype == torch.float16:
            return attend_in_half(*args[:3])
        return func(*args, **kwargs)


def attend_in_half(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """``attention.attend`` for float16, as products around a softmax in float32."""
    scores = (q * q.shape[-1] ** -0.5) @ k.mT
    return scores.float().softmax(dim=-1).half() @ v
