"""Shared parts of diffusion transformers on pixels (DiT, arXiv 2212.09748).

A forward pass has three parts. ``prepare`` computes what depends only on the image,
``condition`` what depends only on the timestep, and ``velocity`` the rest. A sampler repeats
only ``velocity`` at each step.

Conditioning, residual stream and output stay in float32 under autocast. The large matrix products
use the autocast dtype.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ppdcli.models import fused
from ppdcli.models.attention import attend
from ppdcli.models.conditioning import Condition, Modulation, TimestepEmbedding, modulate
from ppdcli.models.config import CasDiTConfig, VideoDiTConfig
from ppdcli.models.flow import T
from ppdcli.models.precision import without_autocast
from ppdcli.models.rope import rotate

MIN_TIME = 1e-6  # keeps the velocity of an x_0 prediction finite at t = 0


@dataclass(frozen=True)
class Prepared:
    """The values of an image and its semantics tokens that are the same at every step.

    Attributes:
        tables: Tables of positions, one for each grid of tokens that has one, in order of the
            grids: of the rotary embedding, or added to the tokens, as the network does it.
        embedded: The image's part of the patch embedding, (N, tokens, D).
        prompt: The semantics' part of the fusion's first layer, (N, tokens of the fusion, 4D).
            None for a network without semantics.
        fine: The image's part of the fine patch embedding, (N, fine tokens, D), if there is one.
    """

    tables: tuple[Tensor, ...]
    embedded: Tensor
    prompt: Tensor | None
    fine: Tensor | None = None


class PatchEmbedding(nn.Module):
    """Turns patches of pixels into tokens, row-major: (N, C, H, W) -> (N, tokens, D), float32.

    The embedding is linear. The image's part is computed once, and the part of x_t is added to it
    at each step.

    Args:
        x_t_channels: Number of channels of x_t, which come first.
    """

    def __init__(
        self, in_channels: int, hidden_size: int, patch_size: int, x_t_channels: int
    ) -> None:
        super().__init__()
        self.x_t_channels = x_t_channels
        self.proj = nn.Conv2d(in_channels, hidden_size, patch_size, stride=patch_size)

    def image_part(self, image: Tensor) -> Tensor:
        """Returns the part of the image, including the bias. It is the same at every step."""
        return self._tokens(image, self.proj.weight[:, self.x_t_channels :], self.proj.bias)

    def forward(self, x_t: Tensor, image_part: Tensor) -> Tensor:
        return image_part + self._tokens(x_t, self.proj.weight[:, : self.x_t_channels], None)

    def _tokens(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        patches = F.conv2d(x, weight, bias, stride=self.proj.stride)
        return patches.flatten(2).transpose(1, 2).float()


class Attention(nn.Module):
    """Self-attention over all tokens, with normalised queries and keys.

    They get a 2-D rotary embedding if ``forward`` is given its table.
    """

    def __init__(self, hidden_size: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(hidden_size, 3 * hidden_size)
        self.q_norm = nn.LayerNorm(hidden_size // num_heads, eps=1e-5)
        self.k_norm = nn.LayerNorm(hidden_size // num_heads, eps=1e-5)
        self.proj = nn.Linear(hidden_size, hidden_size)

    def forward(self, x: Tensor, table: Tensor | None, by_kernel: bool = False) -> Tensor:
        """Attends over x (N, tokens, D); ``by_kernel``: norm and rotation run in one kernel."""
        qkv = self.qkv(x)
        q, k, v = qkv.unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4).unbind(dim=0)
        if by_kernel and table is not None:
            from ppdcli.models.fused_kernels import normed_and_rotated

            norms = (self.q_norm, self.k_norm)
            q, k = (
                normed_and_rotated(qkv, part, norm.weight, norm.bias, table, self.num_heads)
                for part, norm in enumerate(norms)
            )
        else:
            q, k = self.q_norm(q), self.k_norm(k)
            if table is not None:
                q, k = rotate(q, table), rotate(k, table)
        # Norm and rotation can run in float32; the attention needs a single dtype.
        attended = attend(q.to(v.dtype), k.to(v.dtype), v)
        return self.proj(attended.transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    """Linear layer, GELU (the tanh approximation or the exact one), linear layer."""

    def __init__(
        self, hidden_size: int, inner_size: int, gelu: Literal["tanh", "none"] = "tanh"
    ) -> None:
        super().__init__()
        self.fc1 = nn.Linear(hidden_size, inner_size)
        self.fc2 = nn.Linear(inner_size, hidden_size)
        self.gelu = gelu

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x), approximate=self.gelu))


class Block(nn.Module):
    """A DiT block: attention and MLP, each modulated and gated by vectors from c."""

    def __init__(self, hidden_size: int, num_heads: int, mlp_ratio: float) -> None:
        super().__init__()
        self.attn = Attention(hidden_size, num_heads)
        self.mlp = Mlp(hidden_size, int(hidden_size * mlp_ratio))
        self.adaLN_modulation = Modulation(hidden_size, parts=6)

    def forward(self, x: Tensor, vectors: Tensor, table: Tensor | None) -> Tensor:
        """``vectors`` (N or 1, 6, D) is the output of ``adaLN_modulation`` for c."""
        shift1, scale1, gate1, shift2, scale2, gate2 = vectors.unbind(dim=1)
        if fused.uses_kernels(x, x.shape[-1] // self.attn.num_heads):
            from ppdcli.models.fused_kernels import add_and_norm, modulated_norm

            # The first tokens of a grid come by channel, or in half precision.
            x = x.float().contiguous()
            half = modulated_norm(x, shift1, scale1, torch.get_autocast_dtype(x.device.type))
            x, half = add_and_norm(x, gate1, self.attn(half, table, by_kernel=True), shift2, scale2)
            return torch.addcmul(x, gate2[:, None], self.mlp(half))
        attended = self.attn(modulate(x, shift1, scale1), table)
        x = torch.addcmul(x, gate1[:, None], attended)
        return torch.addcmul(x, gate2[:, None], self.mlp(modulate(x, shift2, scale2)))


class Fusion(nn.ModuleList):
    """Three layers over tokens joined with the semantics tokens (section 3.2).

    The first layer is linear. The semantics' part is computed once, and the part of the image
    tokens is added to it at each step.

    Args:
        hidden_size: Width of a token.
        semantics_dim: Width of a semantics token.
        out_size: Width of an output token.
    """

    def __init__(self, hidden_size: int, semantics_dim: int, out_size: int) -> None:
        super().__init__(
            [
                nn.Linear(hidden_size + semantics_dim, 4 * hidden_size),
                nn.SiLU(),
                nn.Linear(4 * hidden_size, 4 * hidden_size),
                nn.SiLU(),
                nn.Linear(4 * hidden_size, out_size),
            ]
        )
        self.hidden_size = hidden_size

    def semantics_part(self, semantics: Tensor, scale: float) -> Tensor:
        """Returns the semantics' part of the first layer, including the bias.

        Args:
            semantics: (N, tokens, semantics_dim), of any length; only their directions count.
            scale: Length of a semantics token after normalisation.
        """
        prompt = F.normalize(semantics.float(), dim=-1) * scale
        first: nn.Linear = self[0]  # type: ignore[assignment]
        return F.linear(prompt, first.weight[:, self.hidden_size :], first.bias)

    def forward(self, tokens: Tensor, semantics_part: Tensor) -> Tensor:
        first, *rest = self
        weight: Tensor = first.weight  # type: ignore[assignment]
        hidden = F.linear(tokens, weight[:, : self.hidden_size]) + semantics_part
        for layer in rest:
            hidden = layer(hidden)
        return hidden


class FinalLayer(nn.Module):
    """Maps tokens (N, tokens, D) to the values of their pixels (N, tokens, values), float32."""

    computes_in_float32 = True

    def __init__(self, hidden_size: int, values: int) -> None:
        super().__init__()
        self.linear = nn.Linear(hidden_size, values)
        self.adaLN_modulation = Modulation(hidden_size, parts=2)

    def forward(self, x: Tensor, vectors: Tensor) -> Tensor:
        """``vectors`` (N or 1, 2, D) is the output of ``adaLN_modulation`` for c."""
        shift, scale = vectors.unbind(dim=1)
        # In float32: the 8 bits of bfloat16 would show as steps in the depth.
        with without_autocast(x):
            return self.linear(modulate(x.float(), shift, scale))


class DiT(nn.Module):
    """A network of the flow. It predicts the velocity of x_t from the image and its semantics.

    A subclass creates the layers and implements ``prepare`` and ``velocity``.
    """

    config: CasDiTConfig | VideoDiTConfig
    t_embedder: TimestepEmbedding
    blocks: nn.ModuleList
    final_layer: FinalLayer

    def forward(self, x: Tensor, semantics: Tensor, timestep: Tensor) -> Tensor:
        """Returns the velocity x_T - x_0 at x_t.

        Args:
            x: (N, in_channels, H, W): x_t, then the image minus 0.5. H and W are multiples of
                2 * patch_size.
            semantics: (N, H * W / (2 * patch_size)^2, semantics_dim), one token per coarse patch,
                row-major, of any length; only their directions count.
            timestep: (N,) or (1,), float or int in [0, 1000].

        Returns:
            (N, out_channels, H, W) float32.

        Raises:
            ValueError: The sizes do not fit the patches or each other.
        """
        x_t, image = x.tensor_split([self.config.out_channels], dim=1)
        return self.velocity(x_t, self.prepare(image, semantics), self.condition(timestep))

    def prepare(self, image: Tensor, semantics: Tensor) -> Prepared:
        """Computes what is the same at every step, from an image minus 0.5 and its semantics.

        See ``forward`` for the shapes.

        Raises:
            ValueError: The sizes do not fit the patches or each other.
        """
        raise NotImplementedError

    def condition(self, timestep: Tensor) -> Condition:
        """Computes what is the same for every image, from timesteps (N,)."""
        c = self.t_embedder(timestep)
        vectors = tuple(block.adaLN_modulation(c) for block in self.blocks)  # type: ignore[operator]
        return Condition(timestep, vectors, self.final_layer.adaLN_modulation(c))

    def velocity(self, x_t: Tensor, prepared: Prepared, condition: Condition) -> Tensor:
        """Returns the velocity at x_t (N, out_channels, H, W), of the same shape and float32."""
        raise NotImplementedError


def run_blocks(
    tokens: Tensor, blocks: Iterable[nn.Module], vectors: Iterable[Tensor], table: Tensor | None
) -> Tensor:
    """Passes the tokens of one grid through the blocks in order."""
    for block, of_block in zip(blocks, vectors, strict=True):
        tokens = block(tokens, of_block, table)
    return tokens


def initialise(network: nn.Module, times: TimestepEmbedding, last: FinalLayer) -> None:
    """Initialises as adaLN-Zero: every block starts as the identity and the output as 0."""
    if last.linear.weight.is_meta:
        return  # a file fills the weights; ``normal_`` on meta would import PyTorch's compiler
    for module in network.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            nn.init.xavier_uniform_(module.weight.view(len(module.weight), -1))
            nn.init.zeros_(module.bias)  # type: ignore[arg-type]
    for module in times.mlp:
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.02)
    for module in network.modules():
        if isinstance(module, Modulation):
            nn.init.zeros_(module[1].weight)  # type: ignore[arg-type]
    nn.init.zeros_(last.linear.weight)


def to_velocity(x_0: Tensor, x_t: Tensor, timestep: Tensor) -> Tensor:
    """Returns the velocity x_T - x_0 of a predicted x_0 (N, C, H, W)."""
    time = (timestep.float() / T).clamp(min=MIN_TIME)
    return (x_t.float() - x_0) / time.view(-1, 1, 1, 1)
