"""The cascade diffusion transformer, Cas-DiT, with its semantics prompt (paper sections 3.2, 3.3).

The first half of the blocks works on coarse tokens of 2p x 2p pixels. The semantics tokens of an
image encoder are then fused in, and every token becomes a 2 x 2 block of fine tokens of p x p
pixels for the second half. The network has no autoencoder, and no convolution except the patch
embeddings. It works directly on pixels, which keeps depth edges clean.
"""

from __future__ import annotations

from torch import Tensor, nn

from ppdcli.models.conditioning import Condition, TimestepEmbedding
from ppdcli.models.config import CasDiTConfig
from ppdcli.models.dit import (
    Block,
    DiT,
    FinalLayer,
    Fusion,
    PatchEmbedding,
    Prepared,
    initialise,
    run_blocks,
    to_velocity,
)
from ppdcli.models.grid import refine, require_grid, to_pixels
from ppdcli.models.rope import rotary_table


class CasDiT(DiT):
    """Coarse blocks, fusion with the semantics tokens, then fine blocks."""

    config: CasDiTConfig

    def __init__(self, config: CasDiTConfig) -> None:
        super().__init__()
        self.config = config
        width, patch = config.hidden_size, config.patch_size
        channels, x_t_channels = config.in_channels, config.out_channels
        self.x_embedder = PatchEmbedding(channels, width, 2 * patch, x_t_channels)
        self.t_embedder = TimestepEmbedding(width)
        self.blocks = nn.ModuleList(
            Block(width, config.num_heads, config.mlp_ratio) for _ in range(config.depth)
        )
        self.proj_fusion = Fusion(width, config.semantics_dim, 4 * width)
        self.fine_embedder = (
            PatchEmbedding(channels, width, patch, x_t_channels) if config.fine_embedding else None
        )
        self.final_layer = FinalLayer(width, patch * patch * config.out_channels)
        initialise(self, self.t_embedder, self.final_layer)

    def prepare(self, image: Tensor, semantics: Tensor) -> Prepared:
        rows, columns = require_grid(image, semantics, self.config)
        head_dim = self.config.hidden_size // self.config.num_heads
        return Prepared(
            (
                rotary_table(rows, columns, head_dim, image.device),
                rotary_table(2 * rows, 2 * columns, head_dim, image.device),
            ),
            self.x_embedder.image_part(image),
            self.proj_fusion.semantics_part(semantics, self.config.semantics_scale),
            None if self.fine_embedder is None else self.fine_embedder.image_part(image),
        )

    def velocity(self, x_t: Tensor, prepared: Prepared, condition: Condition) -> Tensor:
        config = self.config
        rows, columns = (side // (2 * config.patch_size) for side in x_t.shape[-2:])
        coarse, fine = prepared.tables
        half = config.depth // 2

        tokens = self.x_embedder(x_t, prepared.embedded)
        tokens = run_blocks(tokens, self.blocks[:half], condition.blocks[:half], coarse)

        tokens = refine(self.proj_fusion(tokens, prepared.prompt), rows, columns)
        if self.fine_embedder is not None:
            tokens = tokens + self.fine_embedder(x_t, prepared.fine)

        tokens = run_blocks(tokens, self.blocks[half:], condition.blocks[half:], fine)
        values = self.final_layer(tokens, condition.last)
        output = to_pixels(values, 2 * rows, 2 * columns, config.patch_size)
        x0 = config.predicts == "x0"
        return to_velocity(output, x_t, condition.timestep) if x0 else output
