"""The writing side of a run: files one by one into the folder and its journal, until it ends."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ppdcli.jobs.journal import NAME, Entry, Journal, Settings, Source

WRITING_SECONDS = 10.0  # that files in the middle of being written get when the run ends early


class RunEndedError(Exception):
    """The run has ended; nothing more is to be written."""


class Record:
    """What a run writes, and how it is remembered; used by any thread.

    Attributes:
        settings: format -> what its files depend on; set before the first is written.
    """

    def __init__(self, folder: Path | None, places: Collection[Path]) -> None:
        """Touches no file yet.

        Args:
            folder: whose journal remembers; None for a file that the user named, or stdout.
            places: the folders that the outputs go to.
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
    def writing(self) -> Iterator[None]:
        """Around the writing of one file, which ``close`` waits for.

        Raises:
            RunEndedError: the run has ended.
        """
        with self._changed:
            if self._ended:
                raise RunEndedError
            self._open()
            self._writing += 1
        try:
            yield
        finally:
            with self._changed:
                self._writing -= 1
                self._changed.notify_all()

    def add(self, name: str, path: Path, source: Source | None) -> list[str]:
        """Remembers a file in the format ``name``; returns lines for the user."""
        if self._journal is not None and self._folder is not None:
            relative = path.relative_to(self._folder).as_posix()
            try:
                size = path.stat().st_size
                self._journal.add(Entry(relative, size, self.settings.get(name, {}), source))
            except OSError as error:
                self._complain(error)
        with self._changed:
            said, self._complaint = self._complaint, []
        return said

    def close(self) -> None:
        """Ends the writing, after the files that are being written."""
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
            self._complain(error)

    def _complain(self, error: OSError) -> None:
        # The files themselves are there, or their own failures are told.
        assert self._folder is not None
        line = (
            f"{self._folder / NAME}: cannot be written ({error.strerror or error}); "
            "a later run will not know how these files were made"
        )
        with self._changed:
            self._complaint = [line]
