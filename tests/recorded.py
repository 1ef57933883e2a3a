"""What the journal of an output folder says, as the product reads it."""

from __future__ import annotations

from pathlib import Path

from ppdcli.jobs.journal import Recorded
from ppdcli.jobs.journal_entries import Entry


def entries_in(folder: Path) -> dict[str, Entry]:
    recorded = Recorded(folder)
    recorded.read_on()
    return recorded.entries
