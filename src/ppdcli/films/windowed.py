"""Depth of a film by a model that sees a window of frames together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ppdcli.announce import Announce, silent
from ppdcli.backends.protocol import Array, Backend
from ppdcli.errors import PpdError
from ppdcli.films.stitching import joined, next_references
from ppdcli.films.window_plan import FRAMES, KEY_SLOTS, keys_of, next_window

State = dict[str, np.ndarray]


@dataclass(frozen=True)
class WindowSettings:
    """How a film is computed.

    Attributes:
        size: (height, width) of the network's picture, multiples of 16, for films of any aspect
            ratio; the released model was trained at 512 x 512 alone.
        steps: Euler steps.
        seed: of the noise.
        exact_stitching: enlarge bilinearly and fit in float32 at full size, without a guard, as the
            authors do; for equality with their numbers.
        swapped_channels: show the network blue, green, red, as the authors' program does. Whether
            their weights were trained so is not known.
    """

    size: tuple[int, int] = (512, 512)
    steps: int = 4
    seed: int = 0
    exact_stitching: bool = False
    swapped_channels: bool = False


class WindowedDepth:
    """Computes a film window by window: see ``films.window.WindowModel``.

    A state is stored between windows, so that a film can be resumed. It holds three pictures and
    three maps, whatever the length of the film.

    Attributes:
        name: the model's name.
        frames: number of frames of a window.
        overlap: number of frames that a window shares with the one before.
        backend: runs the networks; a window goes through it as one photo with an axis of frames.
        settings: how the film is computed.
        announce: called with lines for the user.
    """

    frames = FRAMES
    overlap = len(KEY_SLOTS)

    def __init__(
        self,
        backend: Backend,
        name: str,
        settings: WindowSettings,
        announce: Announce = silent,
    ) -> None:
        self.backend, self.name, self.settings = backend, name, settings
        self.announce = announce

    def start(self) -> State:
        """Returns the state before a shot's first window."""
        return {}

    def depths(
        self,
        rgb: Sequence[np.ndarray],
        state: Mapping[str, np.ndarray],
        on_step: Callable[[int], None] | None = None,
    ) -> tuple[list[np.ndarray], State]:
        """Computes the next window of a shot.

        If its depth fits that of the windows before by no line, it begins a unit of its own, which
        is announced.

        Args:
            rgb: The shot's next frames, (h, w, 3) uint8 each: 16 for the first window and 13 for
                the others, or fewer at the end.
            state: What the last window returned, or ``start()``. It is not changed.
            on_step: Called with the number of steps done, after each.

        Returns:
            A map for each frame of ``rgb``, and the next state. Maps are float32, of the network's
            size, or (h, w) with exact stitching. They have one unit, affine in log(depth + 1), 0
            near and 1 far for the first window.

        Raises:
            ValueError: the number of frames fits no window.
            PpdError: out of memory.
        """
        known = "pictures" in state
        pictures = next_window(
            list(state["pictures"]) if known else [], [self._picture(frame) for frame in rgb]
        )
        window = self._sampled(np.stack(pictures), on_step)
        if self.settings.exact_stitching:
            height, width = rgb[0].shape[:2]
            window = np.stack([bilinear(depth, height, width) for depth in window])
        line, references = np.array((1.0, 0.0, 0.0)), None
        if known:
            references = state["maps"]
            window, fit = joined(window, references, self.settings.exact_stitching)
            line = np.array((fit.scale, fit.shift, fit.residual))
            if fit.method == "none":
                references = None
                self.announce(
                    "the depth of this window does not fit that of the frames before it; it "
                    "begins a unit of its own"
                )
        new = window[self.overlap :] if known else window
        following = {
            "pictures": np.stack(keys_of(pictures)),
            "maps": next_references(window, references),
            "line": line,
            "own_unit": np.array(references is None),
        }
        return list(new[: len(rgb)]), following

    def _picture(self, rgb: np.ndarray) -> Array:
        """(h, w, 3) uint8 -> (3, H, W) float32 in [0, 1], resized as the authors do."""
        channels = rgb[..., ::-1] if self.settings.swapped_channels else rgb
        scaled = np.ascontiguousarray(channels, np.float32) / np.float32(255)
        return np.ascontiguousarray(bilinear(scaled, *self.settings.size).transpose(2, 0, 1))

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
