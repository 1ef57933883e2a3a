"""What the README says exists, and the checks that it names are the checks that run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
from PIL import Image

from ppdcli.checkpoints.catalog import models
from ppdcli.checkpoints.families import FAMILIES
from ppdcli.cli.app import app
from ppdcli.files import exr
from ppdcli.geometry.camera import Camera

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [README, *(path.read_text(encoding="utf-8") for path in (ROOT / "docs").rglob("*.md"))]
BLOCKS = [block for page in PAGES for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL)]
MOST_WORDS = 1000
LINES = [line.partition("  #")[0] for block in BLOCKS for line in block.splitlines()]
CALLS = [call for line in LINES for call in re.findall(r"ppd [a-z]+ [^&|]*", line)]


def test_there_are_calls_to_check() -> None:
    assert len(CALLS) > 30


def test_it_is_short() -> None:
    assert len(README.split()) < MOST_WORDS


def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    with Image.open(ROOT / "src/ppdcli/data/example.jpg") as photo:
        photo.resize((120, 90)).save("photo.jpg")
    namespace: dict[str, Any] = {}
    exec(example, namespace)
    assert namespace["full"].values.shape == (90, 120)
    cloud = namespace["cloud"]
    assert cloud.pixels.camera == Camera.from_fov(60, 120, 90)  # not stretched
    assert 0.9 * 120 * 90 < len(cloud) == len(cloud.colors)
    assert Path("cloud.ply").is_file()
    assert exr.read(Path("depth.exr")).values.shape == (90, 120)


@pytest.mark.parametrize("call", CALLS)
def test_every_call_names_a_command_and_its_options(call: str) -> None:
    _, *words = call.split()
    command = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    known = {option for parameter in command.params for option in parameter.opts}
    known |= {option for parameter in command.params for option in parameter.secondary_opts}
    used = {word for word in words if word.startswith("-") and word != "-"}
    assert used <= known


def test_ci_runs_the_readmes_test_command() -> None:
    command = next(line for line in LINES if line.endswith("pytest"))
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_every_model_of_the_catalogue_is_in_the_table() -> None:
    of_films = (ROOT / "docs/models.md").read_text(encoding="utf-8")
    for name, model in models().items():
        page = of_films if FAMILIES[model.family].films else README
        row = next(line for line in page.splitlines() if line.startswith(f"| `{name}`"))
        assert all(part.license in row for part in model.parts)


def test_linked_files_exist() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert links
    assert all((ROOT / link).is_file() for link in links)
