"""Cas-DiT's controls: the same blocks without the cascade, with the prompt or without it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ppdcli.models.cas_dit import (
    Block,
    CasDiTConfig,
    FinalLayer,
    PatchEmbedding,
    TimestepEmbedding,
    initialise,
    to_pixels,
    to_velocity,
)
from ppdcli.models.rope import rotary_table


class PlainDiT(nn.Module):
    """All blocks on fine tokens, p x p pixels each (the first rows of the paper's ablation).

    Args:
        config: as for ``CasDiT``; ``fine_embedding`` has no meaning, the tokens are fine anyway.
        prompted: whether the semantics are fused in halfway, as in ``CasDiT``: then it is SP-DiT.
    """

    def __init__(self, config: CasDiTConfig, prompted: bool) -> None:
        super().__init__()
        self.config = config
        width, patch = config.hidden_size, config.patch_size
        self.x_embedder = PatchEmbedding(config.in_channels, width, patch)
        self.t_embedder = TimestepEmbedding(width)
        self.blocks = nn.ModuleList(
            Block(width, config.num_heads, config.mlp_ratio) for _ in range(config.depth)
        )
        self.proj_fusion = (
            nn.Sequential(
                nn.Linear(width + config.semantics_dim, 4 * width),
                nn.SiLU(),
                nn.Linear(4 * width, 4 * width),
                nn.SiLU(),
                nn.Linear(4 * width, width),
            )
            if prompted
            else None
        )
        self.final_layer = FinalLayer(width, patch * patch * config.out_channels)
        initialise(self, self.t_embedder, self.final_layer)

    def forward(self, x: Tensor, semantics: Tensor, timestep: Tensor) -> Tensor:
        """The velocity x_T - x_0 at x_t; arguments and result as for ``CasDiT.forward``."""
        config = self.config
        rows, columns = (side // config.patch_size for side in x.shape[-2:])
        table = rotary_table(rows, columns, config.hidden_size // config.num_heads, x.device)
        half = config.depth // 2
        c = self.t_embedder(timestep)
        tokens = self.x_embedder(x)
        for block in self.blocks[:half]:
            tokens = block(tokens, c, table)
        if self.proj_fusion is not None:
            prompt = F.normalize(semantics.float(), dim=-1) * config.semantics_scale
            grid = prompt.unflatten(1, (rows // 2, columns // 2))
            fine = grid.repeat_interleave(2, dim=1).repeat_interleave(2, dim=2).flatten(1, 2)
            tokens = self.proj_fusion(torch.cat((tokens, fine), dim=-1))
        for block in self.blocks[half:]:
            tokens = block(tokens, c, table)
        output = to_pixels(self.final_layer(tokens, c), rows, columns, config.patch_size)
        return to_velocity(output, x, timestep) if config.predicts == "x0" else output
