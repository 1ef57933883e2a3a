"""Has other processes compute the depth of a film: workers of this machine, or Ray."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from ppdcli.announce import Announce, silent
from ppdcli.commands.film_models import load_for_frames
from ppdcli.commands.film_sources import FilmSource
from ppdcli.errors import InputError, NoRoomError, OutputError
from ppdcli.films.frames import Frame, Selection
from ppdcli.jobs.inputs import Input
from ppdcli.jobs.order import Order, TaskStages
from ppdcli.jobs.plan import Format, Task
from ppdcli.jobs.work import Result
from ppdcli.model_request import ModelRequest, Sampling
from ppdcli.pipeline import Finished, Stages

if TYPE_CHECKING:  # OpenCV and PyTorch
    from ppdcli.films.chunks import Chunk, ChunkFolder
    from ppdcli.films.sharing import FilmReader
    from ppdcli.predictor import Predictor

RAW = Format("raw", ".npz")
PIXEL_BYTES = 12  # that a frame takes for each of its pixels while it waits
_ALONE = (InputError, OutputError)


@dataclass(frozen=True)
class Crew:
    """The processes that share the work.

    Attributes:
        devices: of each process on this machine; one alone is this process.
        engine: ``ray``; None: processes of this machine.
        workers: how many actors Ray is to have; None: what it finds.
    """

    devices: tuple[str, ...]
    engine: str | None = None
    workers: int | None = None

    @property
    def is_alone(self) -> bool:
        """Whether this process does everything itself."""
        return self.engine is None and len(self.devices) == 1


@dataclass(frozen=True)
class FilmShares:
    """Computes chunks of a film; see ``films.sharing.Shares``.

    Attributes:
        source: the film.
        selection: which frames.
        model, sampling, same_noise: how their depth is computed.
        crew: by whom.
        announce: called with lines for the user.
    """

    source: FilmSource
    selection: Selection
    model: ModelRequest
    sampling: Sampling
    same_noise: bool
    crew: Crew
    announce: Announce

    def __call__(self, numbers: Sequence[int], raw: ChunkFolder) -> Generator[None, None, None]:
        """Computes the chunks of these numbers. It yields when each is in the folder ``raw``.

        Raises:
            PpdError: that is impossible.
        """
        tasks = [self._task(number, raw) for number in numbers]
        with closing(self._results(tasks, raw.folder)) as results:
            for result in results:
                for line in result.notes:
                    self.announce(line)
                if result.error is not None:
                    raise result.cause or InputError(result.error)
                yield

    def _task(self, number: int, raw: ChunkFolder) -> Task:
        from ppdcli.films.chunks import FRAMES

        first = number * FRAMES + 1
        name = f"{self.source.name}, frames {first} to {first + FRAMES - 1}"
        file = raw.file(number)
        return Task(Input(name, self.source.path, PurePath(file.stem)), {RAW.name: file})

    def _results(self, tasks: Sequence[Task], raw: Path) -> Generator[Result, None, None]:
        orders = [
            self._order(device, self.announce if number == 0 else silent)
            for number, device in enumerate(self.crew.devices)
        ]
        if self.crew.engine is None:
            from ppdcli.jobs.workers import run_in_workers

            return run_in_workers(tasks, orders)
        from ppdcli.jobs.ray.driver import run_on_ray

        on_cpu = self.model.device == "cpu"
        return run_on_ray(tasks, orders[0], str(raw), self.crew.workers, on_cpu)

    def _order(self, device: str, announce: Announce) -> Order:
        model = replace(self.model, device=device)
        prepare = partial(load_for_frames, model, announce, self.crew.devices)
        return Order(prepare, (RAW,), overwrite=True, stages=_ChunkStages(self))


@dataclass
class _ChunkStages:
    """The stages of a chunk: read its frames, compute their depth, keep it.

    It lives as long as its process, so that the film is read on from chunk to chunk.
    """

    shares: FilmShares
    reader: FilmReader | None = field(default=None, init=False)

    def __call__(self, prepare: Any) -> TaskStages:
        loaded: list[Predictor] = []

        def compute(group: list[tuple[Task, list[Frame]]]) -> list[Chunk | Finished[Result]]:
            if not loaded:
                loaded.append(prepare())
            return [self._compute(task, frames, loaded[0]) for task, frames in group]

        return Stages(
            self._read,
            weight=lambda frames: sum(frame.rgb[..., 0].size for frame in frames) * PIXEL_BYTES,
            key=lambda frames: None,
            most=lambda frames: 1,
            compute=compute,
            finish=lambda task, frames, chunk: self._keep(task, chunk),
        )

    def _read(self, task: Task) -> list[Frame] | Finished[Result]:
        from ppdcli.films.sharing import FilmReader

        try:
            if self.reader is None:
                self.reader = FilmReader(self.shares.source.open(), self.shares.selection)
            return self.reader.read(_number_of(task))
        except _ALONE as error:
            return Finished(_failed(task, error))

    def _compute(
        self, task: Task, frames: list[Frame], predictor: Predictor
    ) -> Chunk | Finished[Result]:
        from ppdcli.films.sharing import raw_chunk

        shares = self.shares
        try:
            return raw_chunk(
                predictor,
                shares.sampling,
                shares.same_noise,
                shares.source.name,
                _number_of(task),
                frames,
            )
        except _ALONE as error:
            return Finished(_failed(task, error))

    def _keep(self, task: Task, chunk: Chunk) -> Result:
        from ppdcli.films.chunks import ChunkFolder

        (file,) = task.outputs.values()
        try:
            ChunkFolder(file.parent).save(_number_of(task), chunk)
        except NoRoomError:
            raise  # there is no room for the others either
        except OutputError as error:
            return _failed(task, error)
        return Result(task.input.name, "done", [str(file)])


def _number_of(task: Task) -> int:
    """The number of the task's chunk."""
    (file,) = task.outputs.values()
    return int(file.stem)


def _failed(task: Task, error: Exception) -> Result:
    return Result(task.input.name, "failed", error=str(error), cause=error)
