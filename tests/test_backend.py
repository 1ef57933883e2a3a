"""A backend of a few lines: what ``backends/protocol.py`` says is all that a predictor needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pytest

from ppdcli.backends.protocol import Array
from ppdcli.devices import Precision
from ppdcli.errors import PpdError
from ppdcli.photo import Photo
from ppdcli.predictor import Predictor


class Brightness:
    """Takes a photo's brightness for its depth, with a little noise that each step halves."""

    device = "abacus"

    def __init__(self, precision: Precision = "fp32", largest: float = np.inf) -> None:
        self.precision, self.largest = precision, largest
        self.shapes: list[tuple[int, ...]] = []

    def encoder_size(self, height: int, width: int) -> tuple[int, int]:
        return 2 * height, 2 * width

    def noise(self, height: int, width: int, seed: int) -> Array:
        return np.full((1, 1, height, width), seed, np.float32)

    def encode(self, images: Sequence[Array], views: Sequence[Array]) -> list[float]:
        self.shapes += [image.shape for image in (*images, *views)]
        return [float(view.mean()) for view in views]

    def sample(
        self,
        images: Sequence[Array],
        tokens: Sequence[float],
        noise: Array,
        steps: int,
        on_step: Callable[[int], None] | None = None,
        guess: Array | None = None,
    ) -> list[Array]:
        for step in range(steps):
            noise = noise / 2
            if on_step is not None:
                on_step(step + 1)
        depths = [noise + token for token in tokens]
        return [np.where(depth > self.largest, np.inf, depth) for depth in depths]

    def most_photos(self, height: int, width: int) -> int:
        return height * width // 1000

    @contextmanager
    def widened(self) -> Iterator[None]:
        largest, self.largest = self.largest, np.inf
        yield
        self.largest = largest

    def lacks_memory(self, error: Exception) -> bool:
        return "beads" in str(error)

    def weights_digest(self) -> str:
        return "0" * 12


def grey(level: int) -> Photo:
    return Photo(np.full((48, 64, 3), level, np.uint8), f"grey {level}")


def test_a_predictor_runs_it() -> None:
    backend = Brightness()
    predictor = Predictor(backend, "abacus", 48 * 64, 3)
    assert (predictor.device, predictor.precision) == ("abacus", "fp32")
    assert predictor.batch_size(grey(0)) == 3
    done: list[int] = []
    depth = predictor.predict(grey(255), seed=8, on_step=done.append)
    np.testing.assert_array_equal(depth.values, np.full((48, 64), 2, np.float32))
    assert backend.shapes == [(1, 3, 48, 64), (1, 3, 96, 128)]
    assert done == [1, 2, 3] and depth.timings.keys() == {"encoder", "sampler"}
    assert depth.provenance == {"model": "abacus", "seed": "8", "steps": "3", "size": "64x48"}


def test_what_overflows_in_half_precision_is_done_again_alone() -> None:
    said: list[str] = []
    predictor = Predictor(Brightness("fp16", largest=0.5), "abacus", 48 * 64, 1, said.append)
    dark, bright = predictor.predict_batch([grey(51), grey(204)])
    assert dark.values[0, 0] == pytest.approx(0.2) and bright.values[0, 0] == pytest.approx(0.8)
    assert said == ["grey 204: abacus overflows in fp16; this photo is done in fp32"]


@pytest.mark.parametrize(("cause", "kind"), [("out of beads", PpdError), ("a bug", RuntimeError)])
def test_it_says_itself_what_lack_of_memory_is(
    cause: str, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = Brightness()

    def fail(*_: object) -> None:
        raise RuntimeError(cause)

    monkeypatch.setattr(backend, "encode", fail)
    with pytest.raises(kind):
        Predictor(backend, "abacus", 48 * 64, 1).predict(grey(0))
