"""The linter, the formatter and the type checker, as tests, so that one command runs all checks."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name != "_"


def defined(tree: ast.AST) -> set[str]:
    """The private names that a file defines: functions, classes, constants and attributes."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and ast.unparse(node.value) == "self"
        ):
            found.add(node.attr)
    # A notebook calls _repr_png_ and its like, so they are public.
    return {name for name in found if is_private(name) and not name.startswith("_repr_")}


def reaches_inside(text: str, private: set[str]) -> list[str]:
    """The lines of a test that patch by a dotted string, or use one of the ``private`` names."""
    tree, lines, found = ast.parse(text), text.splitlines(), set()
    foreign = private - defined(tree)
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.Attribute):
            names = [node.attr]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".setattr"):
            if len(node.args) < 3:
                found.add(node.lineno)
            names = [str(a.value) for a in node.args[1:2] if isinstance(a, ast.Constant)]
        if foreign & set(names):
            found.add(node.lineno)
    return [lines[number - 1].strip() for number in sorted(found)]


def test_tests_use_public_names() -> None:
    sources = [*(ROOT / "src").rglob("*.py"), *(ROOT / "studies").rglob("*.py")]
    private = set[str]().union(
        *(defined(ast.parse(path.read_text(encoding="utf-8"))) for path in sources)
    )
    assert len(private) > 300
    found = {
        path.relative_to(ROOT).as_posix(): lines
        for path in (ROOT / "tests").rglob("*.py")
        if (lines := reaches_inside(path.read_text(encoding="utf-8"), private))
    }
    assert not found


@pytest.mark.parametrize(
    "line",
    [
        'monkeypatch.setattr("ppdcli.files.ply.CHUNK_BYTES", 7)',
        "monkeypatch.setattr(name, 7)",
        'monkeypatch.setattr(ply, "_write", None)',
        "ply._write(path)",
        "from ppdcli.files.ply import _write",
    ],
)
def test_a_look_inside_is_found(line: str) -> None:
    assert reaches_inside(f"{line}\n_own = ply.write(path)\nx._own", {"_write", "_own"}) == [line]


@pytest.mark.parametrize("tool", [["ruff", "check"], ["ruff", "format", "--check"]], ids=" ".join)
def test_style(tool: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *tool], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_types() -> None:
    command = [sys.executable, "-m", "mypy"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
