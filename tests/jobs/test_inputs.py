"""What the command line names -> the images to work on."""

from __future__ import annotations

import codecs
import inspect
import io
import os
import socket
import sys
from pathlib import Path, PurePath

import pytest

from ppdcli.errors import PpdError, UsageError
from ppdcli.jobs.input_list import read_list
from ppdcli.jobs.inputs import Found, discover
from ppdcli.jobs.journal import NAME
from ppdcli.jobs.journal_entries import Entry, line_of


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def touch(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()


def record(folder: str, *results: str) -> None:
    lines = (line_of(Entry(name, 1, {}, None)) for name in results)
    Path(folder, NAME).write_bytes(b"".join(lines))


def stems(found: Found) -> list[str]:
    return [entry.stem.as_posix() for entry in found.inputs]


def names(found: Found) -> list[str]:
    return [entry.name for entry in found.inputs]


# --- discover ----------------------------------------------------------------------------------


def test_a_folder_is_searched_in_a_fixed_order_and_others_are_counted() -> None:
    touch("in/z.jpg", "in/a.PNG", "in/b/c.tiff", "in/b/notes.txt", "in/README", "in/.x.jpg")
    found = discover(["in"])
    assert stems(found) == ["a", "z", "b/c"]
    assert names(found) == ["in/a.PNG", "in/z.jpg", "in/b/c.tiff"]
    assert found.passed_over == 3


def test_what_another_run_wrote_is_no_photo() -> None:
    touch("in/a.jpg", "in/ppd-out/sub/a_depth.png", "in/ppd-out/sub/photo.png")
    record("in/ppd-out", "sub/a_depth.png")
    found = discover(["in"], Path("elsewhere"))
    assert (names(found), found.passed_over) == (["in/a.jpg", "in/ppd-out/sub/photo.png"], 2)


@pytest.mark.parametrize("pattern", ["in/*", "in/../in/*.*", "**/*"])
def test_a_pattern_matches_no_results(pattern: str) -> None:
    touch("in/a.jpg", "in/a_depth.png")
    record("in", "a_depth.png")
    found = discover([pattern], Path("in"))
    assert [Path(name).name for name in names(found)] == ["a.jpg"]
    assert found.passed_over == 1


def test_a_result_that_is_named_is_a_photo() -> None:
    touch("in/a_depth.png")
    record("in", "a_depth.png")
    assert names(discover(["in/a_depth.png"], Path("in"))) == ["in/a_depth.png"]


def test_only_the_last_suffix_is_taken_off() -> None:
    touch("in/a.b.jpg", "c.d.jpg")
    assert stems(discover(["in", "c.d.jpg"])) == ["a.b", "c.d"]


def test_a_file_goes_to_the_top_whatever_its_folder_and_suffix() -> None:
    touch("in/sub/photo.dat")
    assert stems(discover(["in/sub/photo.dat"])) == ["photo"]


def test_a_missing_file_is_kept() -> None:
    assert names(discover(["missing.jpg"])) == ["missing.jpg"]


def test_a_file_that_is_named_twice_is_one_input() -> None:
    touch("in/a.jpg")
    found = discover(["in", "in/a.jpg", "./in/a.jpg", str(Path("in/a.jpg").absolute())])
    assert names(found) == ["in/a.jpg"]
    assert names(discover(["in/a.jpg", "in/../in/a.jpg"])) == ["in/a.jpg"]


def test_a_pattern_is_sorted() -> None:
    touch("b.jpg", "a.jpg", "c.png")
    assert names(discover(["*.jpg"])) == ["a.jpg", "b.jpg"]


def test_a_pattern_of_folders_means_what_is_in_them() -> None:
    touch("day1/a.jpg", "day2/b.jpg", "night/c.jpg")
    assert names(discover(["day?"])) == ["day1/a.jpg", "day2/b.jpg"]


def test_a_recursive_pattern_keeps_to_the_pattern() -> None:
    touch("in/a.jpg", "in/sub/b.jpg", "in/sub/c.png")
    assert names(discover(["in/**/*.jpg"])) == ["in/a.jpg", "in/sub/b.jpg"]


def test_a_pattern_without_a_match_is_a_missing_file() -> None:
    assert names(discover(["*.jpg"])) == ["*.jpg"]


def test_a_name_that_looks_like_a_pattern_is_a_name_first() -> None:
    touch("a[1].jpg", "a1.jpg")
    assert names(discover(["a[1].jpg"])) == ["a[1].jpg"]


def test_a_name_that_the_system_refuses_is_a_missing_file() -> None:
    assert names(discover(["x" * 300])) == ["x" * 300]


def test_stdin_has_no_path() -> None:
    (entry,) = discover(["-"]).inputs
    assert (entry.name, entry.path, entry.stem) == ("stdin", None, PurePath("stdin"))


def test_stdin_twice() -> None:
    with pytest.raises(UsageError, match=r"stdin \(-\)"):
        discover(["-", "-"])


def test_nothing_found_names_the_place() -> None:
    touch("in/notes.txt")
    with pytest.raises(PpdError, match=r"^in: no image found \(1 other file\); name") as error:
        discover(["in"])
    assert not isinstance(error.value, UsageError)
    with pytest.raises(PpdError, match=r"^the list: no image found; name"):
        discover([])


def test_a_folder_that_cannot_be_opened_is_an_input_that_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    touch("in/a.jpg", "in/locked/b.jpg")
    scan = os.scandir

    def scandir(path: str) -> object:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert names(discover(["in"])) == ["in/a.jpg", "in/locked"]


# --- strange folders ---------------------------------------------------------------------------


def test_links_to_folders_are_passed_over_and_links_to_files_are_taken() -> None:
    touch("in/a.jpg", "in/sub/b.jpg", "elsewhere/c.jpg")
    Path("in/circle").symlink_to(".")
    Path("in/sub/up.jpg").symlink_to("..")
    Path("in/sub/elsewhere").symlink_to(Path("elsewhere").absolute())
    Path("in/link.jpg").symlink_to("a.jpg")
    found = discover(["in"])
    assert names(found) == ["in/a.jpg", "in/link.jpg", "in/sub/b.jpg"]
    assert found.passed_over == 3
    assert names(discover(["in/sub/elsewhere"])) == ["in/sub/elsewhere/c.jpg"]


def test_a_recursive_pattern_comes_to_an_end_where_links_go_in_circles() -> None:
    touch("in/a.jpg", "in/sub/b.jpg", "in/.hidden/c.jpg")
    for folder in ("in", "in/sub"):  # two of them double the paths at each level
        Path(folder, "one").symlink_to(Path("in").absolute())
        Path(folder, "two").symlink_to(Path("in").absolute())
    both = ["in/a.jpg", "in/sub/b.jpg"]
    for pattern in ("in/**/*.jpg", "**/*.jpg", "in/**", "in/**/**/*.jpg", "i?/**/[ab].jpg"):
        assert names(discover([pattern])) == both
    assert names(discover(["in/**/b.jpg"])) == ["in/sub/b.jpg"]
    whole = Path("in").absolute()
    assert names(discover([f"{whole}/**/*.jpg"])) == [f"{whole}/{name[3:]}" for name in both]
    assert names(discover(["in/one/*.jpg"])) == ["in/one/a.jpg"]  # what is named is followed


def test_a_link_that_leads_nowhere_is_an_input_that_fails() -> None:
    touch("in/a.jpg")
    Path("in/gone.jpg").symlink_to("missing.jpg")
    Path("in/self.jpg").symlink_to("self.jpg")
    found = discover(["in"])
    assert names(found) == ["in/a.jpg", "in/gone.jpg", "in/self.jpg"]
    assert found.passed_over == 0


def test_pipes_sockets_and_devices_are_passed_over() -> None:
    touch("in/a.jpg")
    os.mkfifo("in/pipe.jpg")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("in/socket.jpg")
    found = discover(["in"])
    assert names(found) == ["in/a.jpg"]
    assert found.passed_over == 2


def test_hidden_folders_are_passed_over_unless_named() -> None:
    touch("in/a.jpg", "in/.thumbnails/a.jpg", "in/.thumbnails/b.jpg")
    found = discover(["in"])
    assert names(found) == ["in/a.jpg"]
    assert found.passed_over == 1
    assert len(discover(["in/.thumbnails"]).inputs) == 2
    os.chdir("in/.thumbnails")
    assert names(discover(["."])) == ["a.jpg", "b.jpg"]


def test_folders_that_look_like_images() -> None:
    touch("in/day.jpg/a.png", "in/day.jpg/b.JPG")
    assert stems(discover(["in"])) == ["day.jpg/a", "day.jpg/b"]


def test_names_of_any_bytes() -> None:
    strange = [b"new\nline.jpg", b"\x1b[31m.jpg", b"\xff\xfe.jpg", "😀.jpg".encode()]
    Path("in").mkdir()
    for name in [*strange, b"x" * 251 + b".jpg"]:
        Path("in", os.fsdecode(name)).touch()
    found = discover(["in"])
    there = sorted(os.fsencode(entry.path.name) for entry in found.inputs if entry.path)
    assert there == sorted([*strange, b"x" * 251 + b".jpg"])
    assert {os.fsencode(f"{entry.stem}.jpg") for entry in found.inputs} == set(there)


@pytest.mark.parametrize("argument", ["in", "in/**/*.jpg"])
def test_folders_deeper_than_calls_can_be(argument: str) -> None:
    touch("in/" + "a/" * 300 + "deep.jpg")
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack()) + 150)
    try:
        found = discover([argument], output=Path("out"))
    finally:
        sys.setrecursionlimit(limit)
    assert names(found) == ["in/" + "a/" * 300 + "deep.jpg"]


def test_a_folder_that_cannot_be_read_is_in_no_photos_way(monkeypatch: pytest.MonkeyPatch) -> None:
    touch("one/in/a.jpg", "two/in/a.jpg", "two/a.jpg")
    locked = {str(Path(name).absolute()) for name in ("one/in", "two/in")}
    scan = os.scandir

    def scandir(path: str) -> object:
        if str(Path(path).absolute()) in locked:
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = discover(["one", "two", "one/in", "../" + Path.cwd().name + "/two/in"])
    assert names(found)[:3] == ["one/in", "two/a.jpg", "two/in"]
    assert len(set(stems(found)[:3])) == 3
    assert all(".." not in entry.stem.parts for entry in found.inputs)


def test_a_link_in_a_circle_as_the_output() -> None:
    touch("in/a.jpg")
    Path("out").symlink_to("out")
    assert names(discover(["in"], output=Path("out"))) == ["in/a.jpg"]


# --- results of an earlier run -----------------------------------------------------------------


def test_the_output_folder_inside_an_input_folder_is_not_searched() -> None:
    touch("in/a.jpg", "in/out/a_depth.png", "in/b/out/c.jpg")
    found = discover(["in"], output=Path("in/b/../out"))
    assert names(found) == ["in/a.jpg", "in/b/out/c.jpg"]
    assert names(discover(["in/out"], output=Path("in"))) == ["in/out/a_depth.png"]


def test_results_beside_the_photos_are_passed_over() -> None:
    touch("in/a.jpg", "in/a_depth.png", "in/sub/b.jpg", "in/sub/b_depth.png", "in/c_depth.png")
    found = discover(["in"], Path("in"), ["_depth.png"])
    assert names(found) == ["in/a.jpg", "in/c_depth.png", "in/sub/b.jpg"]
    assert found.passed_over == 2
    elsewhere = discover(["in"], Path("out"), ["_depth.png"])
    assert len(elsewhere.inputs) == 5


# --- lists -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "paths"),
    [
        (b"a.jpg\nb c.jpg\n", ["a.jpg", "b c.jpg"]),
        (b"a.jpg\r\n\r\nb.jpg", ["a.jpg", "b.jpg"]),
        (b"a\nb.jpg\0c.jpg\r\0", ["a\nb.jpg", "c.jpg\r"]),
        (b" a.jpg ", ["a.jpg"]),
        (b'a.jpg\n\n  \nb.png  \n"c d.png"\n# e.png\n', ["a.jpg", "b.png", "c d.png"]),
        (codecs.BOM_UTF8 + b"a.jpg\r\n", ["a.jpg"]),
        ("a.jpg\r\nStra\u00dfe.png\r\n".encode("utf-16"), ["a.jpg", "Stra\u00dfe.png"]),
        ("a.jpg\r\nb.png\r\n".encode("utf-16-le"), ["a.jpg", "b.png"]),
        ("a.jpg\r\nb.png\r\n".encode("utf-16-be"), ["a.jpg", "b.png"]),
        (b"\xff.jpg", [os.fsdecode(b"\xff.jpg")]),
        (b"", []),
    ],
)
def test_lists_of_paths(content: bytes, paths: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    Path("list").write_bytes(content)
    assert read_list("list") == paths
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert read_list("-") == paths


def test_files_that_are_really_called_so() -> None:
    for name in (" a.png", "# b.png", '"c.png"'):
        Path(name).touch()
    Path("list").write_text(' a.png\n# b.png\n"c.png"\n')
    assert read_list("list") == [" a.png", "# b.png", '"c.png"']


@pytest.mark.parametrize("source", ["missing", "."])
def test_a_list_that_cannot_be_read(source: str) -> None:
    with pytest.raises(UsageError, match="cannot read the list of inputs"):
        read_list(source)
