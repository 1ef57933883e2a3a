"""The Ray that does the work: of a cluster, or of this machine."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ppdcli.errors import PpdError

STORE_BYTES = 200_000_000  # Ray's memory for what its processes tell each other, on this machine


def address() -> str | None:
    return os.environ.get("RAY_ADDRESS") or None


@contextmanager
def connected(workers: int | None) -> Iterator[Any]:
    """Ray, silent, connected or started; and ended."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    import ray

    started = ray.is_initialized()
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    if not address():
        options |= {
            "address": "local",
            "num_cpus": max(os.cpu_count() or 1, workers or 1),
            "object_store_memory": STORE_BYTES,
            "include_dashboard": False,
        }
    try:
        if not started:
            with _no_stderr():
                ray.init(**options)
    except Exception as error:
        where = f"{address()} cannot be reached" if address() else "cannot be started here"
        cause = " ".join(str(error).split())
        raise PpdError(f"Ray: {where} ({cause}); check RAY_ADDRESS and the cluster") from error
    try:
        yield ray
    finally:
        if not started:
            ray.shutdown()


@contextmanager
def _no_stderr() -> Iterator[None]:
    """Keeps off stderr what Ray's C++ prints there while it starts; its errors are exceptions."""
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)
