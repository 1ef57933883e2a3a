"""Small files that ask for much, and names that lead to no file: refused at once, in one line."""

from __future__ import annotations

import io
import os
import socket
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import OpenEXR
import pytest

from ppdcli.errors import InputError, PpdError, UsageError
from ppdcli.evaluation.prediction_files import of_folder
from ppdcli.evaluation.sets import hypersim
from ppdcli.evaluation.sets.listing import read_list as read_set
from ppdcli.files import sparse_depth
from ppdcli.files.cameras.camera_file import given_cameras, read_cameras
from ppdcli.files.depth_files import format_of, read_depth
from ppdcli.files.sparse_depth import read_sparse_depth
from ppdcli.jobs.fingerprint import fingerprint
from ppdcli.jobs.input_list import read_list

VALUES = np.array([[1, 2], [3, 4]], np.float32)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # also since the path of a socket must be short


def depth(path: Path) -> object:
    return read_depth(path, "metric", "mm")


def known(path: Path) -> object:
    return read_sparse_depth(path, 2, 2)


def prediction(path: Path) -> object:
    return of_folder("other", path.parent, "depth", "mm").predict(f"{path.stem}.jpg", None)  # type: ignore[arg-type]


def refusal(read: Callable[[Path], object], path: Path) -> str:
    with pytest.raises(PpdError) as error:
        read(path)
    line = str(error.value)
    assert str(path) in line
    assert line.isprintable()
    assert len(line) < 600
    return line


# --- names that lead to no file ----------------------------------------------------------------


def make_folder(path: Path) -> None:
    path.mkdir()


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def make_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_circle(path: Path) -> None:
    path.symlink_to(path.name)


def make_nothing(path: Path) -> None:
    pass


MAKERS = (make_folder, make_pipe, make_socket, make_device, make_circle, make_nothing)
READERS: dict[str, Callable[[Path], object]] = {
    "depth": depth,
    "align": known,
    "format": format_of,
    "cameras": read_cameras,
    "list": lambda path: read_list(str(path)),
    "set": lambda path: read_set(path, hypersim.RULES),
    "hdf5": lambda path: hypersim.read(path, path),
}


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("name", READERS)
def test_what_is_no_file_is_refused_at_once(name: str, make: Callable[[Path], None]) -> None:
    make(Path("x"))
    refusal(READERS[name], Path("x"))


@pytest.mark.parametrize("make", MAKERS)
def test_a_prediction_that_is_no_file_is_as_if_it_were_not_there(
    make: Callable[[Path], None],
) -> None:
    make(Path("x.npy"))
    assert "no .npy, .npz, .exr or .png there" in refusal(prediction, Path("x"))


@pytest.mark.parametrize("make", [make_pipe, make_socket, make_device])
def test_what_is_no_file_has_no_fingerprint(make: Callable[[Path], None]) -> None:
    make(Path("x"))
    assert fingerprint(Path("x")) is None


@pytest.mark.parametrize("name", ["a\0b", "x" * 300, "y/" * 3000 + "x"])
def test_impossible_names(name: str) -> None:
    for reader in (depth, known, read_cameras, prediction):
        with pytest.raises(PpdError):
            reader(Path(name))
    with pytest.raises(UsageError) as error:
        given_cameras(name * 100)
    assert len(str(error.value)) < 600


def through_a_pipe(data: bytes, read: Callable[[str], object]) -> object:
    """As with ``<(program)``; what is read fits into a pipe."""
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    try:
        return read(f"/dev/fd/{reading}")
    finally:
        os.close(reading)


def test_cameras_and_lists_may_come_from_a_pipe() -> None:
    assert through_a_pipe(b"a b.jpg\n\nc.png\r\n", read_list) == ["a b.jpg", "c.png"]
    assert through_a_pipe(b"a\nb\0c\0", read_list) == ["a\nb", "c"]
    cameras = through_a_pipe(b"500 500 320 240", given_cameras)
    assert cameras.for_image("x", 640, 480).camera.fx == 500  # type: ignore[attr-defined]
    rows = through_a_pipe(b"a.jpg b.hdf5\n", lambda name: read_set(Path(name), hypersim.RULES))
    assert len(rows.rows) == 1  # type: ignore[attr-defined]


# --- arrays ------------------------------------------------------------------------------------


def npy(header: str, values: bytes = b"", version: bytes = b"\1\0") -> bytes:
    text = header.encode("latin-1")
    size = struct.pack("<H" if version == b"\1\0" else "<L", len(text))
    return b"\x93NUMPY" + version + size + text + values


def described(shape: object = "(2, 2)", descr: str = "'<f4'", order: str = "False") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}}}"


HEADERS = {
    "terabytes": described("(1000000, 1000000)"),
    "terabytes-columns-first": described("(1000000, 1000000)", order="True"),
    "more-than-there-is": described("(3, 2)"),
    "negative": described("(-2, -2)"),
    "beyond-64-bit": described(f"({'9' * 40}, 1)"),
    "beyond-python": described(f"({'9' * 5000}, 1)"),
    "a-float": described("(2.0, 2)"),
    "objects": described(descr="'|O'"),
    "records": described(descr="[('a', '<f4'), ('b', '<O')]"),
    "texts": described(descr="'<U1000000'"),
    "open-bracket": described()[:-1],
    "deep": described("(" * 3000 + ")" * 3000),
    "deep-minus": described("-" * 5000 + "1"),
    "indented": "  x\n y\n",
    "code": "__import__('os').system('touch owned')",
    "empty": "",
    "number": "1",
    "nul": "\0" * 100,
    "long": described() + " " * 100_000,
}


@pytest.mark.parametrize("version", [b"\1\0", b"\2\0", b"\3\0", b"\xff\xff"])
@pytest.mark.parametrize("name", HEADERS)
def test_headers_of_arrays(name: str, version: bytes) -> None:
    header = HEADERS[name]
    if len(header) > 65535 and version == b"\1\0":
        header = header[:65535]
    data = npy(header, VALUES.tobytes(), version)
    Path("x.npy").write_bytes(data)
    with zipfile.ZipFile("y.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("depth.npy", data)
    refusal(depth, Path("x.npy"))
    refusal(known, Path("x.npy"))
    refusal(prediction, Path("x.npy"))
    refusal(prediction, Path("y.npz"))
    assert not Path("owned").exists()


def test_sound_arrays_of_all_kinds_are_read() -> None:
    for values in (VALUES, np.asfortranarray(VALUES), VALUES.astype(">f8"), VALUES.astype("u1")):
        np.save("x.npy", values)
        np.testing.assert_array_equal(read_depth(Path("x.npy"), "metric", 1.0).values, VALUES)


def npz(**entries: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(f"{name}.npy", data)
    return stream.getvalue()


def test_archives() -> None:
    sound = npz(depth=npy(described(), VALUES.tobytes()))
    directory = sound.index(b"PK\1\2")
    encrypted, unknown, liar = bytearray(sound), bytearray(sound), bytearray(sound)
    for at in (6, directory + 8):
        encrypted[at] |= 1
    for at in (8, directory + 10):
        unknown[at : at + 2] = struct.pack("<H", 97)
    liar[directory + 24 : directory + 28] = struct.pack("<L", 1 << 31)
    zeros = npy(described("(100000, 100000)"), bytes(50_000_000))  # 50 kB
    files = {"encrypted": encrypted, "unknown": unknown, "liar": liar, "none": npz(), "bomb": None}
    for name, data in files.items():
        Path("x.npz").write_bytes(npz(depth=zeros) if data is None else data)
        if name == "liar":  # its other length is right, and so is its checksum
            continue
        refusal(prediction, Path("x.npz"))
    many = {f"\x1b[31m{k}": b"" for k in range(5000)}
    Path("x.npz").write_bytes(npz(**many))
    assert r"holds \x1b[31m0, " in refusal(prediction, Path("x.npz"))


# --- pictures of depth -------------------------------------------------------------------------


def png16(width: int, height: int, rows: int) -> bytes:
    header = struct.pack(">LLBBBBB", width, height, 16, 0, 0, 0, 0)
    pixels = zlib.compress((b"\0" + b"\1\2" * width) * rows if rows else b"")
    chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">L", len(body)) + name + body + struct.pack(">L", zlib.crc32(name + body))
        for name, body in chunks
    )


@pytest.mark.parametrize(
    ("width", "height", "rows"),
    [(1, 249_000_000, 1), (249_000_000, 1, 0), (20_000, 20_000, 1), (1, 900_000, 9), (8, 8, 5)],
)
def test_pngs_that_are_not_all_there(width: int, height: int, rows: int) -> None:
    Path("x.png").write_bytes(png16(width, height, rows))
    for read in (depth, known, prediction):
        refusal(read, Path("x.png"))


def test_a_png_whose_scale_makes_no_sense() -> None:
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    for scale in ("nan", "inf", "0", "1e999", "x" * 1000, "\x1b[2J", ""):
        info = PngInfo()
        info.add_text("scale", scale)
        info.add_text("offset", "0")
        Image.fromarray(np.ones((2, 2), np.uint16)).save("x.png", pnginfo=info)
        refusal(depth, Path("x.png"))


def exr(values: np.ndarray = VALUES, name: str = "Z") -> bytes:
    OpenEXR.File({}, {name: values}).write("made.exr")
    return Path("made.exr").read_bytes()


@pytest.mark.parametrize("corner", [1 << 20, (1 << 31) - 1, -5])
def test_an_exr_of_another_size_than_it_has(corner: int) -> None:
    data = bytearray(exr())
    at = data.index(b"dataWindow\0box2i\0") + 17 + 4
    data[at + 8 : at + 16] = struct.pack("<ii", corner, corner)
    Path("x.exr").write_bytes(data)
    for read in (depth, known, prediction):
        refusal(read, Path("x.exr"))


def test_an_exr_whose_channels_are_escape_sequences() -> None:
    OpenEXR.File({}, {"\x1b[2JR": VALUES, "\x07G": VALUES}).write("x.exr")
    assert r"\x1b[2JR" in refusal(depth, Path("x.exr"))


# --- HDF5 --------------------------------------------------------------------------------------


def test_an_hdf5_leads_nowhere_else() -> None:
    whole = np.ones((768, 1024), np.float32)
    with h5py.File("other.hdf5", "w") as file:
        file["dataset"] = whole
    Path("raw").write_bytes(whole.tobytes())
    layout = h5py.VirtualLayout(whole.shape, np.float32)
    layout[:] = h5py.VirtualSource("other.hdf5", "dataset", whole.shape)

    def soft(file: h5py.File) -> None:
        file["dataset"] = h5py.SoftLink("/dataset")

    def external(file: h5py.File) -> None:
        file["dataset"] = h5py.ExternalLink("other.hdf5", "dataset")

    def raw(file: h5py.File) -> None:
        file.create_dataset("dataset", whole.shape, np.float32, external=[("raw", 0, 1 << 22)])

    def virtual(file: h5py.File) -> None:
        file.create_virtual_dataset("dataset", layout)

    def group(file: h5py.File) -> None:
        file.create_group("dataset")

    def lazy(file: h5py.File) -> None:
        file.create_dataset("dataset", (1 << 20, 1 << 20), np.float64, chunks=(1024, 1024))

    def texts(file: h5py.File) -> None:
        file.create_dataset("dataset", whole.shape, "S100000", chunks=(1, 1024))

    def nothing(file: h5py.File) -> None:
        pass

    for make in (soft, external, raw, virtual, group, lazy, texts, nothing):
        with h5py.File("x.hdf5", "w") as file:
            make(file)
        refusal(READERS["hdf5"], Path("x.hdf5"))


# --- text --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [1, 2]\nK: *a\n",
        "K: " + "[" * 100_000,
        "K: " + "{a: " * 50_000,
        "K: 1" + ":59" * 300_000,
        "K: 0x" + "f" * 1_000_000,
        "K: " + "9" * 1_000_000,
        "K: [1e999999, 0, 0, 0, 1, 0, 0, 0, 1]",
        '{"fl_x": ' + "9" * 100_000 + "}",
        '{"fl_x": 1e999999}',
        '{"frames": [' + "[],[]," * 2_000_000 + "[]]}",
        '{"fl_x": 1, "k1": "\x1b[2J"}',
        "1 PINHOLE " + "9" * 100_000 + " 480 500 500 320 240",
        "1 PINHOLE 640 480 1e999 500 320 240",
        "9" * 100_000 + " PINHOLE 640 480 500 500 320 240",
        "1 " + "X" * 100_000 + " 640 480 500 500 320 240",
        "\n" * 3_000_000 + "a: 1",
        "x" * 5_000_000,
        "1e999 500 320 240",
        "9" * 50_000 + " 1 1 1",
    ],
    ids=range(19),
)
def test_camera_texts_that_ask_for_much(text: str) -> None:
    Path("x").write_text(text)
    refusal(lambda path: read_cameras(path).for_image("a.jpg", 640, 480), Path("x"))


@pytest.mark.parametrize(
    "images", ["x" * 500_000, "1 " * 500_000, "#" + " " * 500_000 + "\n9\n", "\0" * 100]
)
def test_image_lists_that_ask_for_much(images: str) -> None:
    Path("cameras.txt").write_text("1 PINHOLE 6 4 5 5 3 2\n2 PINHOLE 6 4 6 6 3 2\n")
    Path("images.txt").write_text(images)
    with pytest.raises(InputError) as error:
        read_cameras(Path("cameras.txt"))
    assert len(str(error.value)) < 600


def test_an_image_list_with_long_lines_of_points_is_read() -> None:
    Path("cameras.txt").write_text("1 PINHOLE 6 4 5 5 3 2\n2 PINHOLE 6 4 6 6 3 2\n")
    points = "1.5 2.5 7 " * 50_000
    Path("images.txt").write_text(
        f"# {'long ' * 50_000}\n1 1 0 0 0 1 2 3 1 a.jpg\n{points}\n2 1 0 0 0 1 2 3 2 b.jpg\n\n"
    )
    cameras = read_cameras(Path("cameras.txt"))
    assert [cameras.for_image(f"{name}.jpg", 6, 4).camera.fx for name in "ab"] == [5, 6]


@pytest.mark.parametrize(
    "text",
    [
        "1 " * 50_000,
        "1 1 " + "9" * 100_000,
        "1e999 1 1",
        "\x1b[2J 1 1",
        "1 1 1\n" + "x" * 20_000,
        "u v depth\nu v depth\n",
    ],
    ids=range(6),
)
def test_tables_that_ask_for_much(text: str) -> None:
    Path("x").write_text(text)
    refusal(known, Path("x"))


def test_a_table_of_too_many_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparse_depth, "MAX_LINES", 100)
    Path("x").write_text("\n" * 101)
    assert "has more than 100 lines" in refusal(known, Path("x"))


def test_a_list_that_is_none() -> None:
    Path("x").write_bytes(b"a\n" + b"b" * 100_000)
    assert "is no list of paths" in refusal(READERS["list"], Path("x"))


def test_files_longer_than_allowed_are_not_read() -> None:
    for name, read in {**READERS, "prediction": prediction}.items():
        if name == "format":
            continue
        for head in (b"", b"\x89PNG\r\n\x1a\n", b"\x76\x2f\x31\x01", npy(described())):
            with Path("x.npy").open("wb") as stream:
                stream.write(head)
                stream.truncate(60 << 30)  # of holes
            if name in ("depth", "align", "prediction") and head.startswith(b"\x93"):
                continue  # what follows an array does not matter
            refusal(read, Path("x.npy"))
