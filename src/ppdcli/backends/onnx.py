"""The backend that runs exported graphs with onnxruntime, on a processor, without PyTorch."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import AbstractContextManager
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
from ppdcli.errors import CheckpointError, PpdError, UsageError, shown

STEP_INPUTS = {"x_t", "image", "tokens", "timestep"}
ERRORS_ONLY = 3  # onnxruntime's level of messages


class OnnxBackend:
    """Runs a folder that ``ppd export`` wrote; see ``backends.protocol.Backend``.

    Attributes:
        card: what its ``ppd.json`` states.
        folder: the folder.
    """

    device = "cpu"

    def __init__(self, folder: Path) -> None:
        """Loads both graphs.

        Raises:
            UsageError: onnxruntime is not installed.
            CheckpointError: a file is missing, damaged, or of another version.
        """
        self.card: Card = read_card(folder)
        check_files(folder, self.card)
        self.folder = folder
        self._encoder = Graph(folder / ENCODER_FILE, {"image"}, {"image", "view"})
        self._step = Graph(folder / STEP_FILE, STEP_INPUTS, STEP_INPUTS)

    @property
    def precision(self) -> Precision:
        """That of the export."""
        return self.card.precision

    def encoder_size(self, height: int, width: int) -> tuple[int, int]:
        """The size at which the encoder wants a photo."""
        return self.card.encoder_size(height, width)

    def noise(self, height: int, width: int, seed: int) -> Array:
        """x_T, as PyTorch draws it on the CPU; see ``torch_noise.draw_noise``."""
        return draw_noise(height, width, seed)

    def encode(self, images: Sequence[Array], views: Sequence[Array]) -> list[Array]:
        """The semantics tokens of photos."""
        return [
            self._encoder.run({"image": image, "view": view})
            for image, view in zip(images, views, strict=True)
        ]

    def velocity(self, x_t: Array, image: Array, tokens: Array, timestep: float) -> Array:
        """x_T - x_0 at x_t (1, 1, H, W), of the same shape."""
        inputs = {
            "x_t": x_t,
            "image": image,
            "tokens": tokens,
            "timestep": np.array([timestep], np.float32),
        }
        return self._step.run(inputs, x_t.shape)

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
                with np.errstate(all="ignore"):  # the predictor refuses what is not finite
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
        """It cannot: the folder has float16 weights alone.

        Raises:
            PpdError: always.
        """
        raise PpdError(
            f"{self.card.model} overflows in fp16; export the model in fp32, and give that "
            f"folder instead of {self.folder}"
        )

    def lacks_memory(self, error: Exception) -> bool:
        """Whether an error says that memory is short."""
        return lacks_memory(error)

    def lighter_settings(self) -> list[str]:
        """None: the export decides."""
        return []

    def weights_digest(self) -> str:
        """A hash of the hashes of the files."""
        return self.card.digest()


class Graph:
    """A graph, loaded by onnxruntime."""

    def __init__(self, path: Path, least: Set[str], most: Set[str]) -> None:
        """Loads it.

        Args:
            path: of the file.
            least, most: names of inputs that it has, and may have.

        Raises:
            UsageError: onnxruntime is not installed.
            CheckpointError: the file is damaged, or another graph.
        """
        self.path = path
        self._session = _session(path)
        self._inputs = {given.name for given in self._session.get_inputs()}
        if not least <= self._inputs <= most or len(self._session.get_outputs()) != 1:
            raise CheckpointError(
                f"{path}: is another graph, with the inputs {shown(sorted(self._inputs))}; export "
                "the model again"
            )

    def run(self, inputs: Mapping[str, Array], shape: Sequence[int] | None = None) -> Array:
        """Its output.

        Args:
            inputs: by name; those that it lacks are left out.
            shape: that the output must have.

        Raises:
            MemoryError: memory is short.
            PpdError: the graph does not fit its inputs, or the shape.
        """
        given = {name: array for name, array in inputs.items() if name in self._inputs}
        try:
            (output,) = self._session.run(None, given)
        except Exception as error:  # onnxruntime's own exceptions share no base class
            if lacks_memory(error):
                raise MemoryError(str(error)) from error
            raise PpdError(
                f"{self.path}: onnxruntime cannot run it ({shown(error, 160)}); export the model "
                "again"
            ) from error
        if shape is not None and output.shape != tuple(shape):
            raise PpdError(
                f"{self.path}: gives {output.shape} instead of {tuple(shape)}; export the model "
                "again"
            )
        return output


def lacks_memory(error: Exception) -> bool:
    """Whether an error says that memory is short."""
    said = ("out of memory", "allocate memory", "insufficient memory", "bad allocation")
    words = str(error).lower()
    return isinstance(error, MemoryError) or any(each in words for each in said)


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
    if (threads := os.environ.get("OMP_NUM_THREADS", "")).isdecimal():  # as PyTorch does
        options.intra_op_num_threads = int(threads)
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions share no base class
        raise CheckpointError(
            f"{path}: onnxruntime cannot load it ({shown(error, 160)}); export the model again"
        ) from error
