"""The diffusion transformer for video of Pixel-Perfect Video Depth (PPVD, arXiv 2601.05246).

It denoises the frames of one window together. It has the cascade of Cas-DiT, with an additive table
of positions in place of the rotary embedding. In the last blocks, every frame also attends to
reference tokens of the window's first three frames, and temporal blocks join the frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ppdcli.models.conditioning import Condition, TimestepEmbedding
from ppdcli.models.config import VideoDiTConfig
from ppdcli.models.dit import (
    Block,
    DiT,
    FinalLayer,
    Fusion,
    PatchEmbedding,
    Prepared,
    initialise,
    run_blocks,
)
from ppdcli.models.grid import refine, require_grid, to_pixels

TABLE = 32  # side of the stored table of positions, that of the coarse grid at 512 x 512
COARSE = 12  # blocks before the fusion
PLAIN = 6  # fine blocks in which a frame sees itself alone; the other fine blocks have references
TEMPORAL = 3  # the last blocks have a temporal block before them
REFERENCES = 3  # frames of the window that all others see, its first ones
REFERENCE_CELL = 4  # side of the cells of fine tokens whose mean is a reference token
MAX_PERIOD = 10_000.0
SLICE = 8192  # tokens that a block sees at once, where it joins no frames; it bounds the memory


class VideoDiT(DiT):
    """Predicts the velocity of all frames of a window at one shared timestep.

    The batch axis of ``forward`` and of its parts is that of the frames: x is (frames, 4, H, W), at
    least 3 frames, and timestep is (1,). At 512 x 512 the stored table gives the positions, as in
    the released model. At other sizes the formula of the table's initial values does.
    """

    config: VideoDiTConfig

    def __init__(self, config: VideoDiTConfig) -> None:
        super().__init__()
        self.config = config
        width, heads, patch = config.hidden_size, config.num_heads, config.patch_size
        channels, x_t_channels = config.in_channels, config.out_channels
        self.pos_embed = nn.Parameter(torch.empty(1, TABLE * TABLE, width))
        self.x_embedder = PatchEmbedding(channels, width, 2 * patch, x_t_channels)
        self.t_embedder = TimestepEmbedding(width)
        self.blocks = nn.ModuleList(Block(width, heads, 4.0) for _ in range(config.depth))
        self.temporal_blocks = nn.ModuleList(Block(width, heads, 4.0) for _ in range(TEMPORAL))
        self.proj_fusion = Fusion(width, config.semantics_dim, 4 * width)
        self.final_layer = FinalLayer(width, patch * patch * config.out_channels)
        initialise(self, self.t_embedder, self.final_layer)
        if not self.pos_embed.is_meta:
            with torch.no_grad():
                self.pos_embed.copy_(grid_positions(TABLE, TABLE, width))

    def positions(self, rows: int, columns: int) -> Tensor:
        """Returns the positions of a grid of coarse tokens: (1, rows * columns, D) float32."""
        if rows == columns == TABLE:
            return self.pos_embed
        return grid_positions(rows, columns, self.config.hidden_size).to(self.pos_embed.device)

    def prepare(self, image: Tensor, semantics: Tensor) -> Prepared:
        if len(image) < REFERENCES:
            raise ValueError(f"a window must have {REFERENCES} frames or more, not {len(image)}")
        positions = self.positions(*require_grid(image, semantics, self.config))
        return Prepared(
            (positions,),
            self.x_embedder.image_part(image),
            self.proj_fusion.semantics_part(semantics, 1.0),
        )

    def condition(self, timestep: Tensor) -> Condition:
        """Like ``DiT.condition``; the vectors of the temporal blocks come after the others."""
        c = self.t_embedder(timestep)
        blocks: Iterable[Block] = (*self.blocks, *self.temporal_blocks)
        vectors = tuple(block.adaLN_modulation(c) for block in blocks)
        return Condition(timestep, vectors, self.final_layer.adaLN_modulation(c))

    def velocity(self, x_t: Tensor, prepared: Prepared, condition: Condition) -> Tensor:
        coarse = 2 * self.config.patch_size
        rows, columns = x_t.shape[-2] // coarse, x_t.shape[-1] // coarse
        vectors, temporal = (
            condition.blocks[: len(self.blocks)],
            condition.blocks[len(self.blocks) :],
        )
        embedded = self.x_embedder(x_t, prepared.embedded) + prepared.tables[0]
        assert prepared.prompt is not None
        frames = max(1, SLICE // (4 * rows * columns))

        def alone(tokens: Tensor, prompt: Tensor) -> Tensor:
            """The blocks in which a frame sees itself alone: coarse tokens in, fine ones out."""
            tokens = run_blocks(tokens, self.blocks[:COARSE], vectors[:COARSE], None)
            tokens = refine(self.proj_fusion(tokens, prompt), rows, columns)
            plain = slice(COARSE, COARSE + PLAIN)
            return run_blocks(tokens, self.blocks[plain], vectors[plain], None)

        tokens = in_slices(alone, frames, embedded, prepared.prompt)
        first_temporal = len(self.blocks) - TEMPORAL
        for k in range(COARSE + PLAIN, len(self.blocks)):
            if k >= first_temporal:
                t = k - first_temporal
                tokens = across_frames(tokens, self.temporal_blocks[t], temporal[t])
            references = reference_tokens(tokens, 2 * rows, 2 * columns)
            tokens = in_slices(
                lambda part, k=k, seen=references: beside(part, seen, self.blocks[k], vectors[k]),
                frames,
                tokens,
            )
        values = self.final_layer(tokens, condition.last)
        return to_pixels(values, 2 * rows, 2 * columns, self.config.patch_size)


def in_slices(function: Callable[..., Tensor], size: int, *batches: Tensor) -> Tensor:
    """Applies a function to ``size`` members of the batches at a time, and joins the results."""
    if size >= len(batches[0]):
        return function(*batches)
    parts = zip(*(batch.split(size) for batch in batches), strict=True)
    return torch.cat([function(*part) for part in parts])


def across_frames(tokens: Tensor, block: nn.Module, vectors: Tensor) -> Tensor:
    """Applies a temporal block: a token attends to its own place in all frames.

    The order of the frames does not count.

    Args:
        tokens: (frames, tokens, D).
        block: A ``Block``.
        vectors: The adaLN vectors of the block.
    """
    places = max(1, SLICE // len(tokens))
    parts = tokens.split(places, dim=1)
    done = [block(part.transpose(0, 1), vectors, None).transpose(0, 1) for part in parts]
    return torch.cat(done, dim=1)


def reference_tokens(tokens: Tensor, rows: int, columns: int) -> Tensor:
    """Returns the reference tokens: means over 4 x 4 fine tokens of the first three frames.

    A remainder at the lower or right edge of the grid is left out.

    Args:
        tokens: (frames, rows * columns, D).
        rows, columns: The grid of fine tokens.

    Returns:
        (1, 3 * (rows // 4) * (columns // 4), D), frame after frame.
    """
    grids = tokens[:REFERENCES].transpose(1, 2).unflatten(2, (rows, columns))
    cells = F.avg_pool2d(grids, REFERENCE_CELL)
    return cells.flatten(2).transpose(1, 2).flatten(0, 1)[None]


def beside(tokens: Tensor, references: Tensor, block: nn.Module, vectors: Tensor) -> Tensor:
    """Applies a block to frames whose tokens also attend to the reference tokens."""
    count = tokens.shape[1]
    joined = torch.cat((tokens, references.expand(len(tokens), -1, -1)), dim=1)
    return block(joined, vectors, None)[:, :count]


def grid_positions(rows: int, columns: int, width: int) -> Tensor:
    """Returns the initial table of positions of a grid: (1, rows * columns, width) float32.

    The first half of the channels encodes the column and the second half the row, each as sines of
    all frequencies, then cosines.
    """
    pairs = width // 4
    frequency = MAX_PERIOD ** -(torch.arange(pairs, dtype=torch.float64) / pairs)

    def encoded(count: int) -> Tensor:
        angle = torch.arange(count, dtype=torch.float64)[:, None] * frequency
        return torch.cat((angle.sin(), angle.cos()), dim=1)

    column = encoded(columns)[None].expand(rows, columns, -1)
    row = encoded(rows)[:, None].expand(rows, columns, -1)
    return torch.cat((column, row), dim=-1).flatten(0, 1)[None].float()
