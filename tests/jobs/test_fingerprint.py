"""What tells one file of weights from another."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ppdcli.jobs import fingerprint as fingerprint_module
from ppdcli.jobs.decision import OFF, UNLIKE_ANY
from ppdcli.jobs.fingerprint import SLICE_BYTES, fingerprint, of_given

SLICES = 16  # of a large file, here


@pytest.mark.parametrize("size", [0, 1, 1000, SLICE_BYTES, 3 * SLICE_BYTES + 7, 5_000_000])
def test_a_file_is_told_by_its_content_and_size(tmp_path: Path, size: int) -> None:
    data = bytes(k % 251 for k in range(1000)) * (size // 1000 + 1)
    one, copy, longer, other = (tmp_path / name for name in ("a.pt", "b.pt", "c.pt", "d.pt"))
    one.write_bytes(data[:size])
    copy.write_bytes(data[:size])
    longer.write_bytes(data[:size] + b"\0")
    other.write_bytes(bytes(byte ^ 1 for byte in data[:size]))
    assert fingerprint(one) == fingerprint(copy)
    assert fingerprint(one) != fingerprint(longer)
    if size:
        assert fingerprint(one) != fingerprint(other)


def test_every_byte_of_a_file_counts(tmp_path: Path) -> None:
    file, data = tmp_path / "a.npy", bytearray(9_000_000)
    file.write_bytes(data)
    before = fingerprint(file)
    for place in (77, 4_321_000, 8_999_999):
        data[place] = 1
        file.write_bytes(data)
        assert fingerprint(file) != before
        data[place] = 0


@pytest.mark.skipif(os.name != "posix", reason="makes a pipe as POSIX does")
def test_a_pipe_is_like_no_other_file_and_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert fingerprint(tmp_path / "pipe") is None
    assert of_given(tmp_path / "pipe") == UNLIKE_ANY == of_given(tmp_path / "missing")
    assert of_given(None) == OFF


@pytest.mark.parametrize("place", [0, 2_500_000, 5_242_879])
def test_a_very_large_file_is_read_at_its_ends_and_in_between(
    tmp_path: Path, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprint_module, "WHOLE", 0)
    monkeypatch.setattr(fingerprint_module, "SLICES", SLICES)
    data = bytearray(SLICES * SLICE_BYTES * 5)
    file = tmp_path / "a"
    file.write_bytes(data)
    before = fingerprint(file)
    changed = data[place : place + 6 * SLICE_BYTES]
    data[place : place + len(changed)] = b"\1" * len(changed)
    file.write_bytes(data)
    assert fingerprint(file) != before


def test_a_folder_is_told_by_its_files(tmp_path: Path) -> None:
    (tmp_path / "cameras.txt").write_text("1")
    before = fingerprint(tmp_path)
    assert before is not None
    (tmp_path / "images.txt").write_text("2")
    assert fingerprint(tmp_path) != before
    assert fingerprint(tmp_path / "missing") is None
    assert fingerprint(tmp_path / ("x" * 300)) is None
