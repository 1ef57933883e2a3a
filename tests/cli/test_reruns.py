"""What a second run does: a table, a row a rerun."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import standins
from PIL import Image
from standins import INTERCEPT, SLOPE, Moge, use_moge
from typer.testing import Result

from ppdcli import loading
from ppdcli.jobs.journal import NAME
from ppdcli.model_request import ModelRequest
from ppdcli.models.pixel_perfect import PixelPerfectDepth

Ppd = Callable[..., Result]

SAMPLE = PixelPerfectDepth.sample
FOREIGN = (
    "failed: photo.png: {}: exists, and ppd has no record of making it; give --overwrite to "
    "replace it, or another --output"
)


@pytest.fixture(autouse=True)
def scene(monkeypatch: pytest.MonkeyPatch, random_checkpoint: Path) -> None:
    """Photos and the files that options name; each model is loaded once, without a word."""
    load_model = loading.load_model

    @cache
    def loaded(request: ModelRequest) -> Any:
        return load_model(request)

    monkeypatch.setattr(loading, "load_model", lambda request, announce: loaded(request))
    use_moge(monkeypatch, Moge(), here=False)
    monkeypatch.setattr(PixelPerfectDepth, "sample", standins.sample)
    dice = np.random.default_rng(0)
    for name in ("photo", "in/a", "in/b", "in/deep/c"):
        Path(name).parent.mkdir(exist_ok=True)
        pixels = dice.integers(0, 256, (40, 60, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(f"{name}.png")
    shutil.copy(random_checkpoint, "own.safetensors")
    Path("camera.txt").write_text("70 75 28.5 21\n")
    align("align.txt", 1)
    np.save("depth.npy", dice.uniform(1, 9, (40, 60)).astype(np.float32))


def align(name: str, times: float) -> None:
    """Known depths of the scene, in metres, in a file."""
    depth = times * np.expm1(SLOPE * standins.scene(40, 60) + INTERCEPT)
    spots = [(u, v) for u in range(2, 60, 7) for v in range(2, 40, 7)]
    Path(name).write_text("\n".join(f"{u} {v} {depth[v, u]:.6f}" for u, v in spots))


@pytest.fixture
def call(ppd: Ppd) -> Ppd:
    """``call("predict photo.png")``, with the small model."""

    def start(line: str, *options: str, stdin: bytes | None = None) -> Result:
        words = [*line.split(), *options]
        if "-m" not in words:
            words += ["-m", "ppd-tiny"]
            words += [] if "--checkpoint" in words else ["--checkpoint", "own.safetensors"]
        words += [] if "--size" in words else ["--size", "64x48"]
        words += [] if "--device" in words else ["--device", "cpu"]
        return ppd(*words, stdin=stdin)

    return start


def said(result: Result) -> list[str]:
    """What is said, but for lines of what was made and of the camera."""
    passed_over = ("done: ", "photo.png: ", "in/", "depth.npy: ", "align.txt: ")
    return [line for line in result.stderr.splitlines() if not line.startswith(passed_over)]


def state() -> dict[str, tuple[int, int]]:
    """Tells a file that was written again from one that was not."""
    files = (path for path in Path().rglob("*") if path.is_file() and path.name != NAME)
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


# --- the table ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A rerun.

    Attributes:
        first, second: two command lines.
        code, lines: of the second: the exit code, and what it says besides what it has made.
        written: the files that the second writes; the others are not touched.
        between: happens between the two.
    """

    first: str
    second: str
    code: int
    lines: tuple[str, ...]
    written: tuple[str, ...] = ()
    between: Callable[[], object] = lambda: None


def again(reason: str, count: int = 1) -> tuple[str, ...]:
    return (f"{count} made again: {reason}",)


NPY, PNG, EXR, PREVIEW, PLY = (
    f"ppd-out/photo{end}"
    for end in ("_depth.npy", "_depth.png", "_depth.exr", "_preview.png", ".ply")
)
PREDICT = "predict photo.png -f npy"
CLOUD = "pointcloud photo.png"
SKIPPED = ("1 skipped",)


def other(option: str, reason: str, command: str = PREDICT, *written: str) -> Row:
    """A setting that differs."""
    made = written or ((NPY,) if command == PREDICT else (PLY,))
    return Row(command, f"{command} {option}", 0, again(reason), made)


def equal(first: str, second: str, between: Callable[[], object] = lambda: None) -> Row:
    """Settings that do not differ, or do not matter."""
    return Row(first, second, 0, SKIPPED, (), between)


def foreign(name: str) -> Callable[[], object]:
    def make() -> None:
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(b"precious")

    return make


def later(name: str) -> Callable[[], object]:
    return lambda: os.utime(name, (2e9, 2e9))


def weights() -> None:
    data = bytearray(Path("own.safetensors").read_bytes())
    data[-2] ^= 1
    Path("own.safetensors").write_bytes(data)


ALL_FORMATS = "predict photo.png -f npy,preview"
ALIGNED = f"{CLOUD} --align align.txt --fov 60"
OF_DEPTH = f"{CLOUD} --depth depth.npy --fov 60"

TABLE = {
    # Same photo, same settings.
    "the same": equal(PREDICT, PREDICT),
    "the same cloud": equal(CLOUD, CLOUD),
    "defaults by name": equal(PREDICT, f"{PREDICT} --steps 4 --seed 0 --precision fp32"),
    "a preset of so many steps": equal(f"{PREDICT} --steps 1", f"{PREDICT} --preset draft"),
    "the same size": equal(PREDICT, f"{PREDICT} --size 48x64"),
    "the same numbers": equal(
        "predict photo.png -f preview --range 0,1", "predict photo.png -f preview --range 0.0,1.00"
    ),
    "the same metres": equal(f"{CLOUD} --near-far 1,9", f"{CLOUD} --near-far 1.0,9.0"),
    "the same camera": equal(
        f"{CLOUD} --intrinsics 70,75,28.5,21", f"{CLOUD} --intrinsics 70.0,75.0,28.5,21.0"
    ),
    "how it runs": equal(PREDICT, f"{PREDICT} --batch 3 --workers 2"),
    "colours of no preview": equal(PREDICT, f"{PREDICT} --colormap gray --range 0,1"),
    "steps of no prediction": equal(OF_DEPTH, f"{OF_DEPTH} --steps 9 --seed 5"),
    "by a link": equal(
        PREDICT, "predict link/photo.png -f npy", lambda: Path("link").symlink_to(".")
    ),
    "a copied checkpoint": equal(
        PREDICT,
        f"{PREDICT} --checkpoint copy.safetensors",
        lambda: shutil.copy("own.safetensors", "copy.safetensors"),
    ),
    # Same photo, other settings.
    "steps": other("--steps 2", "steps 4 -> 2"),
    "preset": other("--preset draft", "steps 4 -> 1"),
    "seed": other("--seed 9", "seed 0 -> 9"),
    "two": other("--seed 9 --steps 2", "seed 0 -> 9, steps 4 -> 2"),
    "size": other("--size 32x32", "size 3072 pixels -> 1024 pixels"),
    "precision": other("--precision bf16", "precision fp32 -> bf16"),
    "model size": other("--model-size", "full-size on -> off"),
    "metric": other("--metric", "metric off -> on"),
    "keep sky": Row(
        f"{PREDICT} --metric", f"{PREDICT} --metric --keep-sky", 0, again("keep-sky off -> on"),
        (NPY,),
    ),
    "png scale": Row(
        "predict photo.png -f png --metric", "predict photo.png -f png --metric --png-scale kitti",
        0, again("png-scale mm -> kitti"), (PNG,),
    ),
    "colours": other("--colormap gray", "colormap spectral -> gray", ALL_FORMATS, PREVIEW),
    "range": other("--range 0,1", "range auto -> 0,1", ALL_FORMATS, PREVIEW),
    "steps and colours": other(
        "--steps 2 --colormap gray", "steps 4 -> 2, colormap spectral -> gray",
        ALL_FORMATS, NPY, PREVIEW,
    ),
    "weights": Row(PREDICT, PREDICT, 0, again("network file changed"), (NPY,), weights),
    "fov": other("--fov 50", "fov off -> 50", CLOUD),
    "intrinsics": other(
        "--intrinsics 70,75,28.5,21", "intrinsics off -> 70,75,28.5,21", CLOUD
    ),
    "camera file": other("--intrinsics camera.txt", "intrinsics off -> a file", CLOUD),
    "camera file's content": Row(
        f"{CLOUD} --intrinsics camera.txt", f"{CLOUD} --intrinsics camera.txt", 0,
        again("intrinsics file changed"), (PLY,),
        lambda: Path("camera.txt").write_text("80 85 28.5 21\n"),
    ),
    "near and far": other("--near-far 1,9", "near-far off -> 1,9", CLOUD),
    "align": Row(f"{CLOUD} --fov 60", ALIGNED, 0, again("align off -> a file"), (PLY,)),
    "align's content": Row(
        ALIGNED, ALIGNED, 0, again("align file changed"), (PLY,), lambda: align("align.txt", 1.01)
    ),
    "depth": Row(f"{CLOUD} --fov 60", OF_DEPTH, 0, again("depth off -> a file"), (PLY,)),
    "no depth any more": Row(
        OF_DEPTH, f"{CLOUD} --fov 60", 0, again("depth a file -> off"), (PLY,)
    ),
    "depth's content": Row(
        OF_DEPTH, OF_DEPTH, 0, again("depth file changed"), (PLY,),
        lambda: np.save("depth.npy", np.load("depth.npy") * np.float32(2)),
    ),
    "edge clean": other("--no-edge-clean", "edge-clean on -> off", CLOUD),
    "snap": other("--snap", "snap off -> on", CLOUD),
    "voxel": other("--voxel 0.1", "voxel off -> 0.1", CLOUD),
    "axes": other("--axes opengl", "axes opencv -> opengl", f"{CLOUD} -f ply,side", PLY),
    "normals": other("--normals", "normals off -> on", f"{CLOUD} -f ply,side", PLY),
    # Other outputs of the same photo.
    "a format more": Row(PREDICT, f"{PREDICT},exr", 0, (), (EXR,)),
    "another format": Row(PREDICT, "predict photo.png -f exr", 0, (), (EXR,)),
    "a cloud beside": Row(PREDICT, CLOUD, 0, (), (PLY,)),
    "a format more and steps": Row(
        PREDICT, f"{PREDICT},exr --steps 2", 0, again("steps 4 -> 2"), (NPY, EXR)
    ),
    # The photo, or the output, is not what it was.
    "a newer photo": Row(
        PREDICT, PREDICT, 0, again("photo changed"), (NPY,), later("photo.png")
    ),
    "a damaged output": Row(
        PREDICT, PREDICT, 0, again("output damaged or edited"), (NPY,),
        lambda: os.truncate(NPY, 100),
    ),
    "a missing output": Row(PREDICT, PREDICT, 0, (), (NPY,), Path(NPY).unlink),
    "a missing photo": Row(
        PREDICT, PREDICT, 3, ("failed: photo.png: no such file; check the path",), (),
        Path("photo.png").unlink,
    ),
    "another photo of that name": Row(
        "predict in/a.png -f npy", "predict photos/a.png -f npy", 3,
        (
            "failed: photos/a.png: ppd-out/a_depth.npy: was made from another photo, ../in/a.png; "
            "give --overwrite to replace it, or another --output",
        ),
        (), lambda: shutil.copytree("in", "photos", copy_function=shutil.copyfile),
    ),
    # Files that ppd has no record of.
    "a foreign file": Row(
        CLOUD, PREDICT, 3, (FOREIGN.format(NPY),), (), foreign(NPY)
    ),
    "one of two is foreign": Row(
        CLOUD, "predict photo.png", 3, (FOREIGN.format(PREVIEW),), (), foreign(PREVIEW)
    ),
    "foreign and overwrite": Row(
        CLOUD, f"{PREDICT} --overwrite", 0, (), (NPY,), foreign(NPY)
    ),
    "overwrite": Row(PREDICT, f"{PREDICT} --overwrite", 0, (), (NPY,)),
    # A file that --output names.
    "output by name": Row(
        "predict photo.png -o x.npy", "predict photo.png -o x.npy", 0, (), ("x.npy",)
    ),
    "foreign output by name": Row(
        PREDICT, "predict photo.png -o x.npy", 0, (), ("x.npy",), foreign("x.npy")
    ),
    "cloud by name": Row(
        f"{CLOUD} -o x.ply", f"{CLOUD} -o x.ply", 0, (), ("x.ply",)
    ),
    # What is missing is told before anything is skipped.
    "a missing checkpoint": Row(
        PREDICT, f"{PREDICT} --checkpoint missing.pth", 1,
        ("error: missing.pth: no such file; check the path, or see `ppd weights`",),
    ),
    "a missing checkpoint of another model": Row(
        PREDICT, f"{PREDICT} -m ppd-da2 --checkpoint missing.pth", 1,
        ("error: missing.pth: no such file; check the path, or see `ppd weights`",),
    ),
    "a missing encoder": Row(
        PREDICT, f"{PREDICT} -m ppd-da2 --checkpoint own.safetensors --encoder missing.pth", 1,
        ("error: missing.pth: no such file; check the path, or see `ppd weights`",),
    ),
    "missing known depths": Row(
        ALIGNED, ALIGNED, 3,
        ("failed: photo.png: align.txt: no such file; check the path",), (),
        Path("align.txt").unlink,
    ),
    "a missing depth file": Row(
        OF_DEPTH, OF_DEPTH, 3,
        ("failed: photo.png: depth.npy: no such file; check the path",), (),
        Path("depth.npy").unlink,
    ),
    # Folders.
    "a folder": Row("predict in -f npy", "predict in -f npy", 0, ("3 skipped",)),
    "a folder with other steps": Row(
        "predict in -f npy", "predict in -f npy --steps 10", 0,
        (*again("steps 4 -> 10", 3), "3 done"),
        ("ppd-out/a_depth.npy", "ppd-out/b_depth.npy", "ppd-out/deep/c_depth.npy"),
    ),
    "a folder with several reasons": Row(
        "predict in/a.png in/b.png -f npy", "predict in -f npy --steps 10", 0,
        (*again("steps 4 -> 10 (1); photo changed (1)", 2), "3 done"),
        ("ppd-out/a_depth.npy", "ppd-out/b_depth.npy", "ppd-out/deep/c_depth.npy"),
        later("in/b.png"),
    ),
    "a folder with a foreign file": Row(
        "predict in/a.png -f npy", "predict in -f npy", 3,
        (
            "failed: in/b.png: ppd-out/b_depth.npy: exists, and ppd has no record of making it; "
            "give --overwrite to replace it, or another --output",
            "1 done, 1 skipped, 1 failed",
        ),
        ("ppd-out/deep/c_depth.npy",), foreign("ppd-out/b_depth.npy"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_a_rerun(call: Ppd, name: str) -> None:
    row = TABLE[name]
    first = call(row.first)
    assert first.exit_code == 0, first.stderr
    row.between()
    before = state()
    second = call(row.second)
    after = state()
    assert (second.exit_code, tuple(said(second))) == (row.code, row.lines), second.stderr
    assert {name for name in after if after[name] != before.get(name)} == set(row.written)
    assert before.keys() <= after.keys()
    if row.code == 0 and "-o" not in row.second and "--overwrite" not in row.second:
        third = call(row.second)
        assert third.exit_code == 0
        assert [line.rpartition(" ")[2] for line in said(third)] == ["skipped"]
        assert state() == after


# --- beside the table --------------------------------------------------------------------------


def test_json_tells_the_status_and_why(call: Ppd) -> None:
    def rows(line: str) -> list[tuple[str, str | None]]:
        result = call(line, "--json", "-q")
        told = [json.loads(row) for row in result.stdout.splitlines()]
        assert all(list(row)[-2:] == ["error", "made_again"] for row in told)
        return [(row["status"], row["made_again"]) for row in told]

    assert rows("predict in/a.png in/b.png -f npy") == [("done", None)] * 2
    os.utime("in/b.png", (2e9, 2e9))
    Path("ppd-out/deep").mkdir()
    Path("ppd-out/deep/c_depth.npy").touch()
    assert rows("predict in -f npy") == [
        ("skipped", None), ("done", "photo changed"), ("failed", None),
    ]  # fmt: skip
    assert rows("predict in -f npy --steps 9")[0] == ("done", "steps 4 -> 9")


def test_quiet_says_nothing_of_what_is_made_again(call: Ppd) -> None:
    call(PREDICT)
    result = call(f"{PREDICT} --seed 1 -q")
    assert (result.exit_code, result.output) == (0, "")


def test_more_than_three_reasons_are_counted(call: Ppd) -> None:
    for seed, name in enumerate(("photo", "in/a", "in/b", "in/deep/c")):
        assert call(f"predict {name}.png -f npy --seed {seed + 1}").exit_code == 0
    result = call("predict photo.png in/a.png in/b.png in/deep/c.png -f npy")
    assert said(result) == [
        "4 made again: seed 1 -> 0 (1); seed 2 -> 0 (1); seed 3 -> 0 (1); and 1 more",
        "4 done",
    ]


def test_stdin_is_told_by_its_content(call: Ppd) -> None:
    one, two = Path("in/a.png").read_bytes(), Path("in/b.png").read_bytes()
    expected = [[], ["1 skipped"], ["1 made again: photo changed"]]
    for data, lines in zip((one, one, two), expected, strict=True):
        result = call("predict - -f npy", stdin=data)
        assert (result.exit_code, said(result)) == (0, lines)


def test_what_was_made_again_is_what_was_asked_for(
    call: Ppd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PixelPerfectDepth, "sample", SAMPLE)
    call(PREDICT)
    before = Path(NPY).read_bytes()
    call(f"{PREDICT} --steps 2")
    call(f"{PREDICT} --steps 2 -o alone.npy")
    assert before != Path(NPY).read_bytes() == Path("alone.npy").read_bytes()


def test_the_output_of_make_is_rebuilt_through_a_link(call: Ppd) -> None:
    Path("store").mkdir()
    Path("x.npy").symlink_to("store/x.npy")
    for _ in range(2):
        assert call("predict photo.png -o x.npy").exit_code == 0
        assert Path("x.npy").is_symlink()
    assert np.load("store/x.npy").shape == (40, 60)
    assert [path.name for path in Path("store").iterdir()] == ["x.npy"]


@pytest.mark.parametrize(
    ("photo", "name"),
    [
        ("in/a.png", "ppd-out/a_depth.npy"),
        ("in/deep/c.png", "ppd-out/deep/c_depth.npy"),
        ("in/deep/c.png", "link.npy"),
    ],
)
def test_a_recorded_file_that_is_written_by_name_is_not_taken_for_what_it_was(
    call: Ppd, photo: str, name: str
) -> None:
    Path("link.npy").symlink_to("ppd-out/deep/c_depth.npy")
    call("predict in -f npy")
    assert call(f"predict {photo} --steps 2 -o {name}").exit_code == 0
    result = call("predict in -f npy")
    assert said(result) == ["1 made again: unknown how it was made", "1 done, 2 skipped"]
    assert said(call("predict in -f npy")) == ["3 skipped"]


def test_a_link_to_the_photo_is_no_output(call: Ppd) -> None:
    Path("x.png").symlink_to("photo.png")
    before = Path("photo.png").read_bytes()
    result = call("predict photo.png -o x.png")
    assert result.exit_code == 2
    assert "x.png is an input" in result.stderr
    assert Path("photo.png").read_bytes() == before


@pytest.mark.skipif(os.name != "posix", reason="makes a pipe as POSIX does")
def test_a_pipe_by_name_is_not_replaced(call: Ppd) -> None:
    os.mkfifo("x.npy")
    result = call("predict photo.png -o x.npy")
    assert (result.exit_code, result.stderr) == (
        2, "error: x.npy: is no regular file; give --output - for a pipe\n",
    )  # fmt: skip
    assert Path("x.npy").is_fifo()


def test_two_runs_with_other_settings_neither_loop_nor_mix(call: Ppd) -> None:
    """Each makes what it was asked for, and the record is that of the file that is there."""
    for steps in (1, 2, 1, 2):
        call(f"predict in -f npy --steps {steps}")
    entries = [json.loads(line) for line in Path("ppd-out", NAME).read_text().splitlines()]
    assert len(entries) == 12
    assert said(call("predict in -f npy --steps 2")) == ["3 skipped"]
