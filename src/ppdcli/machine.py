"""Memory, cores and threads of this machine."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path


def physical_memory() -> int | None:
    """Bytes of memory of the whole machine; None if the system does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows
        return None


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor_features() -> frozenset[str]:
    """What the processor can do, in Linux's words, such as ``amx_bf16``; elsewhere nothing."""
    with suppress(OSError), Path("/proc/cpuinfo").open(encoding="ascii", errors="replace") as lines:
        for line in lines:  # the first processor stands for all: there may be hundreds
            name, _, words = line.partition(":")
            if name.strip() == "flags":
                return frozenset(words.split())
    return frozenset()


def usable_memory() -> int | None:
    """Bytes of memory of this machine or container; None if the system does not say."""
    memory = physical_memory()
    if memory is None:
        return None
    with suppress(OSError, ValueError):  # no such file, or "max"
        memory = min(memory, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return memory


def peak_memory() -> int | None:
    """The peak memory of this process in bytes; None if the system does not say."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:  # Linux alone has it
        return None
    peak = re.search(r"VmHWM:\s+([0-9]+) kB", status)
    return None if peak is None else int(peak[1]) << 10


def shorten_thread_spinning() -> None:
    """Makes PyTorch's threads sleep soon when they wait for each other. Call before importing it.

    By default they spin for milliseconds, hundreds of times for each photo. If another thread or
    program uses one of two cores, ppd-tiny then takes ten times as long. With both cores free,
    sleeping costs 0.05 of the 3.5 seconds of a run with one photo.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")
