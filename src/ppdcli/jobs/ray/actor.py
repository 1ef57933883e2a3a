"""Works through batches of photos in a process of Ray."""

from __future__ import annotations

import io
import os
import pickle
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ppdcli.errors import OutputError
from ppdcli.files import remote
from ppdcli.jobs import journal_entries
from ppdcli.jobs.decision import MAKE, Decision, decide_by_size
from ppdcli.jobs.journal_entries import Entry, Settings
from ppdcli.jobs.plan import Task
from ppdcli.jobs.ray.places import JOURNAL
from ppdcli.jobs.ray.rows import ActorOrder, Answer, TaskRow
from ppdcli.jobs.ray.uploading import Uploading
from ppdcli.jobs.run import run
from ppdcli.jobs.work import Result
from ppdcli.jobs.worker import hush_libraries, portable, traceback_of


class Actor:
    """Works through batches; Ray makes one object of it in each of its processes."""

    def __init__(self, order: ActorOrder) -> None:
        self._order = order
        self._work: Any = None
        self._said: tuple[str, ...] = ()
        hush_libraries()
        with suppress(OSError):  # another machine may not have it; URLs do not need it
            os.chdir(order.cwd)
        # Ray has set it to 1; with another number of threads PyTorch's sums end in other bits.
        os.environ.pop("OMP_NUM_THREADS", None)
        if order.threads is not None:
            os.environ["OMP_NUM_THREADS"] = order.threads

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, list[bytes]]:
        rows: list[TaskRow] = [pickle.loads(row) for row in batch["row"]]
        try:
            work = self._at_home if self._order.there is None else self._elsewhere
            results = list(work(rows))
            for cause in (result.cause for result in results):
                if cause is not None:
                    cause.add_note(traceback_of(cause))
        except Exception as error:
            answers = [Answer(rows[0].number, error=portable(error))]
        else:
            answers = [
                Answer(row.number, result, said=self._said)
                for row, result in zip(rows, results, strict=True)
            ]
        return {"answer": [pickle.dumps(answer) for answer in answers]}

    def _prepare(self) -> Any:
        if self._work is None:
            with redirect_stderr(io.StringIO()) as said:
                self._work = self._order.order.prepare()
            self._said = tuple(said.getvalue().splitlines())
        return self._work

    def _at_home(self, rows: Sequence[TaskRow]) -> Iterator[Result]:
        order = replace(self._order.order, prepare=self._prepare)
        return run([row.task for row in rows], order)

    def _elsewhere(self, rows: Sequence[TaskRow]) -> Iterator[Result]:
        order, there = self._order.order, self._order.there
        assert there is not None
        settings = order.settings() if any(row.entries for row in rows) else {}
        with tempfile.TemporaryDirectory(prefix="ppd-") as folder:
            todo: dict[int, Task] = {}
            urls: dict[Path, str] = {}
            decisions = {row.number: self._decide(row, settings) for row in rows}
            for row in rows:
                outputs = {
                    name: Path(folder, str(row.number), path.name)
                    for name, path in row.task.outputs.items()
                    if decisions[row.number][name].action == "make"
                }
                urls |= {p: there.url_of(row.task.outputs[n]) for n, p in outputs.items()}
                refused = any(v.action == "refuse" for v in decisions[row.number].values())
                if outputs and not refused:
                    todo[row.number] = Task(row.task.input, outputs)
            uploads: dict[Path, int | None] = {
                path: None for task in todo.values() for path in task.outputs.values()
            }
            complaint = self._write_journal(rows, todo, uploads) if todo else []
            uploading = replace(
                order,
                prepare=lambda: Uploading(self._prepare(), urls, uploads),
                overwrite=True,
                settings=dict,
            )
            results = run(list(todo.values()), uploading)
            made = dict(zip(todo, results, strict=True))
            arrived = {path: size for path, size in uploads.items() if size is not None}
            if todo:
                complaint = self._write_journal(rows, todo, arrived) or complaint
            for row in rows:
                yield self._as_the_user_sees(
                    row, decisions[row.number], made.get(row.number), complaint
                )

    def _decide(self, row: TaskRow, settings: Mapping[str, Settings]) -> dict[str, Decision]:
        assert self._order.there is not None
        decisions = {}
        for name, path in row.task.outputs.items():
            size, source = row.sizes.get(name), row.task.input.source
            by_name = row.task.folder is None  # which is written, whatever is there
            if size is None or source is None or by_name or self._order.order.overwrite:
                # Without a source the photo is not there, and fails when it is read.
                decisions[name] = MAKE
                continue
            url = self._order.there.url_of(path)
            entry, now = row.entries.get(name), settings.get(name, {})
            decisions[name] = decide_by_size(url, size, entry, now, source)
        return decisions

    def _as_the_user_sees(
        self,
        row: TaskRow,
        decisions: Mapping[str, Decision],
        made: Result | None,
        complaint: Sequence[str],
    ) -> Result:
        """The result as the user knows its outputs."""
        assert self._order.there is not None
        name = row.task.input.name
        urls = [self._order.there.url_of(path) for path in row.task.outputs.values()]
        for decision in decisions.values():
            if decision.refusal is not None:
                cause = OutputError(decision.refusal)
                return Result(name, "failed", error=f"{name}: {cause}", cause=cause)
        if made is None:
            return Result(name, "skipped", urls)
        reasons = dict.fromkeys(reason for v in decisions.values() for reason in v.reasons)
        done = made.status == "done"
        return replace(
            made,
            outputs=urls if done else [],
            notes=[*made.notes, *complaint],
            made_again=(", ".join(reasons) or None) if done else None,
        )

    def _write_journal(
        self, rows: Sequence[TaskRow], todo: Mapping[int, Task], uploads: Mapping[Path, int | None]
    ) -> list[str]:
        """Records what is put there, by its size if it is there; returns lines for the user."""
        order = self._order
        assert order.there is not None
        if rows[0].task.folder is None:
            return []
        settings = order.order.settings()
        lines = [
            journal_entries.line_of(
                Entry(
                    row.task.outputs[name].relative_to(order.there.path).as_posix(),
                    uploads[path],
                    settings.get(name, {}),
                    row.task.input.source,
                )
            )
            for row in rows
            if row.number in todo
            for name, path in todo[row.number].outputs.items()
            if path in uploads
        ]
        name = f"{JOURNAL}/{order.started:020d}-{rows[0].number:08d}.jsonl"
        try:
            remote.put_bytes(b"".join(lines), f"{order.there.url.rstrip('/')}/{name}")
        except OutputError as error:
            line = "a later run will have no record of these files, and will not touch them"
            return [f"{error}; {line}"]
        return []
