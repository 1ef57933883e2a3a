"""Lists: what they hold, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from set_writers import listed

from ppdcli.errors import UsageError
from ppdcli.evaluation.sets import diode, kitti, scannet
from ppdcli.evaluation.sets.listing import read_list


def test_lines_in_their_order_without_comments(tmp_path: Path) -> None:
    path = listed(tmp_path, "x", "# photo depth", "b.jpg\tb.png", "", "   ", "  a/c.jpg   c.png ")
    listing = read_list(path, scannet.RULES)
    assert [tuple(map(str, row)) for row in listing.rows] == [
        ("b.jpg", "b.png"),
        ("a/c.jpg", "c.png"),
    ]
    assert listing.passed_over == 0


def test_a_mark_of_utf8_and_dos_lines(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes("\ufeffä.jpg ä.png\r\nb.jpg b.png\r\n".encode())
    assert [row[0].name for row in read_list(path, scannet.RULES).rows] == ["ä.jpg", "b.jpg"]


def test_only_files_are_kept(tmp_path: Path) -> None:
    listing = read_list(listed(tmp_path, "x", "a.png b.png 721.5377"), kitti.RULES)
    assert listing.rows == ((PurePosixPath("a.png"), PurePosixPath("b.png")),)
    listing = read_list(listed(tmp_path, "x", "a.png b.npy c.npy"), diode.RULES)
    assert [file.name for file in listing.rows[0]] == ["a.png", "b.npy", "c.npy"]


def test_images_without_depth_are_counted_and_passed_over(tmp_path: Path) -> None:
    lines = ("a.png None 721.5", "b.png b_depth.png 718.8", "c.png None 721.5")
    listing = read_list(listed(tmp_path, "x", *lines), kitti.RULES)
    assert [row[0].name for row in listing.rows] == ["b.png"] and listing.passed_over == 2
    with pytest.raises(UsageError, match="lists no image with depth"):
        read_list(listed(tmp_path, "x", "a.png None 721.5"), kitti.RULES)


def test_none_is_a_file_name_where_the_protocol_knows_no_such_word(tmp_path: Path) -> None:
    listing = read_list(listed(tmp_path, "x", "a.jpg None"), scannet.RULES)
    assert listing.rows[0][1].name == "None" and listing.passed_over == 0


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["a.jpg a.png", "b.jpg"], "line 2 has 1 field instead of 2; give `photo depth`, with"),
        (["#", "", "a.jpg a.png 3"], "line 3 has 3 fields instead of 2"),
        (["a.jpg a.png", "b.jpg b.png", "a.jpg c.png"], "line 3 repeats the photo a.jpg of line 1"),
        (["d/a.jpg a.png", "./d//a.jpg c.png"], "line 2 repeats the photo d/a.jpg of line 1"),
        (["/data/a.jpg a.png"], "line 1: /data/a.jpg is not below"),
        (["a.jpg /data/a.png"], "line 1: /data/a.png is not below"),
        (["a.jpg ../a.png"], "line 1: ../a.png is not below"),
        (["a.jpg d/../../a.png"], "line 1: d/../../a.png is not below"),
        (["a.jpg C:\\a.png"], r"line 1: C:\\a.png is not below"),
        (["a.jpg d\\..\\..\\a.png"], "is not below"),
        (["a.jpg ."], "line 1: . is not below"),
        ([""], "lists no image with depth; give lines `photo depth`"),
        (["# nothing"], "lists no image"),
    ],
)
def test_a_bad_list_is_refused_by_line(tmp_path: Path, lines: list[str], message: str) -> None:
    path = listed(tmp_path, "x", *lines)
    with pytest.raises(UsageError, match=f"^{path}: ") as caught:
        read_list(path, scannet.RULES)
    caught.match(message)
    assert "\n" not in str(caught.value)


def test_no_list(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no\.txt: no such file; .*; a list has lines `photo"):
        read_list(tmp_path / "no.txt", scannet.RULES)
    with pytest.raises(UsageError, match="is a folder, not a list"):
        read_list(tmp_path, scannet.RULES)
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(UsageError, match=r"photo\.jpg: is not a text file"):
        read_list(tmp_path / "photo.jpg", scannet.RULES)
