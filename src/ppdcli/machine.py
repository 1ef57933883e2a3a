"""What this machine has."""

from __future__ import annotations

import os

FALLBACK_MEMORY = 8 << 30  # where the system does not tell


def physical_memory() -> int:
    """Bytes of memory of the whole machine."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows
        return FALLBACK_MEMORY
