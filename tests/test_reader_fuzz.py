"""Damaged files of all readers but the photos': each is read, or refused in one short line.

The files are read in a process of their own (this file, run as a program), with limits on memory
and processor time for each. It says what became of each file, so that one that kills it is known.
"""

from __future__ import annotations

import faulthandler
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from file_damage import OF_BYTES, OF_TEXT, with_right_checksums
from reader_samples import Sample, samples

from ppdcli.errors import PpdError

MEMORY = 1 << 30  # bytes that a file may add to the process
SECONDS = 10  # of processor time for a file
WAIT = 900  # seconds on the clock for a file that hangs; a busy machine may take long
LONGEST = 700  # characters of a refusal, the folder's name among them


def damaged(files: dict[str, Sample], index: int) -> tuple[str, Sample, bytes]:
    """The index-th file and what was done to it: the same ones on every machine."""
    names = sorted(files)
    name = names[index % len(names)]
    sample = files[name]
    rng = random.Random(index)
    damage = rng.choice((*OF_TEXT * 2, *OF_BYTES) if sample.text else OF_BYTES)
    other = files[rng.choice(names)].content
    data = bytes(damage(rng, bytearray(sample.content), other))
    if data.startswith(b"\x89PNG") and rng.random() < 0.7:
        data = with_right_checksums(data)
    return f"{name} {damage.__name__}", sample, data


def outcome(sample: Sample, data: bytes, folder: Path) -> str:
    for name, content in sample.around:
        (folder / name).write_bytes(content)
    path = folder / sample.name
    path.write_bytes(data)
    try:
        sample.read(path)
    except PpdError as error:
        line = str(error)
        fine = line.isprintable() and str(folder) in line and len(line) < LONGEST
        return "refused" if fine else f"says {line[:LONGEST]!r}"
    except Exception as error:
        return f"raised {repr(error)[:300]}"
    finally:
        for file in folder.iterdir():
            file.unlink()
    return "read"


def read_them(start: int, stop: int) -> None:
    """Says of each: index, name, damage, seconds, peak megabytes of the process, outcome."""
    says = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no line of ours
    files = samples()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, sample in files.items():
            fine = outcome(sample, sample.content, folder)
            assert fine == "read" or name in ("hdf5-plain", "diode"), (name, fine)
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
        faulthandler.enable()
        for index in range(start, stop):
            name, sample, data = damaged(files, index)
            spent = time.process_time()
            limit = int(spent) + SECONDS + 1
            resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
            faulthandler.dump_traceback_later(WAIT, exit=True)
            print(index, name, end=" ", flush=True, file=says)
            became = outcome(sample, data, folder)
            faulthandler.cancel_dump_traceback_later()
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            seconds = time.process_time() - spent
            print(f"{seconds:.2f} {peak} {became}", flush=True, file=says)


@dataclass(frozen=True)
class Fate:
    """What became of one file."""

    index: int
    what: str  # sample and damage
    seconds: float
    megabytes: int
    outcome: str


def fates(start: int, stop: int) -> Iterator[Fate]:
    """Reads the files in a process, and in another after one that has killed it."""
    while start < stop:
        command = [sys.executable, "-W", "ignore", __file__, str(start), str(stop)]
        done = subprocess.run(command, capture_output=True, check=False)
        printed = done.stderr.decode(errors="backslashreplace")
        began = start
        for line in done.stdout.decode(errors="backslashreplace").splitlines():
            index, name, damage, *rest = line.split(maxsplit=5)
            start = int(index) + 1
            if len(rest) == 3:
                yield Fate(int(index), f"{name} {damage}", float(rest[0]), int(rest[1]), rest[2])
            else:
                died = signal.Signals(-done.returncode).name if done.returncode < 0 else "exit"
                yield Fate(int(index), f"{name} {damage}", SECONDS, 0, f"{died}: {printed}")
        if done.returncode == 0:
            yield Fate(stop, "stderr", 0, 0, printed.strip() or "read")
        elif start == began:
            raise RuntimeError(printed)


def check(start: int, stop: int) -> None:
    seen = list(fates(start, stop))
    assert [fate for fate in seen if fate.outcome not in ("read", "refused")] == []
    assert [fate.index for fate in seen] == list(range(start, stop + 1))


def test_some_hundred_damaged_files() -> None:
    check(0, 220)


@pytest.mark.slow
def test_thousands_of_damaged_files() -> None:
    check(220, 4220)


if __name__ == "__main__":
    read_them(int(sys.argv[1]), int(sys.argv[2]))
