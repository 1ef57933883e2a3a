"""The cascade diffusion transformer, Cas-DiT, with its semantics prompt (paper sections 3.2, 3.3).

Half of the blocks work on coarse tokens, each 2p x 2p pixels. Semantics tokens of an image encoder
are then fused in and every token becomes a 2 x 2 block of fine ones, p x p pixels each, for the
other half. There is no convolution but the patch embeddings, and no autoencoder: pixels go in and
pixels come out, which is what keeps depth edges clean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from torch import Tensor, nn

from ppdcli.models.conditioning import Condition, TimestepEmbedding
from ppdcli.models.dit import (
    Block,
    DiT,
    FinalLayer,
    Fusion,
    PatchEmbedding,
    Prepared,
    initialise,
    through,
    to_pixels,
    to_velocity,
)
from ppdcli.models.rope import rotary_table
from ppdcli.models.sizes import DEEPEST, WIDEST, require_counts, require_positive

Predicts = Literal["velocity", "x0"]


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
        time_shift: of the times at which it is trained and sampled (``flow.shifted``). Below 1 the
            layout is decided in the first step, whose estimate errs least, and the others see to
            the edges.
    """

    in_channels: int = 4
    out_channels: int = 1
    hidden_size: int = 1024
    depth: int = 24
    num_heads: int = 16
    patch_size: int = 8
    mlp_ratio: float = 4.0
    semantics_dim: int = 1024
    predicts: Predicts = "velocity"
    fine_embedding: bool = False
    semantics_scale: float = 1.0
    time_shift: float = 1.0

    def __post_init__(self) -> None:
        require_counts(WIDEST, hidden_size=self.hidden_size, semantics_dim=self.semantics_dim)
        require_counts(WIDEST, num_heads=self.num_heads, in_channels=self.in_channels)
        require_counts(self.in_channels, out_channels=self.out_channels)
        require_counts(DEEPEST, depth=self.depth, patch_size=self.patch_size)
        require_positive(64, mlp_ratio=self.mlp_ratio, time_shift=self.time_shift)
        require_positive(1e6, semantics_scale=self.semantics_scale)
        if self.predicts not in get_args(Predicts):
            raise ValueError(f"predicts must be {' or '.join(get_args(Predicts))}")
        if not isinstance(self.fine_embedding, bool):
            raise ValueError("fine_embedding must be true or false")
        if self.depth % 2:
            raise ValueError(f"depth must be even, half coarse and half fine; it is {self.depth}")
        if self.hidden_size % (4 * self.num_heads):
            raise ValueError(
                f"hidden_size {self.hidden_size} does not split into {self.num_heads} heads "
                "of a multiple of 4 channels, which the 2-D rotary embedding needs"
            )


class CasDiT(DiT):
    """Coarse blocks, then the semantics, then fine blocks."""

    def __init__(self, config: CasDiTConfig) -> None:
        super().__init__()
        self.config = config
        width, patch = config.hidden_size, config.patch_size
        channels, moving = config.in_channels, config.out_channels
        self.x_embedder = PatchEmbedding(channels, width, 2 * patch, moving)
        self.t_embedder = TimestepEmbedding(width)
        self.blocks = nn.ModuleList(
            Block(width, config.num_heads, config.mlp_ratio) for _ in range(config.depth)
        )
        self.proj_fusion = Fusion(width, config.semantics_dim, 4 * width)
        self.fine_embedder = (
            PatchEmbedding(channels, width, patch, moving) if config.fine_embedding else None
        )
        self.final_layer = FinalLayer(width, patch * patch * config.out_channels)
        initialise(self, self.t_embedder, self.final_layer)

    def prepare(self, image: Tensor, semantics: Tensor) -> Prepared:
        rows, columns = self._coarse_grid(image, semantics)
        head_dim = self.config.hidden_size // self.config.num_heads
        return Prepared(
            (
                rotary_table(rows, columns, head_dim, image.device),
                rotary_table(2 * rows, 2 * columns, head_dim, image.device),
            ),
            self.x_embedder.of_image(image),
            self.proj_fusion.of_prompt(semantics, self.config.semantics_scale),
            None if self.fine_embedder is None else self.fine_embedder.of_image(image),
        )

    def velocity(self, x_t: Tensor, prepared: Prepared, condition: Condition) -> Tensor:
        config = self.config
        rows, columns = (side // (2 * config.patch_size) for side in x_t.shape[-2:])
        coarse, fine = prepared.tables
        half = config.depth // 2

        tokens = self.x_embedder(x_t, prepared.embedded)
        tokens = through(tokens, self.blocks[:half], condition.blocks[:half], coarse)

        tokens = _refine(self.proj_fusion(tokens, prepared.prompt), rows, columns)
        if self.fine_embedder is not None:
            tokens = tokens + self.fine_embedder(x_t, prepared.fine)

        tokens = through(tokens, self.blocks[half:], condition.blocks[half:], fine)
        values = self.final_layer(tokens, condition.last)
        output = to_pixels(values, 2 * rows, 2 * columns, config.patch_size)
        x0 = config.predicts == "x0"
        return to_velocity(output, x_t, condition.timestep) if x0 else output

    def _coarse_grid(self, image: Tensor, semantics: Tensor) -> tuple[int, int]:
        height, width = image.shape[-2:]
        coarse = 2 * self.config.patch_size
        if height % coarse or width % coarse:
            raise ValueError(f"height and width must be multiples of {coarse}: {height} x {width}")
        rows, columns = height // coarse, width // coarse
        expected = (image.shape[0], rows * columns, self.config.semantics_dim)
        if tuple(semantics.shape) != expected:
            raise ValueError(
                f"semantics tokens of shape {tuple(semantics.shape)} do not fit an input of "
                f"{height} x {width}, which takes {expected}"
            )
        return rows, columns


def _refine(fused: Tensor, rows: int, columns: int) -> Tensor:
    """Every token of width 4D becomes a 2 x 2 block of tokens of width D (section 3.2)."""
    blocks = fused.unflatten(-1, (2, 2, -1)).unflatten(1, (rows, columns))
    return blocks.transpose(2, 3).flatten(1, 4)
