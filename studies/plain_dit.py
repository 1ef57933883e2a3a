"""Baselines of Cas-DiT: the same blocks without the cascade, with or without semantics tokens."""

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
from ppdcli.models.grid import to_pixels
from ppdcli.models.rope import rotary_table


class PlainDiT(DiT):
    """A DiT with all blocks on fine tokens of p x p pixels (first rows of the paper's ablation).

    Args:
        config: As for ``CasDiT``. ``fine_embedding`` is ignored, because all tokens are fine.
        prompted: Whether the semantics are fused in after half of the blocks, as in ``CasDiT``.
            The network is then the paper's SP-DiT.
    """

    config: CasDiTConfig

    def __init__(self, config: CasDiTConfig, prompted: bool) -> None:
        super().__init__()
        self.config = config
        width, patch = config.hidden_size, config.patch_size
        self.x_embedder = PatchEmbedding(config.in_channels, width, patch, config.out_channels)
        self.t_embedder = TimestepEmbedding(width)
        self.blocks = nn.ModuleList(
            Block(width, config.num_heads, config.mlp_ratio) for _ in range(config.depth)
        )
        self.proj_fusion = Fusion(width, config.semantics_dim, width) if prompted else None
        self.final_layer = FinalLayer(width, patch * patch * config.out_channels)
        initialise(self, self.t_embedder, self.final_layer)

    def prepare(self, image: Tensor, semantics: Tensor) -> Prepared:
        config = self.config
        rows, columns = (side // config.patch_size for side in image.shape[-2:])
        head_dim = config.hidden_size // config.num_heads
        tables = (rotary_table(rows, columns, head_dim, image.device),)
        embedded = self.x_embedder.image_part(image)
        if self.proj_fusion is None:
            return Prepared(tables, embedded, None)
        coarse = self.proj_fusion.semantics_part(semantics, config.semantics_scale)
        grid = coarse.unflatten(1, (rows // 2, columns // 2))
        fine = grid.repeat_interleave(2, dim=1).repeat_interleave(2, dim=2).flatten(1, 2)
        return Prepared(tables, embedded, fine)

    def velocity(self, x_t: Tensor, prepared: Prepared, condition: Condition) -> Tensor:
        config = self.config
        rows, columns = (side // config.patch_size for side in x_t.shape[-2:])
        (table,) = prepared.tables
        half = config.depth // 2
        tokens = self.x_embedder(x_t, prepared.embedded)
        tokens = run_blocks(tokens, self.blocks[:half], condition.blocks[:half], table)
        if self.proj_fusion is not None:
            tokens = self.proj_fusion(tokens, prepared.prompt)
        tokens = run_blocks(tokens, self.blocks[half:], condition.blocks[half:], table)
        output = to_pixels(
            self.final_layer(tokens, condition.last), rows, columns, config.patch_size
        )
        x0 = config.predicts == "x0"
        return to_velocity(output, x_t, condition.timestep) if x0 else output
