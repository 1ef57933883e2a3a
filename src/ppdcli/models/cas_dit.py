"""The cascade diffusion transformer, Cas-DiT, with its semantics prompt (paper sections 3.2, 3.3).

Half of the blocks work on coarse tokens, each 2p x 2p pixels. Semantics tokens of an image encoder
are then fused in and every token becomes a 2 x 2 block of fine ones, p x p pixels each, for the
other half. There is no convolution but the patch embeddings, and no autoencoder: pixels go in and
pixels come out, which is what keeps depth edges clean.

Conditioning, residual stream and output stay in float32 under autocast; the large matrix products
take the autocast dtype.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ppdcli.models.flow import T
from ppdcli.models.rope import rotary_table, rotate

FREQUENCIES = 128
MPS_MATRIX = 512 << 20  # bytes of attention matrix at a time
MAX_PERIOD = 10_000.0
MIN_TIME = 1e-6  # keeps the velocity of an x_0 prediction finite at t = 0


@dataclass(frozen=True)
class CasDiTConfig:
    """Sizes of a Cas-DiT; the defaults are those of the released model.

    Attributes:
        in_channels: channels of the input, x_t first, then the image.
        out_channels: channels of x_t and of the velocity.
        hidden_size: width of a token.
        depth: number of blocks, even: half of them coarse, half fine.
        num_heads: attention heads; hidden_size / num_heads is a multiple of 4.
        patch_size: side of a fine patch in pixels; a coarse one has twice that.
        mlp_ratio: inner width of a block's MLP over hidden_size.
        semantics_dim: width of a semantics token.
        predicts: what the last layer's output means. x_0 is for narrow models: their tokens
            cannot carry the noise of all their pixels, which the velocity contains.
        fine_embedding: whether the fine tokens see the input once more through a patch embedding
            of their own, for widths that cannot carry 2p x 2p pixels through one token.
        semantics_scale: length of a semantics token after its normalisation.
    """

    in_channels: int = 4
    out_channels: int = 1
    hidden_size: int = 1024
    depth: int = 24
    num_heads: int = 16
    patch_size: int = 8
    mlp_ratio: float = 4.0
    semantics_dim: int = 1024
    predicts: Literal["velocity", "x0"] = "velocity"
    fine_embedding: bool = False
    semantics_scale: float = 1.0

    def __post_init__(self) -> None:
        if self.depth % 2:
            raise ValueError(f"depth must be even, half coarse and half fine; it is {self.depth}")
        if self.hidden_size % (4 * self.num_heads):
            raise ValueError(
                f"hidden_size {self.hidden_size} does not split into {self.num_heads} heads "
                "of a multiple of 4 channels, which the 2-D rotary embedding needs"
            )


class PatchEmbedding(nn.Module):
    """Each patch of pixels becomes one token, row-major: (N, C, H, W) -> (N, tokens, D)."""

    def __init__(self, in_channels: int, hidden_size: int, patch_size: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(in_channels, hidden_size, patch_size, stride=patch_size)

    def forward(self, x: Tensor) -> Tensor:
        return self.proj(x).flatten(2).transpose(1, 2)


class TimestepEmbedding(nn.Module):
    """Timesteps (N,) in [0, 1000] -> conditioning vectors c (N, D), float32."""

    computes_in_float32 = True

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(2 * FREQUENCIES, hidden_size), nn.SiLU(), nn.Linear(hidden_size, hidden_size)
        )

    @staticmethod
    def sinusoid(timestep: Tensor) -> Tensor:
        """[cos | sin] at 128 frequencies from 1 down towards 1 / 10000: (N,) -> (N, 256)."""
        k = torch.arange(FREQUENCIES, device=timestep.device, dtype=torch.float32)
        # The order of these float32 operations matters: t = 1000 enlarges their rounding errors.
        frequency = torch.exp(-math.log(MAX_PERIOD) * k / FREQUENCIES)
        angle = timestep.float()[:, None] * frequency
        return torch.cat((angle.cos(), angle.sin()), dim=-1)

    def forward(self, timestep: Tensor) -> Tensor:
        with torch.autocast(timestep.device.type, enabled=False):
            return self.mlp(self.sinusoid(timestep))


class Modulation(nn.Sequential):
    """adaLN-Zero (DiT, arXiv 2212.09748): c (N, D) -> ``parts`` vectors (N, 1, D), float32."""

    computes_in_float32 = True

    def __init__(self, hidden_size: int, parts: int) -> None:
        super().__init__(nn.SiLU(), nn.Linear(hidden_size, parts * hidden_size))
        self.parts = parts

    def forward(self, c: Tensor) -> tuple[Tensor, ...]:
        with torch.autocast(c.device.type, enabled=False):
            return super().forward(c).unsqueeze(1).chunk(self.parts, dim=-1)


def modulate(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """LayerNorm without an affine part of its own; c gives it: (N, tokens, D)."""
    return F.layer_norm(x, x.shape[-1:], eps=1e-6) * (1 + scale) + shift


def attend(q: Tensor, k: Tensor, v: Tensor, matrix_bytes: int | None = None) -> Tensor:
    """softmax(q k^T / sqrt(d)) v for q, k, v (N, heads, tokens, d).

    PyTorch's kernels for CPUs and CUDA never hold the matrix of tokens x tokens; the one for MPS
    does, in float32, and aborts where it exceeds 4 GB. There the queries are taken in portions.

    Args:
        matrix_bytes: most that the matrix may take; None is no limit, but on MPS ``MPS_MATRIX``.
    """
    if matrix_bytes is None and q.device.type == "mps":
        matrix_bytes = MPS_MATRIX
    if matrix_bytes is None:
        return F.scaled_dot_product_attention(q, k, v)
    queries = max(1, matrix_bytes // (4 * q.shape[0] * q.shape[1] * k.shape[2]))
    parts = [F.scaled_dot_product_attention(part, k, v) for part in q.split(queries, dim=2)]
    return torch.cat(parts, dim=2)


class Attention(nn.Module):
    """Self-attention over all tokens, with normalised queries and keys and 2-D rotary embedding."""

    def __init__(self, hidden_size: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(hidden_size, 3 * hidden_size)
        self.q_norm = nn.LayerNorm(hidden_size // num_heads, eps=1e-5)
        self.k_norm = nn.LayerNorm(hidden_size // num_heads, eps=1e-5)
        self.proj = nn.Linear(hidden_size, hidden_size)

    def forward(self, x: Tensor, table: Tensor) -> Tensor:
        qkv = self.qkv(x).unflatten(-1, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(dim=0)
        # Norm and rotation may run in float32; the attention takes one dtype.
        q = rotate(self.q_norm(q), table).to(v.dtype)
        k = rotate(self.k_norm(k), table).to(v.dtype)
        attended = attend(q, k, v)
        return self.proj(attended.transpose(1, 2).flatten(2))


class Mlp(nn.Module):
    """Linear, GELU in its tanh approximation, Linear."""

    def __init__(self, hidden_size: int, inner_size: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(hidden_size, inner_size)
        self.fc2 = nn.Linear(inner_size, hidden_size)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x), approximate="tanh"))


class Block(nn.Module):
    """A DiT block: attention and MLP, each modulated and gated by c."""

    def __init__(self, hidden_size: int, num_heads: int, mlp_ratio: float) -> None:
        super().__init__()
        self.attn = Attention(hidden_size, num_heads)
        self.mlp = Mlp(hidden_size, int(hidden_size * mlp_ratio))
        self.adaLN_modulation = Modulation(hidden_size, parts=6)

    def forward(self, x: Tensor, c: Tensor, table: Tensor) -> Tensor:
        shift1, scale1, gate1, shift2, scale2, gate2 = self.adaLN_modulation(c)
        x = x + gate1 * self.attn(modulate(x, shift1, scale1), table)
        return x + gate2 * self.mlp(modulate(x, shift2, scale2))


class FinalLayer(nn.Module):
    """Tokens (N, tokens, D) -> the values of their pixels (N, tokens, values), float32."""

    computes_in_float32 = True

    def __init__(self, hidden_size: int, values: int) -> None:
        super().__init__()
        self.linear = nn.Linear(hidden_size, values)
        self.adaLN_modulation = Modulation(hidden_size, parts=2)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        shift, scale = self.adaLN_modulation(c)
        # Not under autocast: the 8 bits of bfloat16 would show as steps in the depth.
        with torch.autocast(x.device.type, enabled=False):
            return self.linear(modulate(x.float(), shift, scale))


def initialise(network: nn.Module, times: TimestepEmbedding, last: FinalLayer) -> None:
    """adaLN-Zero: every block starts as the identity and the output as 0."""
    if last.linear.weight.is_meta:
        return  # to be filled from a file; for ``normal_`` there PyTorch imports its compiler
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


def to_pixels(values: Tensor, rows: int, columns: int, p: int) -> Tensor:
    """(N, rows * columns, p * p * channels) -> (N, channels, rows * p, columns * p)."""
    grid = values.unflatten(-1, (p, p, -1)).unflatten(1, (rows, columns))
    return grid.permute(0, 5, 1, 3, 2, 4).flatten(4, 5).flatten(2, 3)


def to_velocity(x_0: Tensor, x: Tensor, timestep: Tensor) -> Tensor:
    """The velocity x_T - x_0 of a predicted x_0 (N, C, H, W); the first C channels of x are x_t."""
    x_t = x[:, : x_0.shape[1]].float()
    time = (timestep.float() / T).clamp(min=MIN_TIME)
    return (x_t - x_0) / time.view(-1, 1, 1, 1)


class CasDiT(nn.Module):
    """The network of the flow: the velocity of x_t, given the image and its semantics."""

    def __init__(self, config: CasDiTConfig) -> None:
        super().__init__()
        self.config = config
        width, patch = config.hidden_size, config.patch_size
        self.x_embedder = PatchEmbedding(config.in_channels, width, 2 * patch)
        self.t_embedder = TimestepEmbedding(width)
        self.blocks = nn.ModuleList(
            Block(width, config.num_heads, config.mlp_ratio) for _ in range(config.depth)
        )
        self.proj_fusion = nn.Sequential(
            nn.Linear(width + config.semantics_dim, 4 * width),
            nn.SiLU(),
            nn.Linear(4 * width, 4 * width),
            nn.SiLU(),
            nn.Linear(4 * width, 4 * width),
        )
        self.fine_embedder = (
            PatchEmbedding(config.in_channels, width, patch) if config.fine_embedding else None
        )
        self.final_layer = FinalLayer(width, patch * patch * config.out_channels)
        initialise(self, self.t_embedder, self.final_layer)

    def forward(self, x: Tensor, semantics: Tensor, timestep: Tensor) -> Tensor:
        """The velocity x_T - x_0 at x_t.

        Args:
            x: (N, in_channels, H, W): x_t, then the image minus 0.5. H and W are multiples of
                2 * patch_size.
            semantics: (N, H * W / (2 * patch_size)^2, semantics_dim), one token per coarse patch,
                row-major, of any length: only their directions count.
            timestep: (N,) or (1,), float or int in [0, 1000].

        Returns:
            (N, out_channels, H, W) float32.

        Raises:
            ValueError: if the sizes do not fit the patches or each other.
        """
        config = self.config
        rows, columns = self._coarse_grid(x, semantics)
        head_dim = config.hidden_size // config.num_heads
        coarse_table = rotary_table(rows, columns, head_dim, x.device)
        fine_table = rotary_table(2 * rows, 2 * columns, head_dim, x.device)
        half = config.depth // 2

        c = self.t_embedder(timestep)
        tokens = self.x_embedder(x)
        for block in self.blocks[:half]:
            tokens = block(tokens, c, coarse_table)
        tokens = self._refine(tokens, semantics, rows, columns)
        if self.fine_embedder is not None:
            tokens = tokens + self.fine_embedder(x)
        for block in self.blocks[half:]:
            tokens = block(tokens, c, fine_table)
        values = self.final_layer(tokens, c)
        output = to_pixels(values, 2 * rows, 2 * columns, config.patch_size)
        return to_velocity(output, x, timestep) if config.predicts == "x0" else output

    def _coarse_grid(self, x: Tensor, semantics: Tensor) -> tuple[int, int]:
        height, width = x.shape[-2:]
        coarse = 2 * self.config.patch_size
        if height % coarse or width % coarse:
            raise ValueError(f"height and width must be multiples of {coarse}: {height} x {width}")
        rows, columns = height // coarse, width // coarse
        expected = (x.shape[0], rows * columns, self.config.semantics_dim)
        if tuple(semantics.shape) != expected:
            raise ValueError(
                f"semantics tokens of shape {tuple(semantics.shape)} do not fit an input of "
                f"{height} x {width}, which takes {expected}"
            )
        return rows, columns

    def _refine(self, tokens: Tensor, semantics: Tensor, rows: int, columns: int) -> Tensor:
        """Fuses the semantics and turns each token into a 2 x 2 block of them (section 3.2)."""
        prompt = F.normalize(semantics.float(), dim=-1) * self.config.semantics_scale
        fused = self.proj_fusion(torch.cat((tokens, prompt), dim=-1))
        blocks = fused.unflatten(-1, (2, 2, -1)).unflatten(1, (rows, columns))
        return blocks.transpose(2, 3).flatten(1, 4)
