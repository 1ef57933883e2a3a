"""A run on a real Ray of this machine, with files here and in an S3 store (moto's server)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from recorded import entries_in
from worker_recipes import FORMATS, Brightness

from ppdcli.errors import CheckpointError, InputError, OutputError, UsageError
from ppdcli.files import remote
from ppdcli.jobs import journal_entries
from ppdcli.jobs.inputs import discover as discover_here
from ppdcli.jobs.plan import plan
from ppdcli.jobs.ray.driver import run_on_ray
from ppdcli.jobs.ray.places import JOURNAL
from ppdcli.jobs.ray.planning import discover, plan_outputs
from ppdcli.jobs.run import run
from ppdcli.jobs.work import Result

BUCKET = "s3://photos"


@pytest.fixture(scope="module")
def store() -> Iterator[None]:
    """An S3 server in this process, which other processes reach, too."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    patch = pytest.MonkeyPatch()
    patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        patch.setenv(name, "testing")
    import s3fs

    s3fs.S3FileSystem().mkdir("photos")
    yield
    s3fs.S3FileSystem.clear_instance_cache()
    patch.undo()
    server.stop()


@pytest.fixture(scope="module")
def ray(store: None) -> Iterator[None]:
    """One Ray for all tests of this file, since starting it takes seconds."""
    import ray

    patch = pytest.MonkeyPatch()
    patch.delenv("RAY_ADDRESS", raising=False)
    patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    patch.setenv("RAY_BACKEND_LOG_LEVEL", "fatal")
    patch.setenv("PYTHONPATH", str(Path(__file__).parent))  # of worker_recipes
    patch.setenv("RAY_agent_register_timeout_ms", "300000")  # of a machine that is busy
    ray.init(
        address="local",
        num_cpus=2,
        object_store_memory=100_000_000,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="critical",
    )
    yield
    ray.shutdown()
    patch.undo()


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOMP_SPINCOUNT", "1")  # which a run sets for good


def photos(count: int) -> None:
    dice = np.random.default_rng(0)
    for k in range(count):
        path = Path("in", "ab"[k % 2], f"{k:02}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(dice.integers(0, 256, (4, 6, 3)).astype(np.uint8)).save(path)


def upload(top: str) -> None:
    for path in Path("in").rglob("*.*"):
        remote.put(path, f"{top}/{path.relative_to('in').as_posix()}")


def finish(
    named: str, output: str, recipe: Brightness, workers: int = 1, overwrite: bool = False
) -> list[Result]:
    tasks = plan_outputs(discover([named], output, ["_depth.npy"]).inputs, FORMATS, output)
    return list(run_on_ray(tasks, recipe.order(overwrite), output, workers, on_cpu=True))


def undisturbed() -> dict[str, bytes]:
    recipe = Brightness()
    tasks = plan(discover_here(["in"]).inputs, FORMATS, Path("undisturbed"))
    list(run(tasks, recipe.order()))
    return contents("undisturbed")


def contents(out: str) -> dict[str, bytes]:
    files = (path for path in Path(out).rglob("[!.]*") if path.is_file())
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


def contents_there(out: str) -> dict[str, bytes]:
    files = {file.below.as_posix(): file.url for file in remote.find(out)}
    return {n: remote.read(url) for n, url in files.items() if not n.startswith(JOURNAL)}


@pytest.mark.slow
def test_files_and_journal_are_those_of_a_plain_run(ray: None) -> None:
    photos(9)
    Path("in/a/04.png").write_text("no picture")
    results = finish("in", "out", Brightness(), workers=2)
    assert [result.name for result in results] == [
        str(entry.path) for entry in discover_here(["in"]).inputs
    ]
    failed = [result for result in results if result.status != "done"]
    assert [result.name for result in failed] == ["in/a/04.png"]
    assert isinstance(failed[0].cause, InputError)
    assert contents("out") == undisturbed()
    assert entries_in(Path("out")) == entries_in(Path("undisturbed"))
    assert [note for result in results for note in result.notes] == ["a line of all photos"]
    pids = {result.facts["model"] for result in results if result.facts}
    assert os.getpid() not in pids
    again = finish("in", "out", Brightness(broken="error"))
    assert [result.status for result in again if result.name != "in/a/04.png"] == ["skipped"] * 8


@pytest.mark.slow
def test_a_store_is_read_and_written(ray: None) -> None:
    top, out = f"{BUCKET}/1/in", f"{BUCKET}/1/out"
    photos(6)
    Path("in/a/notes.txt").write_text("no photo")
    Path("in/.hidden.png").write_text("no photo")
    upload(top)
    assert discover([top], out, []).passed_over == 2
    results = finish(top, out, Brightness())
    assert [result.name for result in results] == [
        f"{top}/{'ab'[k % 2]}/{k:02}.png" for k in (0, 2, 4, 1, 3, 5)
    ]
    assert {result.status for result in results} == {"done"}
    assert results[0].outputs == [f"{out}/a/00_depth.npy"]
    assert contents_there(out) == undisturbed()
    # What is finished is left, whatever the model; a photo that changes is done again.
    Image.new("RGB", (9, 9)).save("in/a/02.png")
    remote.put(Path("in/a/02.png"), f"{top}/a/02.png")
    again = finish(top, out, Brightness())
    assert [result.status for result in again] == ["skipped", "done", *["skipped"] * 4]
    assert [result.made_again for result in again] == [None, "photo changed", *[None] * 4]
    assert {result.status for result in finish(top, out, Brightness(broken="error"))} == {"skipped"}
    lines = [remote.read(file.url) for file in remote.find(f"{out}/{JOURNAL}")]
    entries = [entry for data in lines for entry in journal_entries.entries_of(data)]
    assert len(entries) == 7
    assert entries[0].source is not None and entries[0].source.path == f"{top}/a/00.png"


@pytest.mark.slow
def test_reruns_in_a_store(ray: None) -> None:
    """A foreign file, one of an interrupted run, and one with other settings."""
    top, out = f"{BUCKET}/6/in", f"{BUCKET}/6/out"
    photos(6)
    upload(top)
    names = ["a/00", "a/02", "a/04"]
    for name in names:
        remote.put_bytes(b"is there", f"{out}/{name}_depth.npy")
    entries = [
        journal_entries.Entry(f"{name}_depth.npy", size, {"kind": kind}, None)
        for name, size, kind in ((names[1], None, "brightness"), (names[2], 8, "darkness"))
    ]
    lines = b"".join(map(journal_entries.line_of, entries))
    remote.put_bytes(lines, f"{out}/{JOURNAL}/{1:020d}-{0:08d}.jsonl")
    results = finish(top, out, Brightness())
    assert [(result.status, result.made_again) for result in results[:3]] == [
        ("failed", None),
        ("done", "unknown how it was made"),
        ("done", "kind darkness -> brightness"),
    ]
    assert results[0].error == (
        f"{top}/a/00.png: {out}/a/00_depth.npy: exists, and ppd has no record of making it; give "
        "--overwrite to replace it, or another --output"
    )
    assert isinstance(results[0].cause, OutputError)
    assert remote.read(f"{out}/a/00_depth.npy") == b"is there"
    again = finish(top, out, Brightness())
    assert [result.status for result in again] == ["failed", *["skipped"] * 5]
    files = [remote.read(file.url) for file in remote.find(f"{out}/{JOURNAL}")]
    known = [entry for data in files[1:] for entry in journal_entries.entries_of(data)]
    assert len(known) == 5 and all(entry.bytes is not None for entry in known)


@pytest.mark.slow
def test_paths_and_urls_mixed(ray: None) -> None:
    top = f"{BUCKET}/2/in"
    photos(3)
    upload(top)
    assert finish(f"{top}/*/0[01].png", "out", Brightness())[0].outputs == ["out/00_depth.npy"]
    expected = undisturbed()
    assert contents("out")["01_depth.npy"] == expected["b/01_depth.npy"]
    entry = entries_in(Path("out"))["00_depth.npy"]
    assert entry.source is not None and entry.source.path == f"{top}/a/00.png"
    again = finish(f"{top}/*/0[01].png", "out", Brightness(broken="error"))
    assert [result.status for result in again] == ["skipped"] * 2
    finish("in", f"{BUCKET}/2/out", Brightness())
    assert contents_there(f"{BUCKET}/2/out") == expected
    again = finish("in", f"{BUCKET}/2/out", Brightness(broken="error"))
    assert {result.status for result in again} == {"skipped"}


@pytest.mark.slow
def test_what_fails_in_a_store_fails_alone(ray: None) -> None:
    top = f"{BUCKET}/3/in"
    photos(3)
    Path("in/a/02.png").write_text("no picture")
    upload(top)
    (tasks,) = [plan_outputs(discover([top], "out", []).inputs, FORMATS, "out")]
    import s3fs

    s3fs.S3FileSystem().rm("photos/3/in/a/00.png")  # after it was found
    results = list(run_on_ray(tasks, Brightness().order(), "out", 1, True))
    assert [result.status for result in results] == ["failed", "failed", "done"]
    assert [result.error and result.error.split(": ")[1][:13] for result in results[:2]] == [
        "no such file;",
        "is not an ima",
    ]


@pytest.mark.slow
def test_a_model_that_cannot_be_loaded_ends_the_run(ray: None) -> None:
    photos(3)
    with pytest.raises(CheckpointError, match=r"^weights: are damaged; pull them again"):
        finish("in", "out", Brightness(broken="error"))


@pytest.mark.slow
def test_an_actor_that_is_killed_is_replaced(ray: None) -> None:
    photos(8)
    results = finish("in", "out", Brightness(deadly="04.png", once=True))
    assert {result.status for result in results} <= {"done", "skipped"}
    assert Path("in/mark").exists()
    assert contents("out") == undisturbed()


@pytest.mark.slow
def test_a_photo_that_kills_every_actor_fails_alone(ray: None) -> None:
    photos(24)
    results = finish("in", "out", Brightness(deadly="05.png"))
    failed = {result.name: result.error for result in results if result.status == "failed"}
    assert failed == {
        "in/b/05.png": "in/b/05.png: its actor was lost 4 times; see Ray's logs, and run it again"
    }
    assert [result.name for result in results] == [
        str(entry.path) for entry in discover_here(["in"]).inputs
    ]
    expected = undisturbed()
    del expected["b/05_depth.npy"]
    assert contents("out") == expected


def test_outputs_in_a_store_never_clash(store: None) -> None:
    photos(2)
    upload(f"{BUCKET}/4")
    remote.put(Path("in/a/00.png"), f"{BUCKET}/4/a/00.jpg")
    stems = [str(e.stem) for e in discover([f"{BUCKET}/4"], f"{BUCKET}/4/out", []).inputs]
    assert {"a/00.jpg", "a/00.png"} <= set(stems)
    remote.put(Path("in/a/00.png"), f"{BUCKET}/4/a/00.PNG")
    entries = discover([f"{BUCKET}/4"], f"{BUCKET}/4/out", []).inputs
    with pytest.raises(
        UsageError, match=rf"would both write {BUCKET}/4/out/a/00\.png_depth\.npy; "
    ):
        plan_outputs(entries, FORMATS, f"{BUCKET}/4/out")
    remote.put(Path("in/a/00.png"), f"{BUCKET}/4/b/01_depth.npy")
    named = discover([f"{BUCKET}/4/b/*"], f"{BUCKET}/4/b", []).inputs
    with pytest.raises(UsageError, match=r"01_depth\.npy is an input, and the output of "):
        plan_outputs(named, FORMATS, f"{BUCKET}/4/b")


def test_results_in_a_store_are_not_inputs(store: None) -> None:
    photos(2)
    top = f"{BUCKET}/5"
    upload(top)
    remote.put(Path("in/a/00.png"), f"{top}/a/00_depth.png")
    remote.put(Path("in/a/00.png"), f"{top}/out/a/00_depth.png")
    for output in (top, f"{top}/out"):
        found = discover([top], output, ["_depth.png"])
        names = [entry.name for entry in found.inputs]
        assert f"{top}/out/a/00_depth.png" not in names
        assert (f"{top}/a/00_depth.png" in names) == (output != top)
