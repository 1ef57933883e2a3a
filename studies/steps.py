"""The effect of more steps, other solvers and other timesteps of the flow.

``python -m studies.steps [--images N] [--model NAME]`` scores a model on the scenes of
``ppd evaluate synthetic`` by the authors' protocol. It compares Euler's method at several numbers
of steps, second-order methods at about as many calls of the network, and timesteps that are shifted
towards the noise or towards the depth.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from ppdcli.commands.bench_model import pytorch_of
from ppdcli.evaluation import synthetic
from ppdcli.evaluation.protocols import Degenerate
from ppdcli.evaluation.scoring import Rules, score_prediction
from ppdcli.geometry.resize import resize_rgb
from ppdcli.models.flow import euler_step, timesteps
from ppdcli.models.pixel_perfect import draw_noise
from ppdcli.models.tensors import to_tensor
from ppdcli.photo import Photo
from ppdcli.predictor import Predictor
from ppdcli.wording import counted

SHOWN = ("abs_rel", "delta1", "recall", "ramp", "flying", "boundary_f1", "log_chamfer")

Velocity = Callable[[Tensor, float], Tensor]  # x_t, t in [0, T]
Step = Callable[[Velocity, Tensor, float, float], Tensor]  # from x_t at t to x_s at s


def euler(velocity: Velocity, x: Tensor, t: float, s: float) -> Tensor:
    """One call of the network: uses the velocity at the start for the whole step."""
    return euler_step(x, velocity(x, t), t, s)


def heun(velocity: Velocity, x: Tensor, t: float, s: float) -> Tensor:
    """Two calls of the network: uses the mean of the velocities at both ends.

    At s = 0 it is Euler's method, because a network that predicts x_0 has no velocity there.
    """
    first = velocity(x, t)
    end = euler_step(x, first, t, s)
    return end if s == 0 else euler_step(x, (first + velocity(end, s)) / 2, t, s)


def midpoint(velocity: Velocity, x: Tensor, t: float, s: float) -> Tensor:
    """Two calls of the network: uses the velocity in the middle for the whole step."""
    middle = (t + s) / 2
    return euler_step(x, velocity(euler(velocity, x, t, middle), middle), t, s)


@dataclass(frozen=True)
class Method:
    """A row of the table.

    Attributes:
        step: The solver.
        times: Start times of its steps, falling; the last step ends at 0.
    """

    name: str
    step: Step
    times: Sequence[float]

    def sample(self, velocity: Velocity, noise: Tensor) -> Tensor:
        """Returns x_0 of the flow that starts from ``noise``."""
        x = noise
        for t, s in zip(self.times, [*self.times[1:], 0.0], strict=True):
            x = self.step(velocity, x, t, s)
        return x


METHODS = (
    *(Method(f"Euler, {n}", euler, timesteps(n)) for n in (1, 2, 4, 10, 20)),
    *(Method(f"midpoint, {n}", midpoint, timesteps(n)) for n in (1, 2, 5)),
    *(Method(f"Heun, {n}", heun, timesteps(n)) for n in (2, 3, 5)),
    *(
        Method(f"Euler, {n}, shift {k:g}", euler, timesteps(n, k))
        for n in (2, 4, 8)
        for k in (3, 0.33, 0.1, 0.05)
    ),
)


@dataclass(frozen=True)
class Means:
    """Means of one method over the scenes.

    Attributes:
        calls: Calls of the network per image.
        milliseconds: Median of the sampler's time, without the encoder's.
        scores: Scores in the order of ``SHOWN``.
    """

    calls: int
    milliseconds: float
    scores: Sequence[float]


class Sampler:
    """Samples one photo's flow, and counts the calls of the network."""

    def __init__(self, predictor: Predictor, photo: Photo) -> None:
        backend = pytorch_of(predictor)
        height, width = predictor.size_of(photo)
        image = to_tensor(resize_rgb(photo.rgb, height, width)).to(backend.torch_device)
        self._network = backend.model.network
        self._semantics = backend.model.encode(image)
        self._condition = image - 0.5
        self._noise = draw_noise(height, width, seed=0).to(backend.torch_device)
        self.calls = 0

    def _velocity(self, x: Tensor, t: float) -> Tensor:
        self.calls += 1
        time = torch.full((1,), t, device=x.device)
        return self._network(torch.cat((x, self._condition), dim=1), self._semantics, time)

    @torch.inference_mode()
    def depth(self, method: Method) -> np.ndarray:
        self.calls = 0
        return (method.sample(self._velocity, self._noise) + 0.5)[0, 0].float().cpu().numpy()


def evaluate(
    predictor: Predictor, count: int, methods: Sequence[Method] = METHODS
) -> Iterator[dict[str, Means]]:
    """Yields the means of every method, by name, after each of ``count`` scorable scenes."""
    calls = {}
    found: dict[str, list[list[float]]] = {method.name: [] for method in methods}
    for entry in synthetic.entries(count):
        frame = entry.load()
        sampler = Sampler(predictor, frame.photo)
        rows = {}
        try:
            for method in methods:
                started = time.perf_counter()
                depth = sampler.depth(method)
                milliseconds = 1000 * (time.perf_counter() - started)
                scores = score_prediction(frame, depth, "ppd", Rules("authors")).scores
                rows[method.name] = [milliseconds, *(scores[key] for key in SHOWN)]
                calls[method.name] = sampler.calls
        except Degenerate:
            continue
        for name, row in rows.items():
            found[name].append(row)
        yield {name: _means(calls[name], np.array(rows)) for name, rows in found.items()}


def _means(calls: int, rows: np.ndarray) -> Means:
    known = [column[~np.isnan(column)] for column in rows.T[1:]]  # a ramp needs a visible edge
    scores = [float(c.mean()) if len(c) else float("nan") for c in known]
    return Means(calls, float(np.median(rows[:, 0])), scores)


def table(means: dict[str, Means]) -> list[str]:
    """Returns the lines to print."""
    head = ("calls", "ms", "AbsRel", "d1", "recall", "ramp", "flying", "F1", "Chamfer log")
    widths = [max(8, len(title) + 2) for title in head]
    lines: list[tuple[str, Sequence[str]]] = [("", head)]
    for name, row in means.items():
        cells = (str(row.calls), f"{row.milliseconds:.0f}", *(f"{v:.4f}" for v in row.scores))
        lines.append((name, cells))
    return [
        f"{name:<22}" + "".join(f"{c:>{w}}" for c, w in zip(cells, widths, strict=True))
        for name, cells in lines
    ]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=200, help="number of scenes (200)")
    parser.add_argument("--model", default="ppd-tiny", help="model to score (ppd-tiny)")
    given = parser.parse_args()
    from ppdcli import load

    cv2.setNumThreads(1)
    lines: list[str] = []
    for scored, means in enumerate(evaluate(load(given.model), given.images), start=1):
        lines = [counted(scored, "scene"), *table(means)]
        if scored % 20 == 0:
            print("\n".join(lines), flush=True)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
