"""Damaged checkpoints, catalogues, journals and records: each is read or refused in one line.

They are read in a process of their own (this file, run as a program), which measures time and
memory for each and says what became of it, so that one that kills it is known.
"""

from __future__ import annotations

import faulthandler
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SECONDS = 10.0  # of processor time that a refusal may take
MEGABYTES = 1000  # that it may add to the process's peak
ADDRESSES = 12 << 30  # bytes; a runaway ends in an error, not in a machine without memory
WAIT = 120  # seconds on the clock, on a busy machine
LONGEST = 2000  # characters of an error's line


@dataclass(frozen=True)
class Fate:
    """What became of one file."""

    index: int
    what: str  # kind and damage
    seconds: float
    megabytes: int
    outcome: str


def outcome(read: object, path: Path) -> str:
    from ppdcli.errors import PpdError, printable

    try:
        read(path)  # type: ignore[operator]
    except PpdError as error:
        line = printable(str(error))
        fine = "\n" not in line and len(line) < LONGEST and path.name.rpartition("/")[2] in line
        return "refused" if fine else f"says {line[:300]!r} ({len(line)} characters)"
    except Exception as error:
        return f"raised {type(error).__name__}: {str(error)[:300]!r}"
    return "loaded"


def read_them(start: int, stop: int) -> None:
    """Says of each: index, kind, damage, seconds, megabytes that it added, outcome."""
    from keeper_files import damaged, kinds

    top = Path(tempfile.mkdtemp(prefix="ppd-fuzz-"))
    os.environ["PPD_CACHE"] = str(top / "case")
    os.environ["XDG_CONFIG_HOME"] = str(top / "config")
    os.environ["HF_HOME"] = str(top / "hf")
    warnings.simplefilter("ignore")
    files = kinds(top)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    faulthandler.enable()
    try:
        for index in range(start, stop):
            name, damage, data = damaged(files, index)
            path = top / "case" / files[name].name
            shutil.rmtree(top / "case", ignore_errors=True)
            path.parent.mkdir(parents=True)
            path.write_bytes(data)
            os.environ.pop("PPD_WEIGHTS", None)
            if name == "catalogue":
                os.environ["PPD_WEIGHTS"] = str(path)
            faulthandler.dump_traceback_later(WAIT, exit=True)
            print(index, name, damage, end=" ", flush=True)
            used, peak = time.process_time(), _peak()
            became = outcome(files[name].read, path)
            faulthandler.cancel_dump_traceback_later()
            print(f"{time.process_time() - used:.2f} {_peak() - peak} {became}", flush=True)
    finally:
        shutil.rmtree(top, ignore_errors=True)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def fates(start: int, stop: int) -> Iterator[Fate]:
    """Reads the files in a process, and in another after one that has killed it."""
    while start < stop:
        command = [sys.executable, __file__, str(start), str(stop)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        lines = [line.split(maxsplit=5) for line in done.stdout.splitlines()]
        if not lines:
            raise RuntimeError(done.stderr)
        for index, name, damage, *rest in lines:
            start = int(index) + 1
            if len(rest) == 3:
                yield Fate(int(index), f"{name} {damage}", float(rest[0]), int(rest[1]), rest[2])
            else:
                end = f"ended the process ({done.returncode}): {done.stderr[-300:]}"
                yield Fate(int(index), f"{name} {damage}", 0, 0, end)


def faults(seen: list[Fate]) -> list[Fate]:
    return [
        fate
        for fate in seen
        if fate.outcome not in ("loaded", "refused")
        or fate.seconds > SECONDS
        or fate.megabytes > MEGABYTES
    ]


def check(start: int, stop: int) -> None:
    seen = list(fates(start, stop))
    assert faults(seen) == []
    assert [fate.index for fate in seen] == list(range(start, stop))


def test_some_hundred_damaged_files() -> None:
    check(0, 260)


@pytest.mark.slow
def test_thousands_of_damaged_files() -> None:
    check(260, 4260)


if __name__ == "__main__":
    read_them(int(sys.argv[1]), int(sys.argv[2]))
