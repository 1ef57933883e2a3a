"""How a command ends: its exit code, and one line for what went wrong."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

import typer

from ppdcli.errors import PpdError, UsageError, not_installed, shown
from ppdcli.wording import wrapped

ALL_DONE, RUN_FAILED, WRONG_USAGE, SOME_FAILED, INTERRUPTED = 0, 1, 2, 3, 130
LONGEST_LINE = 20_000  # characters: a few paths of 4096


def say(line: str) -> None:
    """One line for the user, on stderr, whatever foreign text is in it."""
    if sys.stderr is not None:
        # In one piece: Ctrl-C between a line and its end would glue the next one to it.
        sys.stderr.write(shown(line, LONGEST_LINE) + "\n")
        sys.stderr.flush()


def say_wrapped(text: str) -> None:
    """A paragraph for the user on stderr, which a terminal need not break inside a word."""
    for line in wrapped(text, terminal_width(sys.stderr)).split("\n"):
        say(line)


def terminal_width(stream: TextIO | None) -> int | None:
    """Characters of a line if the stream is a terminal, else None."""
    here = stream is not None and stream.isatty()
    return shutil.get_terminal_size().columns if here else None


def exit_with(command: Callable[[], int], verbose: bool) -> None:
    """Runs a command and leaves with its exit code; errors become one line.

    Raises:
        typer.Exit: always, with the code.
    """
    _fill_closed_streams()
    try:
        code = command()
    except KeyboardInterrupt:
        say("interrupted; what is finished is kept")
        code = INTERRUPTED
    except Exception as error:
        if verbose:
            traceback.print_exc()
        if isinstance(error, PpdError):
            say(f"error: {error}")
        elif isinstance(error, ModuleNotFoundError):
            say(f"error: {not_installed(error)}")
        elif not verbose:
            cause = " ".join(str(error).split())
            say(f"error: unexpected {type(error).__name__}: {cause}; -v says more")
        code = WRONG_USAGE if isinstance(error, UsageError) else RUN_FAILED
    from ppdcli.pipeline import threads_are_busy

    if threads_are_busy():
        atexit.register(_end_at_once, code)
    raise typer.Exit(code)


def _fill_closed_streams() -> None:
    """Takes the place of streams that the caller has closed, as ``2>&-`` does.

    Else a file that is opened would get it, and what libraries print would go there. What goes to
    stderr is lost, as was wished; stdout stays None.
    """
    for name, mode in (("stdin", "r"), ("stdout", None), ("stderr", "w")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            if mode is not None:
                setattr(sys, name, os.fdopen(descriptor, mode))


def _end_at_once(code: int) -> None:
    """Ends the process before Python ends its threads, which C++ libraries take for a crash."""
    from ppdcli.pipeline import threads_are_busy

    if threads_are_busy():
        with suppress(OSError):
            sys.stdout.flush()
        os._exit(code)
