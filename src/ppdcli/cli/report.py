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
            cause = " ".join(str(error).split())
            say(f"error: unexpected {type(error).__name__}: {cause}; -v says more")
        if isinstance(error, UsageError):
            code = WRONG_USAGE
        else:
            code = SOME_FAILED if isinstance(error, InputError) else RUN_FAILED
    raise typer.Exit(code)


def report(
    results: Iterable[Result], found: Found, json_lines: bool, quiet: bool, verbose: bool
) -> int:
    """Tells what became of each input as it happens; returns the exit code.

    Raises:
        PpdError: stdout does not take the JSON lines.
    """
    from ppdcli.jobs.run import write_stdout

    counts = {"done": 0, "skipped": 0, "failed": 0}
    for result in results:
        counts[result.status] += 1
        if json_lines:
            # ASCII, since a file name need not be valid text in stdout's encoding.
            write_stdout(json.dumps(_as_json(result)).encode("ascii") + b"\n")
        if result.status == "failed":
            if verbose and result.cause is not None:
                traceback.print_exception(result.cause)
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
    """The same keys whatever became of the input, None where there is nothing to say."""
    return {
        "path": result.name,
        "outputs": result.outputs,
        "status": result.status,
        **dict.fromkeys(("model", "seed", "steps", "size", "unit", "timings")),
        **result.facts,
        "error": result.error,
    }
