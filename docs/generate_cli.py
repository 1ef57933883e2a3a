"""Writes docs/cli.md from the commands themselves: ``python docs/generate_cli.py``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from ppdcli.cli.app import app
from ppdcli.cli.help_page import WIDTH, help_text, summary

PAGE = Path(__file__).with_name("cli.md")
COMMAND = "python docs/generate_cli.py"

TOP = f"""# The command line

Every command with its arguments and options. `ppd COMMAND --help` shows the same in a terminal.
This page is generated: `{COMMAND}` writes it anew.
"""


def page() -> str:
    """The text of docs/cli.md."""
    return "\n".join([TOP, *_sections("ppd", typer.main.get_command(app))])


def _sections(name: str, command: Any) -> Iterator[str]:
    yield f"## {name}\n"
    yield textwrap.fill(summary(command), WIDTH) + "\n"
    yield f"```text\n{help_text(name, command)}\n```\n"
    for each, below in getattr(command, "commands", {}).items():
        yield from _sections(f"{name} {each}", below)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
