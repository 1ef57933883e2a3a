"""What OpenEXR prints does not reach the user, and everything else does."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from ppdcli.depth import DepthMap
from ppdcli.errors import InputError
from ppdcli.files import exr
from ppdcli.files.exr_printing import quiet


def test_a_file_whose_end_is_missing_is_refused_without_a_word(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    values = np.random.default_rng(0).random((64, 64)).astype(np.float32)
    path = tmp_path / "x.exr"
    exr.write(path, DepthMap(values, "metric"))
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(InputError, match=r"x\.exr: cannot be read as EXR \(.*\); check the file$"):
        exr.read(path)
    assert capfd.readouterr() == ("", "")


def test_only_complaints_are_kept(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet() as lines:
        os.write(2, b"x.exr: (EXR_ERR_CORRUPT_CHUNK) bad\nstderr of others\n")
        print("Warning: Exception raised reading pixel data")
        print("stdout of others")
    assert capfd.readouterr() == ("stdout of others\n", "stderr of others\n")
    assert sorted(lines) == [
        "Warning: Exception raised reading pixel data",
        "x.exr: (EXR_ERR_CORRUPT_CHUNK) bad",
    ]


def test_nothing_is_lost_when_it_fails(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError), quiet():
        os.write(2, b"stderr of others\n")
        raise ZeroDivisionError
    assert capfd.readouterr().err == "stderr of others\n"
