"""Files appear whole or not at all."""

import errno
import os
from pathlib import Path

import pytest

from ppdcli.errors import OutputError
from ppdcli.files.atomic import atomic_path, placed_by


def test_success_makes_parents_and_leaves_one_file(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "depth.png"
    with atomic_path(target) as temporary:
        assert temporary.parent == target.parent
        assert temporary.suffix == ".png" and temporary.name.startswith(".")
        temporary.write_bytes(b"new")
        assert not target.exists()
    assert target.read_bytes() == b"new"
    assert [entry.name for entry in target.parent.iterdir()] == ["depth.png"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_any_failure_leaves_the_old_file_and_no_temporary(
    tmp_path: Path, error: type[BaseException]
) -> None:
    target = tmp_path / "depth.png"
    target.write_bytes(b"old")
    with pytest.raises(error), atomic_path(target) as temporary:
        temporary.write_bytes(b"half")
        raise error
    assert target.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["depth.png"]


def test_the_systems_refusals_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    for target in (tmp_path / "file" / "x.png", tmp_path / "folder", tmp_path / ("x" * 300)):
        with pytest.raises(OutputError) as error, atomic_path(target) as temporary:
            temporary.write_bytes(b"data")
        assert str(target) in str(error.value) and "\n" not in str(error.value)
    with pytest.raises(OutputError), atomic_path(Path()):
        pytest.fail("a path without a name was accepted")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "folder"]


def test_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No space left"), atomic_path(tmp_path / "x.png") as t:
        t.write_bytes(b"half")
        raise OSError(28, "No space left on device")
    assert not list(tmp_path.iterdir())


def test_a_long_name_that_the_system_takes(tmp_path: Path) -> None:
    target = tmp_path / ("x" * 250 + ".png")
    with atomic_path(target) as temporary:
        temporary.write_bytes(b"data")
    assert target.read_bytes() == b"data"


def test_the_data_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bytes] = []
    target = tmp_path / "x.png"

    def fsync(descriptor: int) -> None:
        assert not target.exists()
        synced.append(os.pread(descriptor, 100, 0))

    monkeypatch.setattr(os, "fsync", fsync)
    with atomic_path(target) as temporary:
        temporary.write_bytes(b"data")
    assert synced == [b"data"]
    assert target.exists()


@pytest.mark.parametrize(("error", "written"), [(errno.EINVAL, True), (errno.EIO, False)])
def test_a_disk_that_fails_is_told_from_one_that_cannot_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int, written: bool
) -> None:
    def fsync(_: int) -> None:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, "fsync", fsync)
    try:
        with atomic_path(tmp_path / "x.png") as temporary:
            temporary.write_bytes(b"data")
    except OutputError as failure:
        assert not written and "Input/output error" in str(failure)
    assert [path.name for path in tmp_path.iterdir()] == (["x.png"] if written else [])


def written(target: Path, follow: bool | None = None) -> None:
    with atomic_path(target, follow) as temporary:
        temporary.write_bytes(b"new")


@pytest.mark.parametrize("there", [False, True])
def test_a_link_that_is_named_is_written_through(tmp_path: Path, there: bool) -> None:
    (tmp_path / "deep").mkdir()
    link, target = tmp_path / "x.ply", tmp_path / "deep" / "data"
    link.symlink_to("deep/other")
    (tmp_path / "deep" / "other").symlink_to("data")
    if there:
        target.write_bytes(b"old")
    with atomic_path(link) as temporary:
        assert temporary.parent == target.parent  # of one file system, so that it can be renamed
        assert temporary.suffix == ".ply"  # which writers go by
        temporary.write_bytes(b"new")
    assert link.is_symlink() and target.read_bytes() == b"new"
    assert {path.name for path in target.parent.iterdir()} == {"data", "other"}


def test_a_link_of_an_output_folder_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"precious")
    for k, follow in enumerate((False, None)):
        link = tmp_path / f"{k}"
        link.symlink_to("precious")
        with placed_by(Path.replace, follow=False):
            written(link, follow)
        assert not link.is_symlink() and link.read_bytes() == b"new"
    assert (tmp_path / "precious").read_bytes() == b"precious"


def test_links_and_names_that_lead_to_no_file(tmp_path: Path) -> None:
    circle, pipe, device = tmp_path / "circle", tmp_path / "pipe", tmp_path / "device"
    circle.symlink_to("circle")
    os.mkfifo(pipe)
    device.symlink_to(os.devnull)
    (tmp_path / "lost").symlink_to(tmp_path / "pipe" / "below")
    for name in ("circle", "pipe", "device", "lost"):
        with pytest.raises(OutputError) as error:
            written(tmp_path / name)
        assert str(error.value).startswith(f"{tmp_path / name}: cannot be written (")
    assert circle.is_symlink() and device.is_symlink() and pipe.is_fifo()
    assert Path(os.devnull).is_char_device()
    assert len(list(tmp_path.iterdir())) == 4
