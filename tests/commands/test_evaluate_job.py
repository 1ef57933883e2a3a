"""A benchmark from start to end: resumed, with broken images, and several predictors."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from ppdcli.commands.benchmark import Benchmark, results_of
from ppdcli.commands.evaluate import clear, score_all, write_results
from ppdcli.errors import InputError, UsageError
from ppdcli.evaluation.frames import BenchmarkImage, Frame
from ppdcli.evaluation.predictors import Candidate, constant
from ppdcli.evaluation.rows import Rows, ScoreRow
from ppdcli.evaluation.scoring import Rules
from ppdcli.geometry.camera import Camera
from ppdcli.photo import Photo

SETTINGS = {"set": "toys"}


def frame(number: int) -> Frame:
    depth = np.random.default_rng(number).uniform(1, 2, (24, 32)).astype(np.float32)
    depth[8:16, 8:24] += 3
    photo = Photo(np.full((24, 32, 3), 90, np.uint8), f"toy {number}")
    return Frame(photo, depth, np.ones(depth.shape, bool), Camera(30, 30, 15.5, 11.5, 32, 24))


def broken() -> Frame:
    raise InputError("toys/9.jpg: no such file; check the list")


def all_sky() -> Frame:
    whole = frame(8)
    return Frame(whole.photo, whole.depth, np.zeros_like(whole.valid), whole.camera)


ENTRIES = [
    *(BenchmarkImage(f"toys/{k}.jpg", lambda k=k: frame(k)) for k in range(6)),  # type: ignore[misc]
    BenchmarkImage("toys/9.jpg", broken),
    BenchmarkImage("toys/8.jpg", all_sky),
]
BENCHMARK = Benchmark("toys", ENTRIES, Rules(), ("toys: a line that states the set",), SETTINGS)


def near_truth(name: str, frame: Frame) -> np.ndarray:
    number = int(name[5])
    if number == 3:
        raise InputError("out/3: no .npy there; predict it too")
    noise = np.random.default_rng(99).normal(0, 0.02 * number, frame.depth.shape)
    return np.log1p(frame.depth) + noise


GOOD = Candidate("good", "ppd", near_truth, {"steps": "4"}, shown=True)


def scored(folder: Path, candidates: list[Candidate], stop_after: int | None = None) -> Rows:
    rows, count = Rows(folder, SETTINGS), 0

    def done(row: ScoreRow) -> None:
        nonlocal count
        count += 1
        if count == stop_after:
            raise KeyboardInterrupt

    score_all(BENCHMARK, candidates, rows, folder, done)
    return rows


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_what_cannot_be_scored_is_told_apart_and_left_out_of_the_means(tmp_path: Path) -> None:
    results = results_of(BENCHMARK, scored(tmp_path, [GOOD, constant()]))
    good, flat = results.summaries
    assert (good.predictor, good.scored) == ("good", 5)
    assert good.not_scored == {"unreadable": 2, "degenerate": 1}
    assert flat.scored == 6 and flat.notes == {"constant prediction": 6}
    assert good.means["abs_rel"] < 0.1 < flat.means["abs_rel"]
    assert {row.reason for row in results.failed if row.predictor == "good"} == {
        "toys/9.jpg: no such file; check the list",
        "out/3: no .npy there; predict it too",
        "no valid pixel",
    }


def test_the_files_of_a_run(tmp_path: Path) -> None:
    results = results_of(BENCHMARK, scored(tmp_path, [GOOD, constant()]))
    files = write_results(BENCHMARK, results, tmp_path)
    assert files[0] == tmp_path / "index.html" and all(path.is_file() for path in files)
    table = json.loads((tmp_path / "scores.json").read_text())
    assert table["set"] == "toys" and table["protocol"] == "authors"
    assert [p["predictor"] for p in table["predictors"]] == ["good", "constant"]
    with (tmp_path / "rows.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * len(ENTRIES)
    mean = np.mean([float(r["abs_rel"]) for r in rows if r["predictor"] == "good" and r["abs_rel"]])
    assert table["predictors"][0]["abs_rel"] == pytest.approx(mean, rel=1e-6)
    page = (tmp_path / "index.html").read_text()
    assert "toys: a line that states the set" in page and "no such file" in page
    assert len(list(tmp_path.glob("worst-*.png"))) == 4
    assert len(list(tmp_path.glob("best-*.png"))) == 1  # of 5 images with scores


@pytest.mark.usefixtures("plain_charts")
@pytest.mark.parametrize("stop_after", [1, 4, 9])
def test_a_run_that_was_stopped_goes_on_to_the_same_end(tmp_path: Path, stop_after: int) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    write_results(BENCHMARK, results_of(BENCHMARK, scored(whole, [GOOD, constant()])), whole)
    with pytest.raises(KeyboardInterrupt):
        scored(stopped, [GOOD, constant()], stop_after)
    rows = scored(stopped, [GOOD, constant()])
    write_results(BENCHMARK, results_of(BENCHMARK, rows), stopped)
    assert contents(stopped) == contents(whole)


@pytest.mark.usefixtures("plain_charts")
def test_finished_rows_are_not_done_again(tmp_path: Path) -> None:
    scored(tmp_path, [GOOD])

    def fails(name: str, frame: Frame) -> np.ndarray:
        if name != "toys/3.jpg":
            pytest.fail("predicted again")
        return near_truth(name, frame)  # once more: it may be there by now

    again = Candidate("good", "ppd", fails, {"steps": "4"})
    scored(tmp_path, [again])
    with pytest.raises(UsageError, match="steps 4, now 1"):
        scored(tmp_path, [Candidate("good", "ppd", fails, {"steps": "1"})])


@pytest.mark.usefixtures("plain_charts")
def test_what_was_missing_or_has_changed_is_scored_on_the_next_run(tmp_path: Path) -> None:
    image = "toys/3.jpg"
    stamps = {image: ""}

    def predict(name: str, frame: Frame) -> np.ndarray:
        asked.append(name)
        return np.log1p(frame.depth) if stamps[image] else near_truth(name, frame)

    asked: list[str] = []
    candidate = Candidate("good", "ppd", predict, stamp=lambda name: stamps.get(name, "same"))
    assert scored(tmp_path, [candidate]).rows[image, "good"].status == "unreadable"
    asked.clear()
    for stamp in ("there", "there", "changed"):
        stamps[image] = stamp
        rows = scored(tmp_path, [candidate])
    assert asked == [image, image]
    assert rows.rows[image, "good"].status == "scored"


@pytest.mark.usefixtures("plain_charts")
def test_predictors_of_several_runs_share_the_table(tmp_path: Path) -> None:
    scored(tmp_path, [GOOD])
    both = results_of(BENCHMARK, scored(tmp_path, [constant()]))
    assert [s.predictor for s in both.summaries] == ["good", "constant"]
    few = Benchmark("toys", ENTRIES[:2], Rules(), (), SETTINGS)
    assert [s.scored for s in results_of(few, Rows(tmp_path, SETTINGS)).summaries] == [2, 2]


@pytest.mark.usefixtures("plain_charts")
def test_pictures_of_a_longer_run_go(tmp_path: Path) -> None:
    rows = scored(tmp_path, [GOOD])
    write_results(BENCHMARK, results_of(BENCHMARK, rows), tmp_path)
    (tmp_path / "worst-case.png").write_text("mine")
    few = Benchmark("toys", ENTRIES[:2], Rules(), (), SETTINGS)
    write_results(few, results_of(few, rows), tmp_path)
    assert len(list(tmp_path.glob("worst-[0-9]*.png"))) == 2
    assert not list(tmp_path.glob("best-*.png")) and (tmp_path / "worst-case.png").exists()


@pytest.mark.usefixtures("plain_charts")
def test_clearing_leaves_what_is_not_ours(tmp_path: Path) -> None:
    scored(tmp_path, [GOOD])
    (tmp_path / "notes.txt").write_text("mine")
    clear(tmp_path)
    assert list(contents(tmp_path)) == ["notes.txt"]
    assert Rows(tmp_path, {"set": "another"}).predictors == []


@pytest.mark.usefixtures("plain_charts")
def test_files_that_are_called_as_ours_stay(tmp_path: Path) -> None:
    mine = [tmp_path / "best-1-trip.png", tmp_path / "worst-2-trip.png"]
    mine += [tmp_path / "pictures" / name for name in ("depths.npz", "12345678-mine.npz")]
    mine[-1].parent.mkdir()
    for path in mine:
        path.write_text("mine")
    rows = scored(tmp_path, [GOOD])
    write_results(BENCHMARK, results_of(BENCHMARK, rows), tmp_path)
    write_results(BENCHMARK, results_of(BENCHMARK, rows), tmp_path)
    clear(tmp_path)
    assert all(path.read_text() == "mine" for path in mine)


@pytest.mark.usefixtures("plain_charts")
def test_clearing_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    picture = tmp_path / "shared" / "01234567-0123456789abcdef.npz"
    picture.write_text("mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "pictures").symlink_to(tmp_path / "shared")
    clear(tmp_path / "out")
    assert picture.read_text() == "mine"


@pytest.mark.parametrize("text", ["[", "3", '["../x.png", 7, "index.html"]'])
@pytest.mark.usefixtures("plain_charts")
def test_a_list_of_reported_files_that_makes_no_sense(tmp_path: Path, text: str) -> None:
    rows = scored(tmp_path / "out", [GOOD])
    (tmp_path / "x.png").write_text("mine")
    (tmp_path / "out" / "pictures" / "reported.json").write_text(text)
    write_results(BENCHMARK, results_of(BENCHMARK, rows), tmp_path / "out")
    assert (tmp_path / "x.png").exists() and (tmp_path / "out" / "index.html").exists()
