"""What a backend does: it runs the networks of one model, arrays in and arrays out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np

from ppdcli.devices import Precision

Array = np.ndarray  # float32
Tokens = Any  # the semantics tokens of one photo, wherever the backend keeps them


class Backend(Protocol):
    """Runs the networks of one model on one device.

    Attributes:
        device: where it computes, such as ``cpu`` or ``cuda:0``.
        precision: of its large matrix products.
    """

    @property
    def device(self) -> str: ...

    @property
    def precision(self) -> Precision: ...

    def encoder_size(self, height: int, width: int) -> tuple[int, int]:
        """The (height, width) of the encoder's picture, where that of the network is ``height`` x
        ``width``."""

    def noise(self, height: int, width: int, seed: int) -> Array:
        """x_T of one photo, (1, 1, H, W), standard normal: the same numbers on every device."""

    def encode(self, images: Sequence[Array], views: Sequence[Array]) -> list[Tokens]:
        """The semantics tokens of photos, each encoded alone.

        Args:
            images: each (1, 3, H, W) RGB in [0, 1], as the network sees it.
            views: the same photos at ``encoder_size``.
        """

    def sample(
        self,
        images: Sequence[Array],
        tokens: Sequence[Tokens],
        noise: Array,
        steps: int,
        on_step: Callable[[int], None] | None = None,
        guess: Array | None = None,
    ) -> list[Array]:
        """Euler steps from noise to depth.

        A photo's depth is the same to the last bit whatever the other ``images`` are.

        Args:
            images: as for ``encode``, all of one size.
            tokens: what ``encode`` gave for each.
            noise: from which every photo starts.
            steps: how many.
            on_step: called with the number of steps done, after each.
            guess: of the depth of a single photo, (1, 1, H, W). The steps then begin between the
                guess and the noise, and the first half of them is left out.

        Returns:
            (1, 1, H, W) for each photo: about [0, 1], 0 near, 1 far, affine in log(depth + 1).
        """

    def most_photos(self, height: int, width: int) -> int:
        """How many photos of this size to sample in one call."""

    def widened(self) -> AbstractContextManager[None]:
        """Inside, the backend computes in float32, for photos that overflow in float16."""

    def lacks_memory(self, error: Exception) -> bool:
        """Whether an error says that memory is short."""

    def weights_digest(self) -> str:
        """12 hexadecimal digits that identify the weights."""
