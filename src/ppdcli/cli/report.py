"""What the user sees: lines on stderr, JSON on stdout, exit codes."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import typer

from ppdcli.errors import InputError, PpdError, UsageError

if TYPE_CHECKING:
    from ppdcli.jobs.inputs import Found
    from ppdcli.jobs.run import Result

ALL_DONE, RUN_FAILED, WRONG_USAGE, SOME_FAILED, INTERRUPTED = 0, 1, 2, 3, 130


def say(line: str) -> None:
    """One line for the user, on stderr."""
    print(line, file=sys.stderr, flush=True)


def exit_with(command: Callable[[], int], verbose: bool) -> None:
    """Runs a command and leaves with its exit code; errors become one line.

    Raises:
        typer.Exit: always, with the code.
    """
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
        elif not verbose:
            say(f"error: unexpected {type(error).__name__}: {error}; -v says more")
        if isinstance(error, UsageError):
            code = WRONG_USAGE
        else:
            code = SOME_FAILED if isinstance(error, InputError) else RUN_FAILED
    raise typer.Exit(code)


def report(results: Iterable[Result], found: Found, json_lines: bool, quiet: bool) -> int:
    """Tells what became of each input as it happens; returns the exit code."""
    counts = {"done": 0, "skipped": 0, "failed": 0}
    for result in results:
        counts[result.status] += 1
        if json_lines:
            print(json.dumps(_as_json(result), ensure_ascii=False), flush=True)
        if result.status == "failed":
            say(f"failed: {result.error}")
        elif not quiet:
            where = ", ".join(result.outputs)
            took = f" ({result.facts['timings']['total']:.2f} s)" if result.facts else ""
            say(f"{result.status}: {result.name} -> {where}{took}")
    if not quiet and (sum(counts.values()) > 1 or found.passed_over):
        parts = [f"{n} {status}" for status, n in counts.items() if n]
        if found.passed_over:
            parts.append(f"{found.passed_over} passed over, no images by their names")
        say(", ".join(parts))
    return SOME_FAILED if counts["failed"] else ALL_DONE


def _as_json(result: Result) -> dict[str, Any]:
    return {
        "path": result.name,
        "outputs": result.outputs,
        "status": result.status,
        **result.facts,
        "error": result.error,
    }
