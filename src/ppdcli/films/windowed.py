"""Depth of a film by a model that sees a window of frames together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np

from ppdcli.announce import Announce, silent
from ppdcli.errors import PpdError
from ppdcli.films.stitching import Fit, joined, next_references
from ppdcli.films.window_choices import WindowChoices
from ppdcli.films.window_plan import FRAMES, KEY_SLOTS, keys_of, next_window

State = dict[str, np.ndarray]
Array = np.ndarray  # float32
USUAL = WindowChoices()
UNCHANGED = Fit(1.0, 0.0, 0.0, "least squares")  # of a shot's first window


@dataclass(frozen=True)
class WindowSettings:
    """How a film is computed.

    Attributes:
        size: (height, width) of the network's picture, multiples of 16, for films of any aspect
            ratio; the released model was trained at 512 x 512 alone.
        steps: Euler steps.
        seed: of the noise.
        choices: what can be had as the authors have it.
    """

    size: tuple[int, int] = (512, 512)
    steps: int = 4
    seed: int = 0
    choices: WindowChoices = USUAL


@dataclass(frozen=True, eq=False)
class WindowDepth:
    """The depth of a window's new frames.

    Attributes:
        values: (frames, H, W) float32, of the network's size, or of the film's with exact
            stitching. The unit is that of the shot, affine in log(depth + 1): 0 near, 1 far.
        fit: how it was brought into that unit; its method is ``none`` if it begins a unit of its
            own.
        state: what the next window of the shot depends on.
    """

    values: np.ndarray
    fit: Fit
    state: State


class WindowBackend(Protocol):
    """Runs the networks: what is used of ``backends.protocol.Backend``, which says more.

    A window goes through it as one photo, whose first axis is that of the frames.
    """

    @property
    def device(self) -> str: ...

    @property
    def precision(self) -> str: ...

    def noise(self, height: int, width: int, seed: int) -> Array: ...

    def encode(self, images: Sequence[Array], views: Sequence[Array]) -> list[Any]: ...

    def sample(
        self,
        images: Sequence[Array],
        tokens: Sequence[Any],
        noise: Array,
        steps: int,
        on_step: Callable[[int], None] | None = None,
    ) -> list[Array]: ...

    def widened(self) -> AbstractContextManager[None]: ...

    def lacks_memory(self, error: Exception) -> bool: ...


class WindowedDepth:
    """Computes a film window by window.

    A state is stored between windows, so that a film can be resumed. It holds three pictures and
    three maps, whatever the length of the film.

    Attributes:
        name: the model's name.
        overlap: number of frames that a window shares with the one before.
        backend: runs the networks.
        settings: how the film is computed.
        announce: called with lines for the user.
    """

    overlap = len(KEY_SLOTS)

    def __init__(
        self,
        backend: WindowBackend,
        name: str,
        settings: WindowSettings,
        announce: Announce = silent,
    ) -> None:
        self.backend, self.name, self.settings = backend, name, settings
        self.announce = announce

    @property
    def facts(self) -> dict[str, str]:
        """What the files of a film say of its depth."""
        settings = self.settings
        height, width = settings.size
        facts = {
            "model": self.name,
            "seed": str(settings.seed),
            "steps": str(settings.steps),
            "size": f"{width}x{height}",
        }
        if self.backend.precision != "fp32":
            facts["precision"] = self.backend.precision
        if settings.choices.exact_stitching:
            facts["stitching"] = "exact"
        if settings.choices.swapped_channels:
            facts["channels"] = "blue, green, red"
        return facts

    def start(self) -> State:
        """Returns the state before a shot's first window."""
        return {}

    def room(self, state: Mapping[str, np.ndarray]) -> int:
        """Returns how many new frames the next window takes."""
        return FRAMES - self.overlap if state else FRAMES

    def picture(self, rgb: np.ndarray) -> Array:
        """Resizes a frame for the network, as its authors do: bilinearly, without antialias.

        Args:
            rgb: (h, w, 3) uint8, of any size.

        Returns:
            (3, H, W) float32 in [0, 1].
        """
        channels = rgb[..., ::-1] if self.settings.choices.swapped_channels else rgb
        scaled = np.ascontiguousarray(channels, np.float32) / np.float32(255)
        return np.ascontiguousarray(bilinear(scaled, *self.settings.size).transpose(2, 0, 1))

    def depths(
        self,
        pictures: Sequence[Array],
        film_size: tuple[int, int],
        state: Mapping[str, np.ndarray],
        on_step: Callable[[int], None] | None = None,
    ) -> WindowDepth:
        """Computes the next window of a shot.

        If its depth fits that of the windows before by no line, it begins a unit of its own.

        Args:
            pictures: The shot's next frames, see ``picture``: as many as ``room`` says, or fewer at
                the end of the shot.
            film_size: (h, w) of the film, for exact stitching.
            state: That of the last window, or ``start()``. It is not changed.
            on_step: Called with the number of steps done, after each.

        Raises:
            ValueError: the number of frames fits no window.
            PpdError: out of memory.
        """
        exact = self.settings.choices.exact_stitching
        seen = next_window(list(state["pictures"]) if state else [], pictures)
        window = self._sampled(np.stack(seen), on_step)
        if exact:
            window = np.stack([bilinear(depth, *film_size) for depth in window])
        fit, references = UNCHANGED, None
        if state:
            references = state["maps"]
            window, fit = joined(window, references, exact)
            if fit.method == "none":
                references = None
        following = {
            "pictures": np.stack(keys_of(seen)),
            "maps": next_references(window, references),
        }
        new = window[self.overlap :] if state else window
        return WindowDepth(new[: len(pictures)], fit, following)

    def _sampled(self, window: Array, on_step: Callable[[int], None] | None) -> Array:
        """The network's depth of a window (16, 3, H, W): (16, H, W)."""
        backend = self.backend
        try:
            depth = self._computed(window, on_step)
            if backend.precision == "fp16" and not np.isfinite(depth).all():
                self.announce(f"{self.name} overflows in fp16; this window is done in fp32")
                with backend.widened():
                    depth = self._computed(window, None)
        except (MemoryError, RuntimeError) as error:
            if not backend.lacks_memory(error):
                raise
            ways = "the precision bf16 or " if backend.precision == "fp32" else ""
            raise PpdError(
                f"out of memory on {backend.device} with {self.name}'s window of {len(window)} "
                f"frames; try {ways}another model"
            ) from error
        return depth

    def _computed(self, window: Array, on_step: Callable[[int], None] | None) -> Array:
        """Each window of a film starts from the same noise, as the authors' does."""
        backend, settings = self.backend, self.settings
        frames, _, height, width = window.shape
        # A tall photo's noise, cut into frames: a draw does not depend on the shape.
        noise = backend.noise(frames * height, width, settings.seed)
        noise = noise.reshape(frames, 1, height, width)
        tokens = backend.encode([window], [window])
        (depth,) = backend.sample([window], tokens, noise, settings.steps, on_step)
        return np.ascontiguousarray(depth[:, 0])


def bilinear(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes (H, W) or (H, W, 3) float32 bilinearly, without antialias."""
    return cv2.resize(values, (width, height), interpolation=cv2.INTER_LINEAR)
