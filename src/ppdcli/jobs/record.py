"""Writes the files of a run into the output folder, and records each in its journal."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ppdcli.errors import OutputError
from ppdcli.files.atomic import placed_by
from ppdcli.jobs.journal import NAME, Journal, folder_that_records
from ppdcli.jobs.journal_entries import Entry, Settings, Source

WRITING_SECONDS = 10.0  # for files that are being written when the run ends early


class RunEndedError(Exception):
    """The run has ended, so nothing more may be written."""


class Record:
    """What a run writes and records. Any thread may use it.

    Attributes:
        settings: format -> what its files depend on. Set it before the first file is written.
    """

    def __init__(self, folder: Path | None, places: Collection[Path]) -> None:
        """Touches no file yet.

        Args:
            folder: The output folder, which has the journal; None if the user named a file, or for
                stdout.
            places: The folders that the outputs go to.
        """
        self.settings: Mapping[str, Settings] = {}
        self._folder, self._places = folder, places
        self._changed = threading.Condition()
        self._journal: Journal | None = None
        self._opened = folder is None
        self._writing = 0
        self._ended = False
        self._complaint: list[str] = []

    @contextmanager
    def writing(self, name: str, source: Source | None) -> Iterator[None]:
        """Write one file of the format ``name`` inside this context; ``close`` waits for it.

        The file is recorded when it gets its final name.

        Raises:
            RunEndedError: the run has ended.
        """
        with self._changed:
            if self._ended:
                raise RunEndedError
            self._open()
            self._writing += 1
        try:
            with placed_by(partial(self._place, name, source), follow=self._folder is None):
                yield
        finally:
            with self._changed:
                self._writing -= 1
                self._changed.notify_all()

    def complaints(self) -> list[str]:
        """Lines for the user that have not been shown yet."""
        with self._changed:
            said, self._complaint = self._complaint, []
        return said

    def _place(self, name: str, source: Source | None, temporary: Path, target: Path) -> None:
        if self._folder is None:
            _place_by_name(temporary, target)
            return
        if self._journal is None:
            # The journal describes the file that is there; its line would be wrong for a new one.
            if target.exists():
                raise OutputError(
                    f"{target}: is not replaced, since {self._folder / NAME} cannot be written; "
                    "make that writable, or choose another --output"
                )
            temporary.replace(target)
            return
        relative, size = target.relative_to(self._folder).as_posix(), temporary.stat().st_size
        entry = Entry(relative, size, self.settings.get(name, {}), source)
        self._journal.place(temporary, target, entry)

    def close(self) -> None:
        """Waits for the files that are being written, then refuses more."""
        with self._changed:
            self._ended = True
            self._changed.wait_for(lambda: not self._writing, WRITING_SECONDS)
            if self._journal is not None and not self._writing:
                self._journal.close()
                self._journal = None

    def _open(self) -> None:
        if self._opened or self._folder is None:
            return
        self._opened = True
        try:
            self._journal = Journal(self._folder, self._places)
        except OSError as error:
            self._complaint = [
                f"{self._folder / NAME}: cannot be written ({error.strerror or error}); a later "
                "run will have no record of these files, and will not touch them"
            ]


def _place_by_name(temporary: Path, target: Path) -> None:
    """Gives a file the name that the user chose.

    If a journal has a line about the file that was there, a new line says that it is outdated.
    """
    folder = folder_that_records(target)
    if folder is None:
        temporary.replace(target)
        return
    journal = Journal(folder, None)
    try:
        name = target.absolute().relative_to(folder).as_posix()
        journal.place(temporary, target, Entry(name, None, {}, None))
    finally:
        journal.close()
