"""A process that dies, or hangs, costs one call."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from ppdcli.errors import InputError
from ppdcli.files.apart import Apart


def name_of(path: Path) -> str:
    return path.name


def crash(path: Path) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def hang(path: Path) -> None:
    time.sleep(1000)


def refuse(path: Path) -> None:
    try:
        raise RuntimeError(lambda: 0)  # which cannot be pickled
    except RuntimeError as error:
        raise InputError(f"{path}: no") from error


def test_a_call_fails_alone() -> None:
    apart = Apart()
    assert apart.call(name_of, Path("a")) == "a"
    with pytest.raises(ValueError, match="has crashed its reader"):
        apart.call(crash, Path("b"))
    with pytest.raises(InputError, match=r"^c: no$"):
        apart.call(refuse, Path("c"))
    with pytest.raises(ValueError, match=r"kept its reader busy for 0\.2 seconds"):
        apart.call(hang, Path("d"), seconds=0.2)
    assert apart.call(name_of, Path("e")) == "e"
