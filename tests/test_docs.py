"""The pages of docs/ say what the code says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import typer
import yaml

from docs.generate_cli import COMMAND, PAGE, WIDTH, page
from ppdcli.cli.app import app
from ppdcli.version import __version__

ROOT = Path(__file__).parents[1]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "CONTRIBUTING.md"]
IN_CODE = re.compile(r"`([\w./]+\.(?:py|toml|md|txt|yml|yaml|cff))`")
PLACES = (ROOT, ROOT / "src/ppdcli", ROOT / "docs")  # that paths in the pages start from


def test_the_page_of_the_command_line_is_up_to_date() -> None:
    if PAGE.read_text(encoding="utf-8") != page():
        pytest.fail(f"docs/cli.md is out of date; write it anew with `{COMMAND}`")


def test_the_page_of_the_command_line_has_every_command_and_option() -> None:
    sections = dict(re.findall(r"^## (ppd.*?)\n(.*?)(?=^## |\Z)", page(), re.DOTALL | re.MULTILINE))
    todo = [("ppd", typer.main.get_command(app))]
    while todo:
        name, command = todo.pop()
        for parameter in command.params:
            if parameter.param_type_name == "option":
                names = [*parameter.opts, *parameter.secondary_opts]
                assert set(names) <= set(re.findall(r"--?[\w-]+", sections[name])), name
        todo += [(f"{name} {n}", each) for n, each in getattr(command, "commands", {}).items()]


def test_a_changed_help_text_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    before = page()
    monkeypatch.setattr(app.registered_commands[0], "help", "Something else.")
    assert page() != before


@pytest.mark.parametrize(("columns", "colour"), [("40", "1"), ("200", "")])
def test_the_page_does_not_depend_on_the_terminal(
    columns: str, colour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("FORCE_COLOR", colour)
    blocks = re.findall(r"```text\n(.*?)```", page(), re.DOTALL)
    assert page() == PAGE.read_text(encoding="utf-8")
    assert max(len(line) for block in blocks for line in block.splitlines()) <= WIDTH


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_files_that_a_page_names_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)\)", text)
    missing = {link for link in links if not (path.parent / link).exists()}
    for name in IN_CODE.findall(text):
        if "NAME" not in name and not any((place / name).is_file() for place in PLACES):
            missing.add(name)
    assert not missing


def test_the_citation_is_of_this_version_and_of_the_paper() -> None:
    stated = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert stated["version"] == __version__
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    assert stated["preferred-citation"]["url"] == urls["Paper"]


def test_the_hosted_tests_are_those_of_the_readme() -> None:
    text = (ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8")
    job = yaml.safe_load(text)["jobs"]["test"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^python3 -m venv .*pytest$", readme, re.MULTILINE)
    steps = [part.partition(".venv/bin/")[2] for part in command.split(" && ")[1:]]
    assert len(steps) == 2
    assert [step["run"] for step in job["steps"][-2:]] == [f"$BIN/{step}" for step in steps]


def test_the_hooks_before_a_commit_are_the_checks_of_the_tests() -> None:
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    tools = [hook["entry"].removeprefix("python -m ").split(" --")[0] for hook in local["hooks"]]
    assert tools == ["ruff check", "ruff format", "mypy"]
