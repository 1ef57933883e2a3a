"""What ``ppd video`` does with films."""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ppdcli.announce import Announce
from ppdcli.commands.film_inputs import CARD, files_of, require_own_folders, spooled
from ppdcli.commands.film_models import FilmModels
from ppdcli.commands.film_shares import Crew, FilmShares
from ppdcli.commands.film_sources import FilmSource
from ppdcli.commands.model_settings import model_settings
from ppdcli.errors import InputError, NoRoomError, OutputError
from ppdcli.films.consistency import Consistency
from ppdcli.films.frames import Selection
from ppdcli.films.outputs import FilmChoices
from ppdcli.films.window_choices import WindowChoices
from ppdcli.jobs.journal_entries import Source, source_of
from ppdcli.jobs.order import target_of
from ppdcli.jobs.plan import Task
from ppdcli.jobs.record import Record
from ppdcli.jobs.todo import Todo, TodoList
from ppdcli.jobs.work import Result
from ppdcli.machine import shorten_thread_spinning
from ppdcli.model_request import ModelRequest, Sampling
from ppdcli.progress import doing, film_progress
from ppdcli.wording import counted

if TYPE_CHECKING:  # OpenCV and PyAV
    from ppdcli.films.frames import Film
    from ppdcli.films.orders import ComputesChunks, FilmReport

_ALONE = (InputError, OutputError)  # of one film, which do not stop the others


@dataclass(frozen=True)
class VideoRequest:
    """What ``ppd video`` is asked for.

    Attributes:
        model: which model, and how it runs.
        sampling: how depth is sampled.
        consistency: what keeps depth steady.
        windows: of a model that sees a window of frames.
        selection: which frames.
        choices: what they become.
        folder_rate: frames a second of folders of pictures; None: the usual rate.
        crew: the processes that compute depth.
        overwrite: make every file, whatever is there.
        announce: called with lines for the user.
    """

    model: ModelRequest
    sampling: Sampling
    consistency: Consistency
    windows: WindowChoices
    selection: Selection
    choices: FilmChoices
    folder_rate: Fraction | None
    crew: Crew
    overwrite: bool
    announce: Announce

    def depth_settings(self) -> dict[str, Any]:
        """What the depth of a film depends on, besides the film."""
        wanted = self.selection
        return {
            **model_settings(replace(self.model, metric=False), self.sampling),
            **_named(self.consistency),
            **_named(self.windows),
            "from": str(wanted.start),
            "to": "end" if wanted.stop is None else str(wanted.stop),
            "every": wanted.every,
            "fps": "all" if wanted.most_rate is None else str(wanted.most_rate),
            "rate": "usual" if self.folder_rate is None else str(self.folder_rate),
        }

    def settings(self) -> dict[str, dict[str, Any]]:
        """What the files of each format depend on."""
        chosen = self.choices
        shared = {
            **self.depth_settings(),
            "moge2": model_settings(self.model, self.sampling)["moge2"],
            "format": list(chosen.formats),
            "full-size": chosen.full_size,
            "preview": chosen.preview,
            "colormap": chosen.colormap,
            "range": "film" if chosen.value_range is None else list(chosen.value_range),
            "live": chosen.live,
            "sound": chosen.sound,
            "frames": "scenes" if chosen.frames is None else sorted(chosen.frames),
            "fov": "assumed" if chosen.fov is None else chosen.fov,
            "near-far": "off" if chosen.near_far is None else list(chosen.near_far),
            "metric": chosen.metric,
        }
        return dict.fromkeys((*chosen.formats, CARD), shared)


def _named(choices: Consistency | WindowChoices) -> dict[str, Any]:
    """Choices by the names of their options."""
    return {name.replace("_", "-"): value for name, value in asdict(choices).items()}


def make_films(tasks: Sequence[Task], request: VideoRequest) -> Generator[Result, None, None]:
    """Makes each film. One that fails does not stop the others.

    Yields:
        One result for each, in order.

    Raises:
        PpdError: the whole run cannot continue.
    """
    shorten_thread_spinning()
    target = target_of(tasks, request.overwrite)
    record = Record(target.folder, target.places)
    todos = TodoList(target.folder, request.settings, request.overwrite)
    if target.resumes:
        todos.read_records()
    models = FilmModels(request.model, request.sampling, request.windows, request.announce)
    with closing(record):
        for task in tasks:
            yield _FilmRun(task, request, record, todos, models).result()


class _FilmRun:
    """One film."""

    def __init__(
        self, task: Task, request: VideoRequest, record: Record, todos: TodoList, models: FilmModels
    ) -> None:
        self._task, self._request, self._record = task, request, record
        self._todos, self._models = todos, models
        self._files = files_of(task, request.choices.formats)
        self._place: FilmSource | None = None  # on disk, once it is opened

    def result(self) -> Result:
        name = self._task.input.name
        try:
            with self._opened() as (film, source):
                return self._made(film, source)
        except NoRoomError:
            raise  # there is no room for the others either
        except _ALONE as error:
            line = str(error) if name in str(error) else f"{name}: {error}"
            return Result(name, "failed", error=line + self._kept(), cause=error)
        except KeyboardInterrupt:
            if kept := self._kept():
                self._request.announce(f"{name}: interrupted{kept}")
            raise

    def _kept(self) -> str:
        """What is finished, for a message."""
        from ppdcli.films.chunks import ChunkFolder

        if not ChunkFolder(self._files.parts).holds_any():
            return ""
        kept = f"; what is finished is in {self._files.parts}, as videos that play"
        if self._task.input.is_stdin and self._request.choices.live:
            return kept
        return f"{kept}; the same command goes on from there"

    def _made(self, film: Callable[[], Film], source: Source | None) -> Result:
        task = replace(self._task, input=replace(self._task.input, source=source))
        todo = self._todos.of(task)
        outputs = [str(path) for path in self._files.outputs.values()]
        folders = [path for path in self._files.outputs.values() if not path.suffix]
        if todo.refusal is not None:
            raise OutputError(todo.refusal)
        if todo.finished and all(folder.is_dir() for folder in folders):
            return Result(task.input.name, "skipped", outputs)
        known = todo.made_again is not None or todo.finished or self._files.parts.is_dir()
        require_own_folders(self._files, known, self._request.overwrite)
        return self._make(film(), source, todo, outputs)

    def _make(self, film: Film, source: Source | None, todo: Todo, outputs: list[str]) -> Result:
        from ppdcli.films.making import make_film
        from ppdcli.films.orders import FilmOrder, FilmReport

        request, started = self._request, time.perf_counter()
        if request.crew.is_alone:
            self._models.load()
        else:
            self._models.fetch()
        if request.choices.metric:
            self._models.for_metres()  # a missing file shows before the long work
        # Now the files of weights are there, so that they can be told apart.
        self._record.settings = request.settings()
        card = {
            "source": None if source is None else asdict(source),
            "depth": request.depth_settings(),
        }
        report = FilmReport()
        with film_progress() as show:
            order = FilmOrder(
                request.selection,
                request.choices,
                self._files,
                card,
                self._estimator,
                lambda name: self._record.writing(name, source),
                show,
                request.sampling.seed,
                self._models.for_metres if request.choices.metric else None,
            )
            make_film(film, order, report)
        notes = [*film.info.notes, *self._record.complaints()]
        if report.resumed:
            notes.append(
                f"{film.info.name}: the depth of {counted(report.resumed, 'frame')} was there from "
                "an earlier run"
            )
        seconds = time.perf_counter() - started
        facts = _facts(report, seconds)
        return Result(self._task.input.name, "done", outputs, facts, notes, todo.made_again)

    def _estimator(self, on_frame: Callable[[int], None]) -> ComputesChunks:
        request = self._request
        if request.crew.is_alone:
            return self._models.estimator(request.consistency, on_frame)
        from ppdcli.films.sharing import SharedEstimator

        assert self._place is not None
        shares = FilmShares(
            self._place,
            request.selection,
            replace(request.model, metric=False),
            request.sampling,
            request.consistency.same_noise,
            request.crew,
            request.announce,
        )
        return SharedEstimator(request.consistency, shares, on_frame)

    @contextmanager
    def _opened(self) -> Iterator[tuple[Callable[[], Film], Source | None]]:
        """How to open the film, and what is recorded of it."""
        entry, request = self._task.input, self._request
        if entry.path is not None:
            folder = self._task.folder or self._files.parts.parent
            self._place = FilmSource(entry.path, entry.name)
            yield self._place.open, source_of(entry.path, folder)
        elif not entry.is_stdin:
            self._place = FilmSource(Path(entry.name), entry.name, request.folder_rate, True)
            yield self._place.open, entry.source
        elif request.choices.live:
            from ppdcli.films.video_file import VideoFile

            # It may never end; nothing of it can be compared, so a later run begins anew.
            once = Source("stdin", 0, secrets.randbits(60))
            yield lambda: VideoFile(sys.stdin.buffer, "stdin"), once
        else:
            with ExitStack() as stack:
                doing("reading stdin")
                copy, source = stack.enter_context(
                    spooled(sys.stdin.buffer, self._files.parts.parent)
                )
                self._place = FilmSource(copy, "stdin")
                yield self._place.open, source


def _facts(report: FilmReport, seconds: float) -> dict[str, Any]:
    from ppdcli.films.cards import kind_of

    assert report.whole is not None
    numbers = {k: int(v) for k, v in report.facts.items() if k in ("seed", "steps")}
    kind = kind_of(report.metres)
    return {
        **{key: kind[key] for key in ("unit", "scale_from") if key in kind},
        **report.facts,
        **numbers,
        "frames": len(report.times),
        "scenes": [index + 1 for index in report.scenes],
        "range": list(report.whole),
        "timings": {"total": round(seconds, 4)},
    }
