"""The backend that runs PyTorch's networks, on a processor or a graphics card."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from ppdcli.announce import Announce, silent
from ppdcli.backends.protocol import Array
from ppdcli.devices import Precision, dtype_of, finish, free_memory, lacks_memory
from ppdcli.models.pixel_perfect import PixelPerfectDepth, draw_noise
from ppdcli.models.recorded import RecordedSteps

BYTES_PER_PIXEL = 1024  # of the sampler's working memory on a card, beside its weights; an estimate
LARGEST_BATCH = 8  # more photos in a forward gain nothing
DIGEST_VALUES = 64  # of each tensor


class PyTorchBackend:
    """Runs a model with PyTorch; see ``backends.protocol.Backend``.

    Attributes:
        model: the networks, on their device.
        torch_device: where they are.
        precision: of their large matrix products.
        announce: called with lines for the user.
    """

    def __init__(
        self,
        model: PixelPerfectDepth,
        device: torch.device,
        precision: Precision,
        announce: Announce = silent,
    ) -> None:
        self.model = model.to(device).requires_grad_(False)
        self.torch_device, self.precision = device, precision
        self.announce = announce
        self._same_in_batch: dict[tuple[int, ...], bool] = {}  # (photos, height, width)
        self._plain_blocks: nn.ModuleList | None = None  # the blocks, where compiled ones run

    @property
    def device(self) -> str:
        """Where it computes, such as ``cpu`` or ``cuda:0``."""
        return str(self.torch_device)

    @property
    def is_compiled(self) -> bool:
        """Whether ``compile`` was asked for and no photo has shown that it cannot be."""
        return self._plain_blocks is not None

    def compile(self) -> None:
        """Has PyTorch compile the transformer's blocks, which takes a minute at the first photo.

        Blocks of equal shapes share what is compiled; a second size is compiled for any size.
        Where it fails, as without a C++ compiler, a line is announced and the blocks run as before.
        """
        if self._plain_blocks is None:
            self._plain_blocks = self.model.network.blocks
            compiled = [cast(nn.Module, torch.compile(block)) for block in self._plain_blocks]
            self._use(nn.ModuleList(compiled))

    def uncompile(self) -> None:
        """Has the transformer's blocks run as PyTorch runs them otherwise."""
        if self._plain_blocks is not None:
            self._use(self._plain_blocks)
            self._plain_blocks = None

    def record_steps(self) -> None:
        """Has a CUDA card replay recorded steps (``models.recorded``); nothing on other devices.

        It takes the working memory of a step once more for each of the latest two sizes.
        """
        if self.torch_device.type == "cuda" and self.model.recorded is None:
            self.model.recorded = RecordedSteps(self.model.network)

    def encoder_size(self, height: int, width: int) -> tuple[int, int]:
        """The size at which the encoder wants a photo."""
        return self.model.encoder_size(height, width)

    def noise(self, height: int, width: int, seed: int) -> Array:
        """x_T, drawn on the CPU."""
        return draw_noise(height, width, seed).numpy()

    def encode(self, images: Sequence[Array], views: Sequence[Array]) -> list[Tensor]:
        """The semantics tokens of photos."""
        with self._autocast():
            self.model.encoder.to(self.torch_device)  # from where _make_room may have put it
            tokens = []
            for image, view in zip(images, views, strict=True):
                there = self._there(image)
                larger = there if view is image else self._there(view)
                tokens.append(self.model.encode(there, larger))
            finish(self.torch_device)
        return tokens

    def sample(
        self,
        images: Sequence[Array],
        tokens: Sequence[Tensor],
        noise: Array,
        steps: int,
        on_step: Callable[[int], None] | None = None,
        guess: Array | None = None,
    ) -> list[Array]:
        """Euler steps from noise to depth.

        Matrix products and convolutions may round differently for several pictures at once,
        depending on their size and the device. So several photos share a forward only at sizes
        where that has been found to make no difference: at the first batch of a size both ways are
        taken and compared, and what one at a time gives counts.
        """
        height, width = images[0].shape[-2:]
        self._make_room(height, width, sum(len(image) for image in images))
        with self._autocast():
            pairs = [
                (self._there(image), semantics)
                for image, semantics in zip(images, tokens, strict=True)
            ]
            start = self._there(noise)
            warm = None if guess is None else self._there(guess)
            try:
                depths = self._sample(pairs, start, steps, on_step, warm)
            except RuntimeError as error:
                if not self.is_compiled or lacks_memory(error):
                    raise
                self.uncompile()
                cause = (str(error).splitlines() or [type(error).__name__])[0]
                self.announce(f"the model cannot be compiled here ({cause}); it runs uncompiled")
                depths = self._sample(pairs, start, steps, on_step, warm)
        return [depth.numpy() for depth in depths]

    def most_photos(self, height: int, width: int) -> int:
        """More than one on a CUDA card, as far as half of its free memory goes.

        On a CPU two or more took 0.86 of the sampler's CPU time, which the comparison in ``sample``
        eats up again where sizes are mixed.
        """
        free = free_memory(self.torch_device)
        if free is None:
            return 1
        return max(1, min(LARGEST_BATCH, free // (2 * height * width * BYTES_PER_PIXEL)))

    @contextmanager
    def widened(self) -> Iterator[None]:
        """float32 inside: float16 ends at 65504, and a photo may take a model beyond."""
        precision = self.precision
        dtypes = {name: tensor.dtype for name, tensor in self.model.state_dict().items()}
        try:
            self.model.float()
            self.precision = "fp32"
            yield
        finally:
            self.precision = precision
            for name, tensor in self.model.state_dict(keep_vars=True).items():
                tensor.data = tensor.data.to(dtypes[name])  # lossless: they came from there

    def lacks_memory(self, error: Exception) -> bool:
        """Whether an error says that memory is short."""
        return lacks_memory(error)

    def lighter_settings(self) -> list[str]:
        """Half precision, and the computer's own memory."""
        lighter = ["the precision bf16"] if self.precision == "fp32" else []
        return lighter if self.device == "cpu" else [*lighter, "the device cpu"]

    def weights_digest(self) -> str:
        """A hash of some values of every tensor."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self.model.state_dict().items()):
            some = tensor.detach().flatten()[:DIGEST_VALUES].float().cpu().numpy()
            digest.update(f"{name}{tuple(tensor.shape)}".encode() + some.tobytes())
        return digest.hexdigest()[:12]

    def _autocast(self) -> torch.autocast:
        half = self.precision != "fp32"
        return torch.autocast(self.torch_device.type, dtype_of(self.precision), enabled=half)

    def _there(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self.torch_device)

    def _sample(
        self,
        pairs: Sequence[tuple[Tensor, Tensor]],
        noise: Tensor,
        steps: int,
        on_step: Callable[[int], None] | None,
        guess: Tensor | None,
    ) -> list[Tensor]:
        """The depth of each image with its semantics, one by one or in one batch."""
        shape = (len(pairs), *noise.shape[-2:])
        known = self._same_in_batch.get(shape)
        if len(pairs) > 1 and known:
            batched = self._sample_batch(pairs, noise, steps, on_step)
            if batched is not None:
                return batched
        # One after the other without waiting in between, so that a card is kept busy.
        sampled = [self.model.sample(*pair, noise, steps, on_step, guess) for pair in pairs]
        depths = [depth.float().cpu() for depth in sampled]
        if len(pairs) > 1 and known is None:
            batched = self._sample_batch(pairs, noise, steps, None)
            self._same_in_batch[shape] = batched is not None and all(
                torch.equal(one, other) for one, other in zip(depths, batched, strict=True)
            )
        return depths

    def _sample_batch(
        self,
        pairs: Sequence[tuple[Tensor, Tensor]],
        noise: Tensor,
        steps: int,
        on_step: Callable[[int], None] | None,
    ) -> list[Tensor] | None:
        """The same in one forward a step; None where memory does not suffice."""
        image = torch.cat([image for image, _ in pairs])
        semantics = _in_one([semantics for _, semantics in pairs])
        noises = noise.expand(len(pairs), -1, -1, -1)
        try:
            depths = self.model.sample(image, semantics, noises, steps, on_step).float().cpu()
        except (MemoryError, RuntimeError) as error:
            if not lacks_memory(error):
                raise
            self._same_in_batch[len(pairs), *noise.shape[-2:]] = False
            return None
        return list(depths.split(1))

    def _use(self, blocks: nn.ModuleList) -> None:
        self.model.network.blocks = blocks
        if self.model.recorded is not None:
            self.model.recorded.forget()

    def _make_room(self, height: int, width: int, photos: int) -> None:
        """Where the card is small: drops recorded steps, and lets the encoder wait in main memory
        while the sampler runs."""
        free = free_memory(self.torch_device)
        if free is not None and free < photos * height * width * BYTES_PER_PIXEL:
            if self.model.recorded is not None:
                self.model.recorded.forget()
            self.model.encoder.to("cpu")


def _in_one(parts: Sequence[Tensor]) -> Tensor:
    """(1, tokens, width) each -> (N, tokens, width), in the order of memory that they have: sums
    over a row round differently in another."""
    if parts[0].is_contiguous():
        return torch.cat(list(parts))
    return torch.cat([part.mT for part in parts]).mT
