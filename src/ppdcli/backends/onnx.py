"""The backend that runs exported graphs with onnxruntime, on a processor, without PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from ppdcli.backends.onnx_folder import (
    ENCODER_FILE,
    STEP_FILE,
    Card,
    T,
    check_files,
    read_card,
)
from ppdcli.backends.protocol import Array
from ppdcli.backends.torch_noise import draw_noise
from ppdcli.devices import Precision
from ppdcli.errors import CheckpointError, UsageError, shown

ERRORS_ONLY = 3  # onnxruntime's level of messages


class OnnxBackend:
    """Runs a folder that ``ppd export`` wrote; see ``backends.protocol.Backend``.

    Attributes:
        card: what its ``ppd.json`` states.
    """

    device = "cpu"
    precision: Precision = "fp32"

    def __init__(self, folder: Path) -> None:
        """Loads both graphs.

        Raises:
            UsageError: onnxruntime is not installed.
            CheckpointError: a file is missing, damaged, or of another version.
        """
        self.card: Card = read_card(folder)
        check_files(folder, self.card)
        self._encoder = _session(folder / ENCODER_FILE)
        self._step = _session(folder / STEP_FILE)

    def encoder_size(self, height: int, width: int) -> tuple[int, int]:
        """The size at which the encoder wants a photo."""
        return self.card.encoder_size(height, width)

    def noise(self, height: int, width: int, seed: int) -> Array:
        """x_T, as PyTorch draws it on the CPU; see ``torch_noise.draw_noise``."""
        return draw_noise(height, width, seed)

    def encode(self, images: Sequence[Array], views: Sequence[Array]) -> list[Array]:
        """The semantics tokens of photos."""
        wanted = {given.name for given in self._encoder.get_inputs()}
        found = []
        for image, view in zip(images, views, strict=True):
            inputs = {"image": image, "view": view}
            kept = {name: value for name, value in inputs.items() if name in wanted}
            found.append(self._encoder.run(None, kept)[0])
        return found

    def velocity(self, x_t: Array, image: Array, tokens: Array, timestep: float) -> Array:
        """x_T - x_0 at x_t (1, 1, H, W), of the same shape."""
        inputs = {
            "x_t": x_t,
            "image": image,
            "tokens": tokens,
            "timestep": np.array([timestep], np.float32),
        }
        return self._step.run(None, inputs)[0]

    def sample(
        self,
        images: Sequence[Array],
        tokens: Sequence[Array],
        noise: Array,
        steps: int,
        on_step: Callable[[int], None] | None = None,
        guess: Array | None = None,
    ) -> list[Array]:
        """Euler steps from noise to depth, photo after photo."""
        times = self.card.timesteps(steps)
        if guess is not None:
            times = times[len(times) // 2 :]
            share = np.float32(times[0] / T)
            noise = (1 - share) * (guess - np.float32(0.5)) + share * noise
        depths = []
        for image, semantics in zip(images, tokens, strict=True):
            x = noise
            for done, (t, s) in enumerate(zip(times, [*times[1:], 0.0], strict=True), start=1):
                velocity = self.velocity(x, image, semantics, t)
                x_0 = x - np.float32(t / T) * velocity
                x_1 = x + np.float32(1 - t / T) * velocity
                x = np.float32(1 - s / T) * x_0 + np.float32(s / T) * x_1
                if on_step is not None:
                    on_step(done)
            depths.append(x + np.float32(0.5))
        return depths

    def most_photos(self, height: int, width: int) -> int:
        """One: the graphs take one photo."""
        return 1

    def widened(self) -> AbstractContextManager[None]:
        """It computes in float32 anyway."""
        return nullcontext()

    def lacks_memory(self, error: Exception) -> bool:
        """Whether an error says that memory is short."""
        said = ("out of memory", "allocate memory", "insufficient memory", "bad allocation")
        words = str(error).lower()
        return isinstance(error, MemoryError) or any(each in words for each in said)

    def weights_digest(self) -> str:
        """A hash of the hashes of the files."""
        return self.card.digest()


def _session(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise UsageError(
            "the backend onnx needs onnxruntime; run: pip install 'ppdcli[onnx]'"
        ) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    # Threads that wait in a loop take a tenth more CPU time, and are no faster.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions share no base class
        raise CheckpointError(
            f"{path}: onnxruntime cannot load it ({shown(error, 160)}); export the model again"
        ) from error
