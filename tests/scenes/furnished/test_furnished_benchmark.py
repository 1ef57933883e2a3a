"""The furnished benchmark: the same places for everyone, and a hash that tells if they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tiny_library import write_library
from typer.testing import CliRunner

from ppdcli.cli.app import app
from ppdcli.commands.benchmark import Benchmark, results_of
from ppdcli.commands.evaluate import json_table, score_all
from ppdcli.errors import InputError, PpdError
from ppdcli.evaluation import furnished, synthetic
from ppdcli.evaluation.frames import BenchmarkImage, Frame
from ppdcli.evaluation.predictors import Candidate, constant, vertical_ramp
from ppdcli.evaluation.rows import Rows
from ppdcli.evaluation.scoring import Rules
from ppdcli.photo import Photo
from ppdcli.scenes.furnished import series as maker
from ppdcli.scenes.furnished.camera import Camera, take
from ppdcli.scenes.furnished.finishes import BANKS, HELD_OUT_BANK
from ppdcli.scenes.furnished.models.library import Library, pack_libraries
from ppdcli.scenes.furnished.scene import Scene
from ppdcli.scenes.samples import SKY_DEPTH
from ppdcli.training.recipe import SEEDS

Taken = tuple[np.ndarray, np.ndarray]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small pictures, and textures that other tests have drawn already, which takes seconds."""
    monkeypatch.setattr(furnished, "SHAPE", (36, 48))
    monkeypatch.setattr(maker, "HELD_OUT_BANK", 0)


@pytest.mark.usefixtures("embree", "small")
def test_a_scene_depends_on_its_number_alone(tiny: Library) -> None:
    scenes = furnished.entries(tiny, 3)
    assert [entry.name for entry in scenes] == [f"furnished {k}" for k in range(3)]
    first, _, last = (entry.load() for entry in scenes)
    again = furnished.entries(tiny, 3)[2].load()
    assert again.digest == last.digest != first.digest and len(last.digest) == 64
    assert np.array_equal(again.photo.rgb, last.photo.rgb)
    assert np.array_equal(again.depth, last.depth)
    assert first.photo.rgb.shape == (36, 48, 3) and first.depth.shape == (36, 48)
    assert np.array_equal(first.valid, first.depth < SKY_DEPTH)


@pytest.mark.usefixtures("embree", "small")
def test_the_camera_is_the_one_that_took_the_picture(
    tiny: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    focal: list[float] = []

    def noted(scene: Scene, camera: Camera, height: int, width: int, hard: bool = False) -> Taken:
        focal.append(camera.focal(height, width))
        return take(scene, camera, height, width, hard)

    monkeypatch.setattr(maker, "take", noted)
    found = furnished.entries(tiny, 1)[0].load().camera
    assert found is not None and found.fx == found.fy == focal[-1]
    assert (found.cx, found.cy, found.width, found.height) == (23.5, 17.5, 48, 36)


def test_training_has_other_seeds_and_textures() -> None:
    assert SEEDS <= furnished.SEED != synthetic.SEED
    assert HELD_OUT_BANK >= BANKS


def toy(number: int, digest: str) -> Frame:
    depth = np.random.default_rng(number).uniform(1, 3, (24, 32)).astype(np.float32)
    photo = Photo(np.zeros((24, 32, 3), np.uint8), f"toy {number}")
    return Frame(photo, depth, np.ones(depth.shape, bool), digest=digest)


def facts(folder: Path, digests: str, candidate: Candidate) -> list[str]:
    """What a report states of scenes with these digests, scored under one more candidate."""
    scenes = [
        BenchmarkImage(f"toy {k}", lambda k=k, digest=digest: toy(k, digest))  # type: ignore[misc]
        for k, digest in enumerate(digests)
    ]
    benchmark = Benchmark("toys", scenes, Rules(edges=None), ("toys",), {"set": "toys"})
    rows = Rows(folder, benchmark.settings)
    score_all(benchmark, [candidate], rows, folder, lambda row: None)
    table = json_table(benchmark, results_of(benchmark, Rows(folder, benchmark.settings)))
    assert json.dumps(table)
    return [line for line in table["settings"] if line != "toys"]  # type: ignore[attr-defined]


def test_a_report_states_the_hash_of_its_scenes(tmp_path: Path) -> None:
    (first,) = facts(tmp_path / "a", "xyz", constant())
    assert first.startswith("sha256 of the 3 rendered images: ")
    assert facts(tmp_path / "b", "xyz", vertical_ramp()) == [first]
    assert facts(tmp_path / "a", "xyz", vertical_ramp()) == [first]  # resumed
    assert facts(tmp_path / "c", "xyq", constant()) != [first]
    assert facts(tmp_path / "d", "yxz", constant()) != [first]


def test_rows_of_different_scenes_are_told_apart(tmp_path: Path) -> None:
    facts(tmp_path, "xyz", constant())
    (line,) = facts(tmp_path, "xyq", vertical_ramp())
    assert "rendered differently" in line and "--overwrite" in line


@pytest.mark.usefixtures("embree")
def test_without_models_one_line_says_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="apt install sweethome3d-furniture"):
        furnished.open_furniture(tmp_path)
    line = ["evaluate", "furnished", "--furniture", str(tmp_path), "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(app, line)
    assert result.exit_code == 1 and "apt install sweethome3d-furniture" in result.stderr
    assert not (tmp_path / "out").exists()


def test_without_embree_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise PpdError("rendering furnished scenes needs Embree; run `pip install embreex`")

    monkeypatch.setattr(furnished, "load_embree", missing)
    with pytest.raises(PpdError, match="pip install embreex"):
        furnished.open_furniture(None)


@pytest.mark.usefixtures("embree", "small", "plain_charts")
def test_from_the_command_line(random_checkpoint: Path, tmp_path: Path) -> None:
    furniture = tmp_path / "tiny.pack"
    pack_libraries(write_library(tmp_path).parent, furniture)
    line = ["evaluate", "furnished", "--furniture", str(furniture), "--limit", "1", "--json"]
    line += ["-m", "ppd-tiny", "--checkpoint", str(random_checkpoint), "--size", "64x48"]
    line += ["--device", "cpu", "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(app, line)
    assert result.exit_code == 0, result.stderr
    table = json.loads(result.stdout)
    names = [row["predictor"] for row in table["predictors"]]
    assert names[:2] == ["ppd-tiny", "constant"] and len(names) == 5
    assert any(line.startswith("sha256 of the 1 rendered image: ") for line in table["settings"])
    assert "flying" in table["predictors"][0] and "log_chamfer" in table["predictors"][0]
    assert "sha256 of the 1 rendered image" in (tmp_path / "out" / "index.html").read_text()
