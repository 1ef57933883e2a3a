"""What this machine has, and how its threads wait."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path


def physical_memory() -> int | None:
    """Bytes of memory of the whole machine; None where the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows
        return None


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def usable_memory() -> int | None:
    """Bytes of memory of this machine or container; None where the system does not tell."""
    memory = physical_memory()
    if memory is None:
        return None
    with suppress(OSError, ValueError):  # no such file, or "max"
        memory = min(memory, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return memory


def peak_memory() -> int | None:
    """Most bytes that this process has had in memory; None where the system does not tell."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:  # Linux alone has it
        return None
    peak = re.search(r"VmHWM:\s+([0-9]+) kB", status)
    return None if peak is None else int(peak[1]) << 10


def shorten_thread_spinning() -> None:
    """Lets PyTorch's threads sleep while they wait for each other, if it is not imported yet.

    By default they spin for milliseconds, and hundreds of times a photo; where a thread of ours or
    another program has one of two cores, ppd-tiny then takes ten times as long. With both free,
    sleeping costs a run of one photo 0.05 seconds of 3.5.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
