"""``ppd predict``: inputs, outputs, options and exit codes, as its users see them."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import Result

import ppdcli
from ppdcli.jobs.journal import NAME
from ppdcli.predictor import Predictor

Ppd = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[bytes]"]


def tree(folder: Path | str) -> set[str]:
    """The files below a folder, hidden ones as well, but for its journal."""
    files = (path for path in Path(folder).rglob("*") if path.is_file() and path.name != NAME)
    return {path.relative_to(folder).as_posix() for path in files}


def lines(text: str) -> list[str]:
    return text.splitlines()


@pytest.fixture
def folder(photo: Path, tmp_path: Path) -> Path:
    """Three photos in two folders among files that are none."""
    root = tmp_path / "in"
    (root / "sub" / "deep").mkdir(parents=True)
    pictures = ("b.jpg", "sub/a.JPG", "sub/deep/c.png")
    for turn, name in enumerate(pictures):
        with Image.open(photo) as image:
            image.rotate(90 * turn).save(root / name)
    (root / "notes.txt").write_text("not an image")
    (root / "sub" / ".hidden.jpg").write_bytes(b"not to be looked at")
    (root / "empty").mkdir()
    return root


# --- inputs ------------------------------------------------------------------------------------


def test_a_photo_becomes_a_depth_png_and_a_preview(ppd: Ppd, photo: Path, tiny: list[str]) -> None:
    result = ppd("predict", photo, *tiny)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert tree("ppd-out") == {"photo_depth.png", "photo_preview.png"}
    with (
        Image.open("ppd-out/photo_depth.png") as depth,
        Image.open("ppd-out/photo_preview.png") as preview,
    ):
        assert (depth.mode, depth.size) == ("I;16", (60, 40))
        assert (preview.mode, preview.size) == ("RGB", (60, 40))
    assert "ppd-tiny on cpu, fp32" in result.stderr
    assert "done: " in result.stderr


def test_a_folder_becomes_the_same_tree(ppd: Ppd, folder: Path, tiny: list[str]) -> None:
    result = ppd("predict", folder, *tiny, "-o", "out", "-f", "npy")
    assert result.exit_code == 0
    assert tree("out") == {"b_depth.npy", "sub/a_depth.npy", "sub/deep/c_depth.npy"}
    assert lines(result.stderr)[-1].startswith("3 done, 2 passed over")


def test_a_pattern_in_quotes(ppd: Ppd, folder: Path, tiny: list[str]) -> None:
    assert ppd("predict", "in/**/*.jpg", "in/*/*.JPG", *tiny, "-f", "npy").exit_code == 0
    assert tree("ppd-out") == {"b_depth.npy", "a_depth.npy"}


def test_a_folder_without_images_fails_the_run(ppd: Ppd, folder: Path, tiny: list[str]) -> None:
    result = ppd("predict", "in/empty", *tiny)
    assert result.exit_code == 1
    assert lines(result.stderr) == [
        "error: in/empty: no image found; name image files or a folder of them"
    ]


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\0"])
def test_a_list_of_paths(ppd: Ppd, folder: Path, tiny: list[str], separator: str) -> None:
    names = ["in/b.jpg", "in/sub/deep/c.png"]
    Path("list").write_bytes(separator.join([*names, ""]).encode())
    assert ppd("predict", "--from", "list", *tiny, "-f", "npy").exit_code == 0
    assert tree("ppd-out") == {"b_depth.npy", "c_depth.npy"}


def test_a_list_of_paths_from_stdin(ppd: Ppd, folder: Path, tiny: list[str]) -> None:
    result = ppd("predict", "--from", "-", *tiny, "-f", "npy", stdin=b"in/b.jpg\nin/sub/a.JPG")
    assert result.exit_code == 0
    assert tree("ppd-out") == {"a_depth.npy", "b_depth.npy"}


def test_a_name_with_a_line_break_in_a_list_with_nul(
    ppd: Ppd, photo: Path, tiny: list[str]
) -> None:
    shutil.copy(photo, "two\nlines.jpg")
    assert (
        ppd("predict", "--from", "-", *tiny, "-f", "npy", stdin=b"two\nlines.jpg\0").exit_code == 0
    )
    assert tree("ppd-out") == {"two\nlines_depth.npy"}


def test_stdin_to_a_file(ppd: Ppd, photo: Path, tiny: list[str]) -> None:
    assert ppd("predict", "-", *tiny, "-o", "a.npy", stdin=photo.read_bytes()).exit_code == 0
    assert ppd("predict", photo, *tiny, "-o", "b.npy").exit_code == 0
    np.testing.assert_array_equal(np.load("a.npy"), np.load("b.npy"))


def test_stdin_in_a_folder_is_called_stdin(ppd: Ppd, photo: Path, tiny: list[str]) -> None:
    assert ppd("predict", "-", *tiny, "-f", "npy", stdin=photo.read_bytes()).exit_code == 0
    assert tree("ppd-out") == {"stdin_depth.npy"}


@pytest.mark.parametrize("arguments", [["-", "-"], ["-", "--from", "-"], ["--from", "-"]])
def test_stdin_is_one_thing_only(ppd: Ppd, no_model: None, arguments: list[str]) -> None:
    result = ppd("predict", *arguments, stdin=b"-\n")
    assert result.exit_code == 2
    assert "stdin (-)" in result.stderr


# --- outputs -----------------------------------------------------------------------------------


def test_formats_by_commas_and_repeated(ppd: Ppd, photo: Path, tiny: list[str]) -> None:
    assert ppd("predict", photo, *tiny, "-f", "npy,exr", "-f", "png", "-f", "npy").exit_code == 0
    assert tree("ppd-out") == {"photo_depth.npy", "photo_depth.exr", "photo_depth.png"}


@pytest.mark.parametrize("suffix", ["npy", "exr", "png"])
def test_a_named_output_file_picks_the_format(
    ppd: Ppd, photo: Path, tiny: list[str], suffix: str
) -> None:
    assert ppd("predict", photo, *tiny, "-o", f"new/depth.{suffix}").exit_code == 0
    assert tree("new") == {f"depth.{suffix}"}
    magic = {"npy": b"\x93NUMPY", "exr": b"\x76\x2f\x31\x01", "png": b"\x89PNG"}[suffix]
    assert Path(f"new/depth.{suffix}").read_bytes().startswith(magic)


def test_depth_on_stdout_and_nothing_else(ppd: Ppd, photo: Path, tiny: list[str]) -> None:
    npy = ppd("predict", photo, *tiny, "-o", "-", "-f", "npy")
    assert np.load(io.BytesIO(npy.stdout_bytes)).shape == (40, 60)
    png = ppd("predict", photo, *tiny, "-o", "-")
    with Image.open(io.BytesIO(png.stdout_bytes)) as image:
        image.load()
        assert (image.format, image.mode, image.size) == ("PNG", "I;16", (60, 40))
    assert tree(".") == {"photo.jpg"}


def test_a_pipe_from_stdin_to_stdout(start: Start, photo: Path, tiny: list[str], ppd: Ppd) -> None:
    process = start("predict", "-", *tiny, "-o", "-", "-f", "npy")
    stdout, stderr = process.communicate(photo.read_bytes())
    assert process.returncode == 0, stderr
    expected = ppd("predict", photo, *tiny, "-o", "-", "-f", "npy").stdout_bytes
    assert stdout == expected


def test_npy_at_model_size_is_what_python_gives(
    ppd: Ppd, photo: Path, tiny: list[str], random_checkpoint: Path
) -> None:
    assert ppd("predict", photo, *tiny, "-f", "npy", "--model-size").exit_code == 0
    written = np.load("ppd-out/photo_depth.npy")
    predictor = ppdcli.load("ppd-tiny", checkpoint=random_checkpoint, device="cpu")
    depth = predictor.predict(str(photo), area=64 * 48)
    assert written.dtype == np.float32
    assert written.shape == (48, 64)
    np.testing.assert_array_equal(written, depth.values)
    depth.save("saved.npy")
    assert Path("saved.npy").read_bytes() == Path("ppd-out/photo_depth.npy").read_bytes()


def test_full_size_is_the_photos_and_lies_within_the_networks_range(
    ppd: Ppd, photo: Path, tiny: list[str]
) -> None:
    ppd("predict", photo, *tiny, "-o", "full.npy", "--full-size")
    ppd("predict", photo, *tiny, "-o", "own.npy", "--model-size")
    full, own = np.load("full.npy"), np.load("own.npy")
    assert full.shape == (40, 60)
    assert own.min() <= full.min() < full.max() <= own.max()


def test_skipped_ones_are_counted(ppd: Ppd, folder: Path, tiny: list[str]) -> None:
    ppd("predict", "in/b.jpg", *tiny, "-f", "npy")
    result = ppd("predict", folder, *tiny, "-f", "npy")
    assert result.exit_code == 0
    assert lines(result.stderr)[-1].startswith("2 done, 1 skipped, 2 passed over")


@pytest.mark.parametrize("output", [[], ["-o", "."], ["-o", "in"]])
def test_a_second_run_finds_the_same_photos(
    ppd: Ppd, folder: Path, tiny: list[str], output: list[str]
) -> None:
    where = "in" if output == ["-o", "in"] else "."
    assert ppd("predict", where, *tiny, *output).exit_code == 0
    before = tree(".")
    second = ppd("predict", where, *tiny, *output, "--json")
    assert second.exit_code == 0
    assert {json.loads(line)["status"] for line in lines(second.stdout)} == {"skipped"}
    assert tree(".") == before


def test_clashing_stems_are_refused_before_any_work(
    ppd: Ppd, photo: Path, tiny: list[str], no_model: None
) -> None:
    shutil.copy(photo, "photo.png")
    result = ppd("predict", "photo.jpg", "photo.png", *tiny)
    assert result.exit_code == 2
    (line,) = lines(result.stderr)
    assert "photo.jpg and photo.png would both write ppd-out/photo_depth.png" in line
    assert "--output" in line
    assert tree(".") == {"photo.jpg", "photo.png"}


def test_a_photo_is_never_overwritten_by_its_depth(
    ppd: Ppd, photo: Path, tiny: list[str], no_model: None
) -> None:
    with Image.open(photo) as image:
        image.save("photo.png")
    before = Path("photo.png").read_bytes()
    result = ppd("predict", "photo.png", *tiny, "-o", "photo.png", "--overwrite")
    assert result.exit_code == 2
    assert "photo.png is an input" in result.stderr
    assert Path("photo.png").read_bytes() == before


@pytest.mark.parametrize(
    "where",
    [["-o", "photo.jpg/below"], ["-o", "photo.jpg/depth.npy"], ["-o", "x" * 300 + "/depth.npy"]],
)
def test_an_output_that_cannot_be_written_leaves_nothing_behind(
    ppd: Ppd, photo: Path, tiny: list[str], where: list[str]
) -> None:
    result = ppd("predict", photo, *tiny, *where)
    assert result.exit_code == 3
    (line,) = [line for line in lines(result.stderr) if line.startswith("failed: ")]
    assert str(photo) in line and "cannot be written" in line
    assert tree(".") == {"photo.jpg"}


def test_a_writer_that_fails_half_way_leaves_nothing_behind(
    ppd: Ppd, photo: Path, tiny: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(stream: io.BufferedWriter, values: np.ndarray, **_: object) -> None:
        stream.write(values.tobytes()[:100])
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(np, "save", half)
    result = ppd("predict", photo, *tiny, "-f", "npy")
    assert result.exit_code == 3
    assert "ppd-out/photo_depth.npy: cannot be written (Input/output error)" in result.stderr
    assert tree("ppd-out") == set()


# --- the report --------------------------------------------------------------------------------

KEYS = [
    *("path", "outputs", "status", "model", "seed", "steps", "size", "unit", "timings"),
    *("error", "made_again"),
]


def test_json_is_one_object_an_input_and_alone_on_stdout(
    ppd: Ppd, folder: Path, tiny: list[str]
) -> None:
    Path("in/bad.jpg").write_text("text")
    options = [*tiny, "-f", "npy", "--seed", 7, "--steps", 2]
    ppd("predict", "in/b.jpg", *options)
    result = ppd("predict", folder, *options, "--json")
    assert result.exit_code == 3
    rows = [json.loads(line) for line in lines(result.stdout)]
    assert all(list(row) == KEYS for row in rows)
    assert [row["status"] for row in rows] == ["skipped", "failed", "done", "done"]
    skipped, failed, done, _ = rows
    assert (skipped["path"], skipped["outputs"]) == (
        str(folder / "b.jpg"),
        ["ppd-out/b_depth.npy"],
    )
    assert failed["outputs"] == [] and str(folder / "bad.jpg") in failed["error"]
    assert failed["model"] is None
    timings = done.pop("timings")
    assert done == {
        "path": str(folder / "sub/a.JPG"),
        "outputs": ["ppd-out/sub/a_depth.npy"],
        "status": "done",
        "model": "ppd-tiny",
        "seed": 7,
        "steps": 2,
        "size": "64x48",
        "unit": "relative",
        "error": None,
        "made_again": None,
    }
    assert {"read", "encoder", "sampler", "resize", "write", "total"} == timings.keys()
    assert all(seconds >= 0 for seconds in timings.values())


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_json_of_a_name_that_is_no_text(ppd: Ppd, photo: Path, tiny: list[str]) -> None:
    name = b"\xff\xe9.jpg".decode(sys.getfilesystemencoding(), "surrogateescape")
    shutil.copy(photo, name)
    result = ppd("predict", name, *tiny, "-f", "npy", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["path"] == name


def test_quiet_says_only_what_fails(ppd: Ppd, photo: Path, tiny: list[str]) -> None:
    assert ppd("predict", photo, *tiny, "-q").output == ""
    result = ppd("predict", "missing.jpg", photo, *tiny, "-q", "--overwrite")
    assert result.exit_code == 3
    assert lines(result.output) == ["failed: missing.jpg: no such file; check the path"]


@pytest.mark.parametrize("arguments", [["missing.jpg"], ["photo.jpg", "-m", "nonsense"]])
def test_a_traceback_only_with_v(ppd: Ppd, photo: Path, arguments: list[str]) -> None:
    short, long = ppd("predict", *arguments), ppd("predict", *arguments, "-v")
    assert len(lines(short.stderr)) == 1
    assert "Traceback" in long.stderr
    assert short.stderr in long.stderr
    assert short.exit_code == long.exit_code != 0


def test_a_bug_is_one_line_as_well(
    ppd: Ppd, photo: Path, tiny: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr(Predictor, "predict_batch", broken)
    result = ppd("predict", photo, *tiny, "-q")
    assert result.exit_code == 1
    assert lines(result.stderr) == ["error: unexpected RuntimeError: two lines; -v says more"]


# --- the result --------------------------------------------------------------------------------


def test_the_seed_decides_the_result(ppd: Ppd, photo: Path, tiny: list[str]) -> None:
    for name, seed in {"a": 0, "b": 0, "c": 1, "top": 2**64 - 1}.items():
        assert ppd("predict", photo, *tiny, "-o", f"{name}.npy", "--seed", seed).exit_code == 0
    assert Path("a.npy").read_bytes() == Path("b.npy").read_bytes()
    assert not np.array_equal(np.load("a.npy"), np.load("c.npy"))


def test_neighbours_and_order_do_not_change_a_result(
    ppd: Ppd, folder: Path, tiny: list[str]
) -> None:
    names = ["in/b.jpg", "in/sub/a.JPG", "in/sub/deep/c.png"]
    ppd("predict", *names, *tiny, "-f", "npy", "-o", "forth")
    ppd("predict", *reversed(names), *tiny, "-f", "npy", "-o", "back")
    ppd("predict", names[1], *tiny, "-f", "npy", "-o", "alone")
    for name in ("a", "b", "c"):
        same = Path(f"forth/{name}_depth.npy").read_bytes()
        assert same == Path(f"back/{name}_depth.npy").read_bytes()
    assert Path("alone/a_depth.npy").read_bytes() == Path("forth/a_depth.npy").read_bytes()


@pytest.mark.parametrize(("preset", "steps"), [("draft", 1), ("standard", 4), ("best", 10)])
def test_a_preset_is_a_number_of_steps(
    ppd: Ppd, photo: Path, tiny: list[str], preset: str, steps: int
) -> None:
    options = [photo, *tiny, "--model-size", "-f", "npy", "--json"]
    report = ppd("predict", *options, "--preset", preset)
    assert json.loads(report.stdout)["steps"] == steps
    again = ppd("predict", *options, "--steps", steps)
    assert json.loads(again.stdout)["status"] == "skipped"


def test_steps_and_size(ppd: Ppd, photo: Path, tiny: list[str]) -> None:
    report = ppd(
        "predict",
        photo,
        *tiny,
        "--model-size",
        "-o",
        "a.npy",
        "--steps",
        2,
        "--size",
        "96X64",
        "--json",
    )
    assert json.loads(report.stdout) | {"steps": 2, "size": "96x64"} == json.loads(report.stdout)
    assert np.load("a.npy").shape == (64, 96)
    ppd("predict", photo, *tiny, "--model-size", "-o", "b.npy", "--size", "96x64")
    assert not np.array_equal(np.load("a.npy"), np.load("b.npy"))


def test_half_precision_is_near_single_precision(ppd: Ppd, photo: Path, tiny: list[str]) -> None:
    assert ppd("predict", photo, *tiny, "-o", "single.npy").exit_code == 0
    result = ppd("predict", photo, *tiny, "-o", "half.npy", "--precision", "bf16")
    assert "on cpu, bf16" in result.stderr
    single, half = np.load("single.npy"), np.load("half.npy")
    assert not np.array_equal(single, half)
    np.testing.assert_allclose(half, single, atol=0.05 * np.ptp(single))


def test_previews_share_colours_when_told_the_range(ppd: Ppd, photo: Path, tiny: list[str]) -> None:
    for name, limits in {"a": "-100,100", "b": "-100,100", "c": "-1,0"}.items():
        options = ["-f", "preview", "-o", f"{name}.png", "--colormap", "gray", "--range", limits]
        assert ppd("predict", photo, *tiny, *options).exit_code == 0
    a, c = (np.asarray(Image.open(f"{name}.png")).astype(int) for name in "ac")
    assert np.ptp(a) < np.ptp(c)


# --- wrong usage -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["-f", "jpeg"], "jpeg"),
        (["-f", "png,"], "--format ''"),
        (["-m", "ppd-huge"], "ppd-huge"),
        (["--device", "tpu"], "tpu"),
        (["--device", "cuda:x"], "cuda:x"),
        (["--device", "cpu:3"], "cpu:3"),
        (["--precision", "fp8"], "fp8"),
        (["--colormap", "jet"], "jet"),
        (["--range", "1"], "--range 1"),
        (["--range", "2,1"], "--range 2,1"),
        (["--range", "nan,1"], "--range nan,1"),
        (["--size", "64"], "--size 64"),
        (["--size", "0x64"], "--size 0x64"),
        (["--steps", "0"], "--steps"),
        (["--steps", "1001"], "--steps"),
        (["--steps", "many"], "--steps"),
        (["--preset", "fast"], "--preset fast: choose from draft, standard, best"),
        (["--preset", "best", "--steps", "4"], "give one of them"),
        (["--seed", "-1"], "--seed"),
        (["--seed", str(2**64)], "--seed"),
        (["--checkpoint", "x.pth", "-m", "auto"], "need the name of the model"),
        (["--encoder", "x.pth"], "leave out the encoder"),
        (["--bogus"], "--bogus"),
        (["--from", "missing"], "missing"),
        (["-o", ""], "--output"),
        (["-o", "-", "--json", "-f", "npy"], "--json and --output -"),
        (["-o", "-", "-f", "npy,exr"], "stdout"),
        (["-o", "-", "other.jpg"], "stdout"),
        (["-o", "depth.npy", "other.jpg"], "depth.npy"),
        (["-o", "depth.npy", "-f", "exr"], "depth.npy"),
        (["-o", "depth.jpg"], "depth.jpg"),
        (["-o", "photo.jpg"], "photo.jpg"),
        ([""], "an INPUT is empty"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2_before_any_work(
    ppd: Ppd, photo: Path, no_model: None, options: list[str], named: str
) -> None:
    model = [] if "-m" in options else ["-m", "ppd-tiny"]
    result = ppd("predict", "photo.jpg", *model, *options)
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = lines(result.stderr)
    assert line.startswith("error: ") and named in line
    assert tree(".") == {"photo.jpg"}


def test_without_any_input(ppd: Ppd) -> None:
    result = ppd("predict")
    assert result.exit_code == 2
    assert "no INPUT" in result.stderr


# --- interruptions -----------------------------------------------------------------------------


def test_ctrl_c_ends_with_130_and_keeps_what_is_finished(
    ppd: Ppd, folder: Path, tiny: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    predict, calls = ppdcli.Predictor.predict_batch, []

    def interrupted(*arguments: object, **options: object) -> list[ppdcli.DepthMap]:
        calls.append(arguments)
        if len(calls) == 2:
            while not Path("ppd-out/b_depth.npy").exists():
                time.sleep(0.01)
            raise KeyboardInterrupt
        return predict(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(ppdcli.Predictor, "predict_batch", interrupted)
    result = ppd("predict", folder, *tiny, "-f", "npy")
    assert result.exit_code == 130
    assert lines(result.stderr)[-1] == "interrupted; what is finished is kept"
    assert tree("ppd-out") == {"b_depth.npy"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_ctrl_c_in_a_terminal(start: Start) -> None:
    os.mkfifo("slow.jpg")
    process = start(
        "predict", "slow.jpg", "-m", "ppd-tiny",
        # A parent may have told its children to ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    with Path("slow.jpg").open("wb"):  # waits until the process reads
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate()
    assert process.returncode == 130
    assert lines(stderr.decode()) == ["interrupted; what is finished is kept"]
    assert not Path("ppd-out").exists()


def test_a_reader_that_leaves_is_no_traceback(
    start: Start, ppd: Ppd, photo: Path, tiny: list[str]
) -> None:
    ppd("predict", photo, *tiny, "-f", "npy")  # skipped next time, which is quick
    process = start("predict", photo, *tiny, "-f", "npy", "--json")
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, stderr = process.communicate()
    assert process.returncode == 1
    assert lines(stderr.decode()) == ["error: stdout was closed before the output was complete"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_behind_stdout_is_one_line(
    start: Start, ppd: Ppd, photo: Path, tiny: list[str]
) -> None:
    ppd("predict", photo, *tiny, "-f", "npy")
    with Path("/dev/full").open("wb") as full:
        process = start("predict", photo, *tiny, "-f", "npy", "--json", stdout=full)
        _, stderr = process.communicate()
    assert process.returncode == 1
    assert lines(stderr.decode()) == [
        "error: stdout: cannot be written (No space left on device); make room"
    ]
