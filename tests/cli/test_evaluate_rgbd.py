"""``ppd evaluate rgbd``: the user's own photos with measured depth."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import Result

Ppd = Callable[..., Result]
OUT = Path("ppd-eval", "rgbd-trimmed")
LINE = ("evaluate", "rgbd", "--root", "own", "--depth-scale", "mm")
ORACLE = ("--predictions", "oracle=out", "--kind", "ppd")


def write(name: str, seed: int, error: float = 0.0, scale: float = 0.001) -> None:
    """A photo of 64x48 in ``own``, its depth of 32x24, and what an oracle says in ``out``."""
    rng = np.random.default_rng(seed)
    metres = rng.uniform(1, 5, (24, 32))
    rgb = rng.integers(0, 255, (48, 64, 3), np.uint8)
    for top in ("own", "out"):
        Path(top, name).parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(f"own/{name}_rgb.jpg", rgb)
    cv2.imwrite(f"own/{name}_depth.png", np.rint(metres / scale).astype(np.uint16))
    relative = np.log1p(metres) + rng.normal(0, error, metres.shape) if error else np.log1p(metres)
    np.save(f"out/{name}_rgb.npy", relative.astype(np.float32))


@pytest.fixture
def own() -> None:
    """Three photos of one sensor that an oracle knows, one of another that it is unsure of."""
    for k in range(3):
        write(f"kinect/{k}", k)
    write("lidar/0", 9, error=0.3)


def scores(result: Result) -> dict[str, float]:
    return json.loads(result.stdout)["predictors"][0]


@pytest.mark.usefixtures("no_model", "own", "plain_charts")
def test_means_over_photos_then_over_sets_with_the_report_of_the_other_sets(ppd: Ppd) -> None:
    result = ppd(*LINE, *ORACLE, "--json")
    assert result.exit_code == 0, result.stderr
    table = json.loads(result.stdout)
    assert (table["set"], table["protocol"]) == ("rgbd", "trimmed")
    by_set = {row["set"]: row for row in table["sets"]}
    assert {name: row["images"] for name, row in by_set.items()} == {"kinect": 3, "lidar": 1}
    assert by_set["kinect"]["abs_rel"] < 1e-3
    assert by_set["lidar"]["abs_rel"] > 0.1
    mean = (by_set["kinect"]["abs_rel"] + by_set["lidar"]["abs_rel"]) / 2
    assert table["predictors"][0]["abs_rel"] == pytest.approx(mean)
    for said in ("4 images", "then over the 2 data sets", "whole numbers: 0.001 m", "own"):
        assert said in result.stderr
    page = (OUT / "index.html").read_text()
    assert "Scores by data set" in page and ">lidar<" in page and "kinect/1_rgb.jpg" in page
    with (OUT / "rows.csv").open() as file:
        assert [row["set"] for row in csv.DictReader(file)] == ["kinect"] * 3 + ["lidar"]
    assert (OUT / "sets.csv").read_text().splitlines()[2].startswith("lidar,oracle,")


@pytest.mark.usefixtures("no_model", "own", "plain_charts")
def test_the_terminal_shows_the_sets_too(ppd: Ppd) -> None:
    lines = ppd(*LINE, *ORACLE).stdout.splitlines()
    assert lines[0].split()[0] == "predictor" and lines[1].split()[-1] == "4"
    assert [line.split()[:2] for line in lines[3:]] == [
        ["set", "predictor"],
        ["kinect", "oracle"],
        ["lidar", "oracle"],
    ]


@pytest.mark.usefixtures("own", "plain_charts")
def test_a_model_is_scored(ppd: Ppd, tiny: list[str]) -> None:
    result = ppd(*LINE, *tiny, *ORACLE, "--limit", 2, "--json")
    assert result.exit_code == 0, result.stderr
    model, oracle = json.loads(result.stdout)["predictors"]
    assert model["images"] == oracle["images"] == 2
    assert oracle["abs_rel"] < 1e-3 < model["abs_rel"]


@pytest.mark.usefixtures("no_model", "own", "plain_charts")
def test_what_cannot_be_scored_costs_one_image_each(ppd: Ppd) -> None:
    Path("own/kinect/0_depth.png").write_bytes(b"\x89PNG\r\n\x1a\n damaged")
    few = np.zeros((24, 32), np.uint16)
    few.flat[:199] = 2000
    cv2.imwrite("own/kinect/1_depth.png", few)
    cv2.imwrite("own/lidar/0_depth.png", np.full((32, 24), 2000, np.uint16))
    Path("own/kinect/3_rgb.jpg").write_bytes(Path("own/kinect/2_rgb.jpg").read_bytes())
    Path("own/kinect/4_depth.png").write_bytes(Path("own/kinect/2_depth.png").read_bytes())
    result = ppd(*LINE, *ORACLE, "--json", "-v")
    assert result.exit_code == 3
    assert scores(result)["images"] == 1
    assert scores(result)["not_scored"] == {"unreadable": 2, "degenerate": 1}
    for said in (
        "not scored: oracle: kinect/0_rgb.jpg: own/kinect/0_depth.png: ",
        "kinect/1_rgb.jpg: too little depth: 199 valid pixels",
        "own/lidar/0_depth.png: is 24x32 but its photo own/lidar/0_rgb.jpg is 64x48",
        "passed over: 1 photo without a depth file, 1 depth file without a photo",
        "passed over: kinect/3_rgb.jpg: photo without a depth file",
        "passed over: kinect/4_depth.png: depth file without a photo",
    ):
        assert said in result.stderr
    quiet = ppd(*LINE, *ORACLE, "--json").stderr
    assert "kinect/3_rgb.jpg" not in quiet and "(-v names them)" in quiet


@pytest.mark.usefixtures("no_model", "own", "plain_charts")
def test_what_has_changed_is_scored_again_and_the_rest_is_kept(ppd: Ppd) -> None:
    def count() -> int:
        return len((OUT / "rows.jsonl").read_text().splitlines())

    first = scores(ppd(*LINE, *ORACLE, "--json"))
    rows = count()
    assert scores(ppd(*LINE, *ORACLE, "--json")) == first and count() == rows
    write("kinect/1", 1, error=0.5)
    write("new/0", 50)
    again = ppd(*LINE, *ORACLE, "--json")
    assert scores(again)["images"] == 5 and count() == rows + 2
    assert scores(again)["abs_rel"] != first["abs_rel"]
    Path("list.txt").write_text("kinect/0_rgb.jpg kinect/0_depth.png tum\n")
    other = ppd(*LINE, *ORACLE, "--json", "--list", "list.txt")
    assert scores(other)["images"] == 1 and count() == rows + 3
    Path("own").rename("elsewhere")
    moved = ppd("evaluate", "rgbd", "--root", "elsewhere", "--depth-scale", "mm", *ORACLE)
    assert moved.exit_code == 2 and "choose another --output, or --overwrite" in moved.stderr
    anew = (*LINE[:3], "elsewhere", *LINE[4:], *ORACLE, "--json", "--overwrite")
    assert scores(ppd(*anew))["images"] == 5


@pytest.mark.usefixtures("no_model", "own", "plain_charts")
def test_rows_of_another_predictor_do_not_outlive_a_change_of_the_truth(ppd: Ppd) -> None:
    ppd(*LINE, *ORACLE, "--json")
    write("kinect/0", 7)
    result = ppd(*LINE, "--predictions", "second=out", "--kind", "ppd", "--json")
    images = {row["predictor"]: row["images"] for row in json.loads(result.stdout)["predictors"]}
    assert images == {"oracle": 3, "second": 4}


@pytest.mark.usefixtures("no_model", "own", "plain_charts")
def test_a_list_states_the_scale_of_each_pair(ppd: Ppd) -> None:
    write("tum/0", 20, scale=1 / 5000)
    pairs = (("kinect/0", "0.001"), ("tum/0", "0.0002"))
    text = "".join(f"{name}_rgb.jpg {name}_depth.png {scale}\n" for name, scale in pairs)
    Path("list.txt").write_text(text)
    line = ("evaluate", "rgbd", "--root", "own", "--list", "list.txt", *ORACLE, "--json")
    result = ppd(*line)
    assert result.exit_code == 0, result.stderr
    assert scores(result)["images"] == 2 and scores(result)["abs_rel"] < 1e-3


@pytest.mark.usefixtures("no_model", "own", "plain_charts")
def test_results_in_the_folder_itself_are_not_taken_for_photos(ppd: Ppd) -> None:
    for _ in range(2):
        result = ppd(*LINE, *ORACLE, "--json", "-o", "own/results")
        assert result.exit_code == 0 and "passed over" not in result.stderr


@pytest.mark.usefixtures("no_model", "own", "plain_charts")
@pytest.mark.parametrize("protocol", ["authors", "least-squares"])
def test_the_other_protocols_work_too(ppd: Ppd, protocol: str) -> None:
    result = ppd(*LINE, *ORACLE, "--json", "--protocol", protocol)
    assert result.exit_code == 0 and json.loads(result.stdout)["protocol"] == protocol
    assert Path("ppd-eval", f"rgbd-{protocol}", "index.html").is_file()


@pytest.mark.usefixtures("no_model", "own")
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("rgbd",), 2, "give the folder of the photos and depth files with --root"),
        (("rgbd", "--root", "none"), 2, "none: no such folder"),
        (("rgbd", "--root", "own"), 1, "0_depth.png: holds whole numbers"),
        (("rgbd", "--root", "own"), 1, "give --depth-scale"),
        (("rgbd", "--root", "out"), 1, "out: has no photo with a depth file; looked for NAME.jpg"),
        (("rgbd", "--root", "own", "--depth-scale", "cm"), 2, "--depth-scale cm is no depth scale"),
        (("rgbd", "--root", "own", "--list", "none.txt"), 1, "none.txt: no such file"),
        (("rgbd", "--root", "own", "--list", "empty.txt"), 1, "empty.txt: lists no pair"),
        (("rgbd", "--root", "own", "--list", "bad.txt"), 1, "bad.txt: line 1 has 1 field"),
        (("synthetic", "--depth-scale", "mm"), 2, "--depth-scale is for rgbd"),
        (("rgbd", "--root", "own", "--furniture", "x"), 2, "--furniture is for furnished"),
    ],
)
def test_mistakes_are_one_line(
    ppd: Ppd, arguments: tuple[str, ...], code: int, message: str
) -> None:
    Path("empty.txt").write_text("# photo depth\n")
    Path("bad.txt").write_text("a.jpg\n")
    result = ppd("evaluate", *arguments)
    assert result.exit_code == code and result.stdout == ""
    assert message in result.stderr and len(result.stderr.splitlines()) == 1
    assert not OUT.exists()
