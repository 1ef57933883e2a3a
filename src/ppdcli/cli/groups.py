"""Commands that take groups of options, and the values of options that have parts."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import fields
from math import isfinite
from typing import Annotated, Any, get_type_hints

from typer.models import OptionInfo

from ppdcli.cli.exits import exit_with
from ppdcli.errors import UsageError


def takes(**groups: type) -> Callable[[Callable[..., int]], Callable[..., None]]:
    """Gives a command the options of groups, and turns its result and errors into an exit code.

    ``@takes(model=ModelOptions)`` lets ``def command(model: ModelOptions, ...)`` be called by
    Typer with each of the group's fields as an option of its own. In the help they stand under the
    group's ``title``.
    """

    def wrap(command: Callable[..., int]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True).parameters
        parameters = [p.replace(kind=p.KEYWORD_ONLY) for n, p in own.items() if n not in groups]
        homes = {}
        for group, kind in groups.items():
            hints = get_type_hints(kind, include_extras=True)
            for f in fields(kind):
                homes[f.name] = group
                hint = _titled(hints[f.name], getattr(kind, "title", None))
                parameters.append(_parameter(f.name, f.default, hint))

        def call(**values: Any) -> None:
            gathered: dict[str, dict[str, Any]] = {group: {} for group in groups}
            rest: dict[str, Any] = {}
            for name, value in values.items():
                target = gathered[homes[name]] if name in homes else rest
                target[name] = value
            made = {group: kind(**gathered[group]) for group, kind in groups.items()}
            exit_with(lambda: command(**made, **rest), verbose=bool(values.get("verbose")))

        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        call.__annotations__ = {p.name: p.annotation for p in parameters}
        call.__doc__, call.__name__ = command.__doc__, command.__name__
        return call

    return wrap


def _titled(hint: Any, title: str | None) -> Any:
    """An option's annotation, under that heading of the help."""
    (declared,) = hint.__metadata__
    if isinstance(declared, OptionInfo):
        declared = copy(declared)
        declared.rich_help_panel = title
    return Annotated[hint.__origin__, declared]


def _parameter(name: str, default: object, hint: object) -> inspect.Parameter:
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=default, annotation=hint)


def numbers(option: str, text: str, form: str) -> tuple[float, float]:
    """The two numbers of an option's value ``A,B``.

    Raises:
        UsageError: anything but two finite numbers.
    """
    try:
        first, second = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"{option} {text}: give two numbers {form}") from None
    if not (isfinite(first) and isfinite(second)):
        raise UsageError(f"{option} {text}: give two finite numbers {form}")
    return first, second


def format_names(given: Sequence[str], known: Iterable[str]) -> list[str]:
    """The formats of --format, comma-separated or repeated, each once.

    Raises:
        UsageError: one is unknown.
    """
    names = [name.strip() for part in given for name in part.split(",")]
    for name in names:
        if name not in known:
            raise UsageError(f"--format {name!r}: choose from {', '.join(known)}")
    return list(dict.fromkeys(names))
