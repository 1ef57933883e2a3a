"""What Python users can be told names no option of the command line."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "src/ppdcli"
OF_THE_COMMAND_LINE = {"cli", "commands", "jobs", "evaluation", "training", "scenes", "progress"}
OPTION = re.compile(r"(?<![\w-])(--[a-z][\w-]*|-[a-z] [\w{])")
SHELL = re.compile(r"`ppd [^`]*`|ffmpeg -i .*|magick -\S+|pip install \S+")


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """The strings of a module that are no docstrings, f-strings as one text each."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):  # docstrings
            inside |= {id(node.value)}
        if isinstance(node, ast.JoinedStr):
            inside |= {id(part) for part in node.values}
    for node in ast.walk(tree):
        if id(node) in inside:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        if isinstance(node, ast.JoinedStr):
            parts = (p.value if isinstance(p, ast.Constant) else "{}" for p in node.values)
            yield node.lineno, "".join(map(str, parts))


def options_in(text: str) -> list[str]:
    return OPTION.findall(SHELL.sub("", text))


def test_no_module_that_python_users_reach_names_an_option() -> None:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).parts[0].removesuffix(".py") not in OF_THE_COMMAND_LINE:
            found += [
                f"{path.name}:{line}: {text}" for line, text in texts(path) if options_in(text)
            ]
    assert not found


def test_an_option_is_found() -> None:
    for text in ("leave out --metric", "use -m {}", "a (--batch 1)"):
        assert options_in(text)
    for text in ("run `ppd weights import FILE --as x`", "state-of-the-art", "a - b", "1-2"):
        assert not options_in(text)
