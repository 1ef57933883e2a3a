"""Sizes of the diffusion transformers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from ppdcli.models.sizes import DEEPEST, WIDEST, require_counts, require_positive

Predicts = Literal["velocity", "x0"]


@dataclass(frozen=True)
class CasDiTConfig:
    """Sizes of a Cas-DiT; the defaults are those of the released model.

    Attributes:
        in_channels: Channels of the input: x_t first, then the image.
        out_channels: Channels of x_t and of the velocity.
        hidden_size: Width of a token.
        depth: Number of blocks. It is even: half of them are coarse, half fine.
        num_heads: Attention heads. hidden_size / num_heads is a multiple of 4.
        patch_size: Side of a fine patch in pixels. A coarse patch has twice that side.
        mlp_ratio: Inner width of a block's MLP divided by hidden_size.
        semantics_dim: Width of a semantics token.
        predicts: What the last layer predicts. Use x_0 for narrow models: the velocity contains the
            noise of all pixels of a token, more than a narrow token can carry.
        fine_embedding: Whether the fine tokens get the input again through their own patch
            embedding. Use it if a token is too narrow to carry 2p x 2p pixels.
        semantics_scale: Length of a semantics token after its normalisation.
        time_shift: Shift of the timesteps in training and sampling (see ``flow.shifted``). Below 1
            the first step, whose estimate has the smallest error, decides the layout and the other
            steps refine the edges.
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


@dataclass(frozen=True)
class VideoDiTConfig:
    """Sizes of the DiT for video; the defaults are those of the released model.

    The number of blocks and the sizes of patches are fixed.

    Attributes:
        hidden_size: Width of a token, a multiple of 4.
        num_heads: Attention heads.
        semantics_dim: Width of a semantics token.
    """

    hidden_size: int = 1024
    num_heads: int = 16
    semantics_dim: int = 2048

    in_channels: ClassVar[int] = 4
    out_channels: ClassVar[int] = 1
    depth: ClassVar[int] = 24
    patch_size: ClassVar[int] = 8
    time_shift: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        require_counts(WIDEST, hidden_size=self.hidden_size, semantics_dim=self.semantics_dim)
        require_counts(WIDEST, num_heads=self.num_heads)
        if self.hidden_size % self.num_heads or self.hidden_size % 4:
            raise ValueError(
                f"hidden_size {self.hidden_size} must be a multiple of 4 and of the number of "
                f"heads, {self.num_heads}"
            )
