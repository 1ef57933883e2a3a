"""``ppd evaluate``: the table, its JSON, other tools' files, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import Result

from ppdcli.cli import evaluate as command
from ppdcli.depth import DepthMap
from ppdcli.evaluation import protocols, synthetic
from ppdcli.evaluation.sets.catalog import RULES
from ppdcli.photo import Photo
from ppdcli.predictor import Predictor

Ppd = Callable[..., Result]
NAMES = ["ppd-tiny", "constant", "vertical ramp", "truth, blurred 2 px", "truth, blurred 8 px"]
FOLDER = Path("ppd-eval", "synthetic-authors")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic, "SHAPE", (96, 128))


def test_the_table_has_the_model_beside_predictors_that_know_nothing(
    ppd: Ppd, tiny: list[str]
) -> None:
    result = ppd("evaluate", "synthetic", "--limit", 2, *tiny)
    assert result.exit_code == 0, result.stderr
    head, *rows = result.stdout.splitlines()
    assert head.split()[:2] == ["predictor", "AbsRel"] and head.split()[-1] == "images"
    width = len(max(NAMES, key=len)) + 2
    assert [row[:width].strip() for row in rows] == NAMES
    for row in rows:
        abs_rel, *_, images = row[width:].split()
        assert float(abs_rel) > 0 and images == "2"
    for said in ("ppd-tiny on cpu", "nearer than the sky", "RANSAC", "Canny", "2 images"):
        assert said in result.stderr
    for name in ("index.html", "rows.csv", "scores.csv", "scores.json", "scores.png"):
        assert (FOLDER / name).is_file()


@pytest.mark.usefixtures("plain_charts")
def test_json_has_the_same_numbers_and_nothing_else_on_stdout(ppd: Ppd, tiny: list[str]) -> None:
    once = ppd("evaluate", "synthetic", "--limit", 2, "--json", *tiny)
    assert once.exit_code == 0
    table = json.loads(once.stdout)
    assert once.stdout == (FOLDER / "scores.json").read_text()
    assert [row["predictor"] for row in table["predictors"]] == NAMES
    assert table["protocol"] == "authors" and any("Canny" in line for line in table["settings"])
    text = ppd("evaluate", "synthetic", "--limit", 2, *tiny).stdout.splitlines()[1:]
    for row, line in zip(table["predictors"], text, strict=True):
        assert f"{row['abs_rel']:.3f}" in line and row["images"] == 2


@pytest.mark.usefixtures("plain_charts")
def test_steps_seed_and_size_reach_the_model(
    ppd: Ppd, tiny: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[dict[str, object]] = []
    predict = Predictor.predict

    def noted(self: Predictor, photo: Photo, **options: object) -> DepthMap:
        calls.append({"photo": photo.name, **options})
        return predict(self, photo, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Predictor, "predict", noted)
    ppd("evaluate", "synthetic", "--limit", 2, *tiny, "--seed", 5, "--steps", 2)
    expected = {"steps": 2, "seed": 5, "area": 64 * 48}
    assert calls == [{"photo": f"synthetic {k}", **expected} for k in range(2)]


@pytest.mark.usefixtures("plain_charts")
def test_it_resumes_and_refuses_to_mix(ppd: Ppd, tiny: list[str]) -> None:
    ppd("evaluate", "synthetic", "--limit", 1, *tiny)
    more = ppd("evaluate", "synthetic", "--limit", 2, *tiny)
    assert more.exit_code == 0 and more.stdout.splitlines()[1].split()[-1] == "2"
    other = ppd("evaluate", "synthetic", "--limit", 2, *tiny, "--steps", 1)
    assert other.exit_code == 2 and "steps 4, now 1" in other.stderr
    edges = ppd("evaluate", "synthetic", "--limit", 2, *tiny, "--edge-dilation", 9)
    assert edges.exit_code == 2 and "--overwrite" in edges.stderr
    again = ppd("evaluate", "synthetic", "--limit", 1, *tiny, "--steps", 1, "--overwrite")
    assert again.exit_code == 0 and again.stdout.splitlines()[1].split()[-1] == "1"


@pytest.mark.parametrize("names", [("a", "a"), ("a", "constant")])
def test_two_predictors_of_one_name_are_refused(ppd: Ppd, names: tuple[str, str]) -> None:
    Path("one").mkdir()
    given = [f"--predictions={name}=one" for name in names]
    result = ppd("evaluate", "synthetic", "--limit", 1, *given)
    assert result.exit_code == 2 and "choose another name" in result.stderr
    assert not FOLDER.exists()


@pytest.mark.usefixtures("plain_charts")
def test_protocols_have_tables_of_their_own(ppd: Ppd, tiny: list[str]) -> None:
    ppd("evaluate", "synthetic", "--limit", 1, *tiny)
    result = ppd("evaluate", "synthetic", "--limit", 1, *tiny, "--protocol", "least-squares")
    assert result.exit_code == 0 and "all valid pixels" in result.stderr
    mixed = ppd(
        "evaluate", "synthetic", "--limit", 1, *tiny, "--protocol", "least-squares", "-o", FOLDER
    )
    assert mixed.exit_code == 2 and "protocol authors, now least-squares" in mixed.stderr


@pytest.mark.usefixtures("no_model", "plain_charts")
def test_depth_files_of_another_tool_are_scored_in_the_same_table(ppd: Ppd) -> None:
    for folder, space in (("metric", lambda d: d), ("inverse", lambda d: 3 / d + 1)):
        Path(folder).mkdir()
        for k, (_, depth) in enumerate(synthetic.scenes(2)):
            np.save(Path(folder, f"synthetic {k}.npy"), space(depth.astype(np.float64)))
    line = ("evaluate", "synthetic", "--limit", 2, "--json")
    ppd(*line, "--predictions", "oracle=metric")
    result = ppd(*line, "--predictions", "flip=inverse", "--kind", "disparity")
    assert result.exit_code == 0, result.stderr
    rows = {row["predictor"]: row for row in json.loads(result.stdout)["predictors"]}
    assert rows["oracle"]["abs_rel"] < 1e-4 and rows["flip"]["abs_rel"] < 1e-4
    assert rows["oracle"]["recall"] == 1 and rows["oracle"]["log_chamfer"] < 1e-4
    assert rows["vertical ramp"]["abs_rel"] > 0.1


@pytest.mark.usefixtures("no_model", "plain_charts")
def test_what_is_missing_is_reported_and_the_rest_goes_on(ppd: Ppd) -> None:
    Path("other").mkdir()
    _, depth = next(synthetic.scenes(1))
    np.save("other/synthetic 0.npy", depth)
    result = ppd("evaluate", "synthetic", "--limit", 2, "--predictions", "other=other")
    assert result.exit_code == 3
    assert "not scored: other: synthetic 1: other/synthetic 1: no .npy" in result.stderr
    assert "other: 1 not scored, unreadable" in result.stderr
    assert result.stdout.splitlines()[1].split()[0] == "other"


def nyuv2(folder: Path) -> None:
    """A miniature of the set in its own layout: two images."""
    rng = np.random.default_rng(0)
    lines = []
    for k in range(2):
        cv2.imwrite(str(folder / f"rgb_{k}.png"), rng.integers(0, 255, (480, 640, 3), np.uint8))
        depth = rng.integers(500, 9000, (480, 640)).astype(np.uint16)
        cv2.imwrite(str(folder / f"depth_{k}.png"), depth)
        np.save(folder / f"rgb_{k}.npy", np.log1p(depth / 1000))
        lines.append(f"rgb_{k}.png depth_{k}.png 518.8579")
    (folder / "list.txt").write_text("\n".join(lines))


def test_a_set_on_disk_is_scored_as_the_authors_do(
    ppd: Ppd, tiny: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nyuv2(tmp_path)
    sizes: list[tuple[int, ...]] = []
    predict = Predictor.predict

    def noted(self: Predictor, photo: Photo, **options: object) -> DepthMap:
        sizes.append(photo.rgb.shape)
        return predict(self, photo, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Predictor, "predict", noted)
    line = ("evaluate", "nyuv2", "--root", tmp_path, "--list", tmp_path / "list.txt", "--json")
    result = ppd(*line, *tiny, "--predictions", f"oracle={tmp_path}", "--kind", "ppd")
    assert result.exit_code == 0, result.stderr
    tiny_row, oracle = json.loads(result.stdout)["predictors"]
    assert oracle["abs_rel"] < 1e-3 < tiny_row["abs_rel"] and "recall" not in oracle
    assert sizes == [(48, 64, 3)] * 2  # brought to the working size before, bilinearly
    assert "2 images listed, the whole test set has 654" in result.stderr
    assert "oracle" in Path("ppd-eval", "nyuv2-authors", "index.html").read_text()


@pytest.mark.usefixtures("no_model")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nyu",), "no benchmark is called 'nyu'; choose synthetic, nyuv2"),
        (("synthetic", "-m", "none"), "none"),
        (("synthetic", "--size", "big"), "--size big"),
        (("synthetic", "--limit", "0"), "limit"),
        (("synthetic", "--device", "gpu"), "gpu"),
        (("synthetic", "--protocol", "both"), "--protocol both: choose from authors"),
        (("synthetic", "--kind", "metres"), "--kind metres: choose from ppd"),
        (("synthetic", "--png-scale", "cm"), "--png-scale cm: choose from mm"),
        (("synthetic", "--predictions", "out"), "give NAME=FOLDER"),
        (("synthetic", "--predictions", "x=none"), "none: no such folder"),
        (("synthetic", "--root", "."), "leave out --root"),
        (("synthetic", "--edge-steps", "0.3,0.1"), "0 < low <= high"),
        (("synthetic", "--no-edges", "--edge-dilation", "3"), "give --edges too"),
        (("nyuv2",), "--root"),
        (("nyuv2", "--root", "none"), "none: no such folder"),
        (("kitti", "--root", "."), "--list"),
        ((), "SET"),
    ],
)
def test_mistakes_are_found_before_the_model_is_loaded(
    ppd: Ppd, arguments: tuple[str, ...], message: str
) -> None:
    result = ppd("evaluate", *arguments)
    assert result.exit_code == 2 and result.stdout == ""
    assert message in " ".join(result.stderr.split())


def test_a_checkpoint_that_is_missing_fails(ppd: Ppd) -> None:
    result = ppd("evaluate", "synthetic", "-m", "ppd-tiny", "--checkpoint", "none.safetensors")
    assert result.exit_code == 1 and "none.safetensors" in result.stderr


def test_the_names_on_the_help_page_are_those_that_exist() -> None:
    assert set(command.ALL_SETS) == {"synthetic", "furnished", "rgbd", *RULES}
    assert set(command.KINDS) == set(protocols.Kind.__args__)  # type: ignore[attr-defined]
    assert set(command.PROTOCOLS) == set(protocols.Protocol.__args__)  # type: ignore[attr-defined]
