"""Steps of the sampler that are recorded once and then replayed, as CUDA graphs.

A step launches hundreds of kernels. A recorded step is one launch, so that a card does not wait for
the program where its kernels are short: small pictures, small networks, busy processors.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import torch
from torch import Tensor

from ppdcli.models.conditioning import Condition
from ppdcli.models.dit import DiT, Prepared

MOST = 2  # recordings kept; each holds the working memory of a step

Recorder = Callable[[Callable[[], Tensor]], tuple[Callable[[], None], Tensor]]
"""Runs a function and returns how to run it again, and the tensor that then takes its result."""

_log = logging.getLogger(__name__)


def record_on_card(step: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
    """Records a CUDA graph.

    Raises:
        RuntimeError: The step does what cannot be recorded, or memory does not suffice.
    """
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        step()  # the libraries prepare their kernels at a first time, which cannot be recorded
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    # Other threads may use the card meanwhile.
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        result = step()
    return graph.replay, result


@dataclass
class _Recording:
    """A recorded step.

    Attributes:
        x_t, prepared, condition: What it reads.
        latest: The photo's values that ``prepared`` has now.
        replay, velocity: See ``Recorder``.
    """

    x_t: Tensor
    prepared: Prepared
    condition: Condition
    latest: Prepared
    replay: Callable[[], None]
    velocity: Tensor


class RecordedSteps:
    """Gives a network's velocities by recorded steps, of which the latest ``MOST`` are kept.

    A shape that cannot be recorded is computed as without recordings.

    Args:
        network: Its weights and blocks must stay where they are; else call ``forget``.
        record: Makes a recording.
    """

    def __init__(self, network: DiT, record: Recorder = record_on_card) -> None:
        self._network, self._record = network, record
        self._recordings: OrderedDict[Hashable, _Recording | None] = OrderedDict()

    def forget(self) -> None:
        """Drops all recordings and their memory."""
        self._recordings.clear()

    def velocity(self, x_t: Tensor, prepared: Prepared, condition: Condition) -> Tensor:
        """Returns ``DiT.velocity``. The tensor holds it until the next call."""
        kind = x_t.device.type
        half = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else None
        key = (half, *(_kind(x) for x in (x_t, *_of_photo(prepared), *_of_time(condition))))
        if key not in self._recordings:
            while len(self._recordings) >= MOST:
                self._recordings.popitem(last=False)
            self._recordings[key] = self._new(x_t, prepared, condition)
        self._recordings.move_to_end(key)
        recording = self._recordings[key]
        if recording is None:
            return self._network.velocity(x_t, prepared, condition)
        if recording.latest is not prepared:
            _copy(_of_photo(recording.prepared), _of_photo(prepared))
            recording.latest = prepared
        recording.x_t.copy_(x_t)
        _copy(_of_time(recording.condition), _of_time(condition))
        recording.replay()
        return recording.velocity

    def _new(self, x_t: Tensor, prepared: Prepared, condition: Condition) -> _Recording | None:
        own_x_t = x_t.clone()
        own = Prepared(
            prepared.tables,  # the same for all photos of a size
            prepared.embedded.clone(),
            None if prepared.prompt is None else prepared.prompt.clone(),
            None if prepared.fine is None else prepared.fine.clone(),
        )
        times = Condition(
            condition.timestep.clone(),
            tuple(vectors.clone() for vectors in condition.blocks),
            condition.last.clone(),
        )
        try:
            replay, velocity = self._record(lambda: self._network.velocity(own_x_t, own, times))
        except RuntimeError as error:
            _log.debug("a step of %s cannot be recorded: %s", tuple(x_t.shape), error)
            return None
        return _Recording(own_x_t, own, times, prepared, replay, velocity)


def _kind(x: Tensor) -> Hashable:
    return x.shape, x.dtype, x.device


def _of_photo(prepared: Prepared) -> list[Tensor]:
    parts = (prepared.embedded, prepared.prompt, prepared.fine)
    return [part for part in parts if part is not None]


def _of_time(condition: Condition) -> list[Tensor]:
    return [condition.timestep, *condition.blocks, condition.last]


def _copy(targets: list[Tensor], sources: list[Tensor]) -> None:
    for target, source in zip(targets, sources, strict=True):
        target.copy_(source)
