"""Finds out which outputs of each task must still be made."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ppdcli.files.source import is_file
from ppdcli.jobs.decision import MAKE, Decision, decide
from ppdcli.jobs.journal import Recorded
from ppdcli.jobs.journal_entries import Settings, Source, source_of
from ppdcli.jobs.plan import Outputs, Task

SettingsOf = Callable[[], Mapping[str, Settings]]  # format -> what its files depend on


@dataclass(frozen=True)
class Todo:
    """What must be made of a task.

    Attributes:
        outputs: Format -> file to make; empty for stdout.
        made_again: Why files that exist are made again; None if no file is.
        refusal: A line that names a file which must not be touched. Then nothing is made.
        source: The present state of the photo; None if it is unknown.
    """

    task: Task
    outputs: Outputs
    made_again: str | None
    refusal: str | None
    source: Source | None

    @property
    def finished(self) -> bool:
        """Whether every file exists and is finished."""
        return bool(self.task.outputs) and not self.outputs


class TodoList:
    """Finds what is finished and what must be made. Any thread may use it."""

    def __init__(self, folder: Path | None, settings: SettingsOf, overwrite: bool) -> None:
        """Reads nothing yet.

        Args:
            folder: The output folder, which has the journal; None for a file or stdout.
            settings: Returns the settings of this run. It is called once, and only if there is a
                record to compare with.
            overwrite: Make every file, even if it exists.
        """
        self._recorded = Recorded(folder)
        self._settings_of, self._overwrite = settings, overwrite
        self._settings: Mapping[str, Settings] | None = None
        self._lock = threading.Lock()

    def read_records(self) -> None:
        """Reads the journal, or what was added to it since the last call."""
        self._recorded.read_on()

    def complaints(self) -> list[str]:
        """A line for the user if the journal has invalid lines."""
        return self._recorded.complaints()

    def of(self, task: Task) -> Todo:
        """What must be made of a task."""
        source, path = task.input.source, task.input.path
        if source is None and task.folder is not None:
            source = source_of(path, task.folder)
        if task.folder is None or (path is not None and not is_file(path)):
            # A file that the user names is always written. A missing photo fails when it is read.
            decisions = dict.fromkeys(task.outputs, MAKE)
        else:
            decisions = {
                name: self._decide(name, output, task.folder, source)
                for name, output in task.outputs.items()
            }
        reasons = dict.fromkeys(reason for v in decisions.values() for reason in v.reasons)
        refusals = [v.refusal for v in decisions.values() if v.refusal is not None]
        return Todo(
            task,
            {name: task.outputs[name] for name, v in decisions.items() if v.action == "make"},
            ", ".join(reasons) or None,
            refusals[0] if refusals else None,
            source,
        )

    def _decide(self, name: str, output: Path, folder: Path, source: Source | None) -> Decision:
        decision = self._by_record(name, output, folder, source)
        if decision.action == "keep" or decision == MAKE:
            return decision
        self._recorded.read_on()  # another process may have made it meanwhile
        return self._by_record(name, output, folder, source)

    def _by_record(self, name: str, output: Path, folder: Path, source: Source | None) -> Decision:
        entry = self._recorded.entries.get(output.relative_to(folder).as_posix())
        compared = entry is not None and not self._overwrite
        settings = self._settings_now().get(name, {}) if compared else {}
        return decide(output, entry, settings, source, folder, self._overwrite)

    def _settings_now(self) -> Mapping[str, Settings]:
        with self._lock:
            if self._settings is None:
                self._settings = self._settings_of()
            return self._settings
