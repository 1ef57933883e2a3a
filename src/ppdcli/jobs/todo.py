"""What of each task is still to be made, by what is there and what is recorded of it."""

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
    """What is to be made of a task.

    Attributes:
        outputs: format -> file that is to be made; none for stdout.
        made_again: why files that are there are made again, None if there are none.
        refusal: a line that names a file which is not to be touched; nothing is made then.
        source: the photo as it is now, None where that cannot be told.
    """

    task: Task
    outputs: Outputs
    made_again: str | None
    refusal: str | None
    source: Source | None

    @property
    def finished(self) -> bool:
        """Whether every file is there and finished."""
        return bool(self.task.outputs) and not self.outputs


class TodoList:
    """Tells what is finished from what is to be made; for any thread."""

    def __init__(self, folder: Path | None, settings: SettingsOf, overwrite: bool) -> None:
        """Reads nothing yet.

        Args:
            folder: of the outputs, whose journal knows them; None for a file or stdout.
            settings: those of this run, asked for once, if there is a record to compare with.
            overwrite: make everything, whatever is there.
        """
        self._recorded = Recorded(folder)
        self._settings_of, self._overwrite = settings, overwrite
        self._settings: Mapping[str, Settings] | None = None
        self._lock = threading.Lock()

    def read_records(self) -> None:
        """Takes in what the journal says, or what was added to it since."""
        self._recorded.read_on()

    def complaints(self) -> list[str]:
        """A line for the user, if lines of the record make no sense."""
        return self._recorded.complaints()

    def of(self, task: Task) -> Todo:
        """What is to be made of a task."""
        source, path = task.input.source, task.input.path
        if source is None and task.folder is not None:
            source = source_of(path, task.folder)
        if task.folder is None or (path is not None and not is_file(path)):
            # A file that the user names is written. A missing photo fails when it is read.
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
