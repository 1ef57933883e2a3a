"""What ``--help`` shows: arguments, options in named groups, commands.

The text is laid out here, so that it does not depend on how a version of Typer draws its help.
docs/cli.md shows the same.
"""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Callable, Iterator
from typing import Any, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup
from typer.models import ParameterInfo

WIDTH = 80
WIDEST = 100
INDENT = 26  # of what an option is for
OWN = "Options"  # the group of options without a name of their own

Style = Callable[[str], str]


class Command(TyperCommand):
    """A command with this help."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        formatter.write(_in_terminal(ctx.command_path, self))


class CommandGroup(TyperGroup):
    """A group of commands with this help."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        formatter.write(_in_terminal(ctx.command_path, self))


def help_text(name: str, command: Any, width: int = WIDTH, bold: Style = str) -> str:
    """The help of a command.

    Args:
        name: how it is called, ``ppd weights list``.
        command: Typer's, or click's.
        width: columns.
        bold: applied to headings.
    """
    # Typer's commands are click's, or those of its own copy of click, which has no public types.
    hints = get_type_hints(command.callback, include_extras=True) if command.params else {}
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and not p.hidden]
    below = getattr(command, "commands", {})
    call = [name, *(["[OPTIONS]"] if options else [])]
    call += [_value(p) if p.required else f"[{_value(p)}]" for p in arguments]
    call += ["COMMAND [ARGS]..."] if below else []
    groups: dict[str, list[Any]] = {"Arguments": arguments, OWN: []}
    for option in options:
        groups.setdefault(getattr(option, "rich_help_panel", None) or OWN, []).append(option)
    lines = [bold("Usage: ") + " ".join(call)]
    for title, parameters in groups.items():
        if parameters:
            lines += ["", bold(f"{title}:")]
        for parameter in parameters:
            annotated = hints.get(parameter.name)
            declared = None if annotated is None else annotated.__metadata__[0]
            lines += _entry(_names(parameter), _meaning(parameter, declared), width)
    if below:
        lines += ["", bold("Commands:")]
        for each in below:
            lines += _entry(each, summary(below[each]), width)
    return "\n".join(lines)


def summary(command: Any) -> str:
    """What a command does, in one paragraph."""
    return " ".join((command.help or "").split())


def _in_terminal(name: str, command: Any) -> str:
    """Help in as many columns as there are, but lines that the eye can follow."""
    width = max(WIDTH, min(WIDEST, shutil.get_terminal_size((WIDTH, 24)).columns))
    plain = "NO_COLOR" in os.environ
    bold: Style = str if plain else lambda text: typer.style(text, "cyan", bold=True)
    about = textwrap.fill(summary(command), width)
    return f"{about}\n\n{help_text(name, command, width, bold)}\n"


def _value(parameter: Any) -> str:
    return parameter.metavar or parameter.name.strip("_").replace("_", "-").upper()


def _names(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return _value(parameter)
    names = ", ".join(sorted(parameter.opts, key=len))
    if parameter.secondary_opts:
        names += f" / {', '.join(parameter.secondary_opts)}"
    return names if parameter.is_flag else f"{names} {_value(parameter)}"


def _meaning(parameter: Any, declared: ParameterInfo | None) -> str:
    """What it is for, with its limits and default; ``declared``: as the code states it."""
    notes: list[str] = []
    if declared is not None and declared.min is not None:
        most = declared.max
        notes.append(f"at least {declared.min}" if most is None else f"{declared.min} to {most}")
    if getattr(parameter, "multiple", False):
        notes.append("may be repeated")
    if declared is not None and isinstance(declared.show_default, str):
        notes.append(f"default: {declared.show_default}")
    elif parameter.secondary_opts:
        names = parameter.opts if parameter.default else parameter.secondary_opts
        notes.append(f"default: {names[0]}")
    elif parameter.required:
        notes.append("required")
    elif not (getattr(parameter, "is_flag", False) or parameter.default in (None, "")):
        notes.append(f"default: {parameter.default}")
    # Older versions of Typer keep the help of an argument to themselves.
    about = (declared.help if declared is not None else parameter.help) or ""
    return " ".join(part for part in (about, f"[{'; '.join(notes)}]" if notes else "") if part)


def _entry(names: str, meaning: str, width: int) -> Iterator[str]:
    start = f"  {names}"
    lines = textwrap.wrap(meaning, width - INDENT, break_on_hyphens=False)
    if len(start) > INDENT - 2:
        yield start
    else:
        first, *lines = lines or [""]
        yield (start.ljust(INDENT) + first).rstrip()
    for line in lines:
        yield " " * INDENT + line
