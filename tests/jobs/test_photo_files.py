"""Photos of a folder are found by suffix or by content; names of their outputs stay apart."""

from __future__ import annotations

import io
from pathlib import Path, PurePath

import pytest
from PIL import Image
from pillow_heif import register_heif_opener

from ppdcli.jobs.inputs import Found, discover
from ppdcli.jobs.photo_files import why_passed_over
from ppdcli.jobs.stems import endings_kept

register_heif_opener()


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def put(name: str, data: bytes = b"") -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def image(format: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(stream, format)
    return stream.getvalue()


def names(found: Found) -> list[str]:
    return [entry.name for entry in found.inputs]


def stems(found: Found) -> list[str]:
    return [entry.stem.as_posix() for entry in found.inputs]


@pytest.mark.parametrize(
    "format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "JPEG2000", "HEIF", "AVIF", "PPM"]
)
@pytest.mark.parametrize("name", ["photo", "photo.jpg_large", "photo.JPG-orig"])
def test_a_photo_is_known_by_its_content(format: str, name: str) -> None:
    put(f"in/{name}", image(format))
    assert names(discover(["in"])) == [f"in/{name}"]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("notes", b"BM is no bitmap, P5 no picture"),
        ("empty", b""),
        ("P6", b"P6 was a processor"),
        ("film", b"\0\0\0\x18ftypisom" + bytes(20)),
        ("half.jpg.part", image("JPEG")),
        ("GOPR0001.THM", image("JPEG")),
        ("result.npy", b"\x93NUMPY"),
    ],
)
def test_what_is_no_photo(name: str, data: bytes) -> None:
    put(name, data)
    assert why_passed_over(Path(name)) == "no photo"


@pytest.mark.parametrize("name", ["IMG.DNG", "IMG.cr3", "IMG.NEF"])
def test_raw_files_beside_photos_are_passed_over(name: str) -> None:
    put(f"in/{name}", image("TIFF"))
    put("in/IMG.JPG")
    found = discover(["in"])
    assert names(found) == ["in/IMG.JPG"]
    assert found.others == [(f"in/{name}", "a camera's raw file; develop it first")]


def test_photos_that_cannot_be_read_are_counted() -> None:
    for name in ("a.jpg", "b.jxl", "c.dng", "@eaDir/d.jpg", "notes.txt", ".e.jpg"):
        put(f"in/{name}")
    found = discover(["in"])
    assert (found.passed_over, found.photos_passed_over) == (5, 3)


@pytest.mark.parametrize(
    "name", ["A.HIF", "a.heics", "a.JFIF", "a.jpe", "a.Jpeg", "a.AVIFS", "a.jpf", "a.TIF", "a.apng"]
)
def test_suffixes_in_any_case(name: str) -> None:
    put(f"in/{name}")
    assert names(discover(["in"])) == [f"in/{name}"]


@pytest.mark.parametrize(
    "folder", ["@eaDir", ".thumbnails", "__MACOSX", "#recycle", "THMBNL", "$RECYCLE.BIN"]
)
def test_folders_of_thumbnails_are_not_searched(folder: str) -> None:
    put("in/a.jpg")
    put(f"in/day/{folder}/a.jpg")
    put("in/._a.jpg")
    for named in ("in", "in/**/*.jpg"):
        assert names(discover([named])) == ["in/a.jpg"]
    found = discover(["in"])
    assert [name for name, _ in found.others] == ["in/._a.jpg", f"in/day/{folder}"]
    assert names(discover([f"in/day/{folder}"])) == [f"in/day/{folder}/a.jpg"]


# --- names of outputs --------------------------------------------------------------------------


@pytest.mark.parametrize("named", ["in", "in/*"])
def test_photos_that_differ_in_their_ending_keep_it(named: str) -> None:
    for name in ("IMG_1.HEIC", "IMG_1.JPG", "IMG_2.JPG", "img_2.png"):
        put(f"in/{name}")
    found = discover([named])
    assert stems(found) == ["IMG_1.HEIC", "IMG_1.JPG", "IMG_2.JPG", "img_2.png"]
    (note,) = found.notes
    assert "4 photos differ from another in the ending" in note and "IMG_1.HEIC_..." in note


def test_a_photo_that_is_alone_keeps_no_ending() -> None:
    put("in/a/IMG_1.HEIC")
    put("in/b/IMG_1.JPG")
    found = discover(["in"])
    assert (stems(found), found.notes) == (["a/IMG_1", "b/IMG_1"], [])


def test_photos_that_are_named_keep_no_ending() -> None:
    put("a.jpg")
    put("a.png")
    assert stems(discover(["a.jpg", "a.png"])) == ["a", "a"]


def test_a_name_made_longer_may_meet_another() -> None:
    photos = ["in/a.jpg", "in/a.png", "in/a.jpg.webp"]
    longer = endings_kept(photos, [PurePath("a"), PurePath("a"), PurePath("a.jpg")])
    assert [path.name for path in longer.values()] == ["a.jpg", "a.png", "a.jpg.webp"]


def test_results_of_such_photos_beside_them_are_no_photos() -> None:
    for name in ("a.jpg", "a.png", "a.jpg_depth.png", "a.png_depth.png", "b.jpg", "b_depth.png"):
        put(f"in/{name}")
    found = discover(["in"], Path("in"), ["_depth.png"])
    assert names(found) == ["in/a.jpg", "in/a.png", "in/b.jpg"]
