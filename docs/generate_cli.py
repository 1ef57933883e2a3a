"""Writes docs/cli.md from the commands themselves: ``python docs/generate_cli.py``.

The text is laid out here, 80 columns wide, so that it depends on no terminal and not on how a
version of Typer or rich draws its help.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import typer
from typer.models import ParameterInfo

from ppdcli.cli.app import app

PAGE = Path(__file__).with_name("cli.md")
COMMAND = "python docs/generate_cli.py"
WIDTH = 80
INDENT = 26  # of what an option is for

TOP = f"""# The command line

Every command with its arguments and options. `ppd COMMAND --help` shows the same in a terminal.
This page is generated: `{COMMAND}` writes it anew.
"""


def page() -> str:
    """The text of docs/cli.md."""
    # Typer's commands are click's, or those of its own copy of click, which has no public types.
    return "\n".join([TOP, *_sections("ppd", typer.main.get_command(app))])


def _sections(name: str, command: Any) -> Iterator[str]:
    hints = get_type_hints(command.callback, include_extras=True) if command.params else {}
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and not p.hidden]
    below = getattr(command, "commands", {})
    call = [name, *(["[OPTIONS]"] if options else [])]
    call += [_value(p) if p.required else f"[{_value(p)}]" for p in arguments]
    call += ["COMMAND [ARGS]..."] if below else []
    yield f"## {name}\n"
    yield textwrap.fill(" ".join(command.help.split()), WIDTH) + "\n"
    yield "```text"
    yield " ".join(call)
    for title, parameters in (("Arguments", arguments), ("Options", options)):
        if parameters:
            yield f"\n{title}:"
        for parameter in parameters:
            declared = hints[parameter.name].__metadata__[0]
            yield _entry(_names(parameter), _meaning(parameter, declared))
    if below:
        yield "\nCommands:"
        yield from (_entry(each, " ".join(below[each].help.split())) for each in below)
    yield "```\n"
    for each in below:
        yield from _sections(f"{name} {each}", below[each])


def _value(parameter: Any) -> str:
    return parameter.metavar or parameter.name.strip("_").replace("_", "-").upper()


def _names(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return _value(parameter)
    names = ", ".join(sorted(parameter.opts, key=len))
    if parameter.secondary_opts:
        names += f" / {', '.join(parameter.secondary_opts)}"
    return names if parameter.is_flag else f"{names} {_value(parameter)}"


def _meaning(parameter: Any, declared: ParameterInfo) -> str:
    """What it is for, with its limits and default; ``declared``: as the code states it."""
    notes = []
    if declared.min is not None:
        most = declared.max
        notes.append(f"at least {declared.min}" if most is None else f"{declared.min} to {most}")
    if getattr(parameter, "multiple", False):
        notes.append("may be repeated")
    if isinstance(declared.show_default, str):
        notes.append(f"default: {declared.show_default}")
    elif parameter.secondary_opts:
        names = parameter.opts if parameter.default else parameter.secondary_opts
        notes.append(f"default: {names[0]}")
    elif parameter.required:
        notes.append("required")
    elif not (getattr(parameter, "is_flag", False) or parameter.default in (None, "")):
        notes.append(f"default: {parameter.default}")
    return " ".join(
        part for part in (declared.help, f"[{'; '.join(notes)}]" if notes else "") if part
    )


def _entry(names: str, meaning: str) -> str:
    start = f"  {names}"
    lines = textwrap.wrap(meaning, WIDTH - INDENT, break_on_hyphens=False)
    if len(start) > INDENT - 2:
        lines = [start, *(" " * INDENT + line for line in lines)]
    else:
        first, *rest = lines or [""]
        lines = [start.ljust(INDENT) + first, *(" " * INDENT + line for line in rest)]
    return "\n".join(line.rstrip() for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
