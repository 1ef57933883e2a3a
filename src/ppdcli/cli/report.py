"""What the user sees of a job: lines on stderr, JSON on stdout."""

from __future__ import annotations

import json
import sys
import traceback
from collections import Counter
from collections.abc import Generator
from contextlib import AbstractContextManager, closing, nullcontext
from typing import TYPE_CHECKING, Any

from ppdcli.cli.exits import ALL_DONE, SOME_FAILED, say
from ppdcli.progress import Progress, activity, progress

if TYPE_CHECKING:
    from ppdcli.cli.options import OutputOptions
    from ppdcli.jobs.inputs import Found
    from ppdcli.jobs.work import Result

MOST_REASONS = 3


def report(
    results: Generator[Result, None, None],
    total: int,
    found: Found,
    out: OutputOptions,
    share: tuple[int, int] | None = None,
) -> int:
    """Tells what became of each input as it happens; returns the exit code.

    Args:
        results: from ``jobs.run.run``, closed in the end whatever happens.
        total: how many there will be.
        share: the one of the inputs that these are, if they are not all.

    Raises:
        PpdError: stdout does not take the JSON lines.
    """
    from ppdcli.jobs.streams import write_stdout

    _tell_found(found, out)
    counts = {"done": 0, "skipped": 0, "failed": 0}
    again: Counter[str] = Counter()  # reason -> inputs
    with closing(results), _progress_of(total, out) as progressing:
        for result in results:
            counts[result.status] += 1
            if result.made_again is not None:
                again[result.made_again] += 1
            if out.json_lines:
                # ASCII, since a file name need not be valid text in stdout's encoding.
                write_stdout(
                    json.dumps(_as_json(result, found.photos_passed_over)).encode("ascii") + b"\n"
                )
            _tell(result, out)
            if progressing is not None:
                progressing.advance()
    if out.quiet:
        return SOME_FAILED if counts["failed"] else ALL_DONE
    if again:
        say(_made_again(again))
    if total != 1 or counts["skipped"] or found.passed_over:
        parts = [f"{n} {status}" for status, n in counts.items() if n]
        if not total:
            parts.append("nothing to do")
        if share is not None:
            parts.append("share {} of {}".format(*share))
        if found.passed_over:
            parts.append(
                f"{found.passed_over} passed over (no images, hidden, or links to folders)"
            )
        if parts:
            say(", ".join(parts))
    return SOME_FAILED if counts["failed"] else ALL_DONE


def _tell_found(found: Found, out: OutputOptions) -> None:
    if out.quiet:
        return
    for note in found.notes:
        say(note)
    if out.verbose:
        for name, why in found.others:
            say(f"passed over: {name}: {why}")


def _tell(result: Result, out: OutputOptions) -> None:
    if not out.quiet:
        for note in result.notes:
            say(note)
    if result.status == "failed":
        if out.verbose and result.cause is not None:
            traceback.print_exception(result.cause)
        say(f"failed: {result.error}")
    elif not out.quiet and (result.status == "done" or out.verbose):
        where = ", ".join(result.outputs)
        took = f" ({result.facts['timings']['total']:.2f} s)" if result.facts else ""
        say(f"{result.status}: {result.name} -> {where}{took}")


def _made_again(reasons: Counter[str]) -> str:
    """One line for all inputs whose outputs were there and have been made again."""
    told = [
        reason if len(reasons) == 1 else f"{reason} ({count})"
        for reason, count in reasons.most_common(MOST_REASONS)
    ]
    if len(reasons) > len(told):
        told.append(f"and {len(reasons) - len(told)} more")
    return f"{reasons.total()} made again: {'; '.join(told)}"


def _progress_of(total: int, out: OutputOptions) -> AbstractContextManager[Progress | None]:
    """A bar for many inputs, and for one a line that says what is happening."""
    if not total or not may_draw(out):
        return nullcontext()
    return activity("starting") if total == 1 else progress("items", total)


def may_draw(out: OutputOptions) -> bool:
    """Whether a bar is wanted, and nothing is printed that it would be mixed with."""
    json_here = out.json_lines and sys.stdout is not None and sys.stdout.isatty()
    return not out.quiet and not json_here


def _as_json(result: Result, passed_over: int) -> dict[str, Any]:
    """The same keys for every result; a value is None if it is not known.

    ``passed_over``: How many photos in the folders were passed over. Its key is there if any were.
    """
    return {
        "path": result.name,
        "outputs": result.outputs,
        "status": result.status,
        **dict.fromkeys(("model", "seed", "steps", "size", "unit", "timings")),
        **result.facts,
        **({"photos_passed_over": passed_over} if passed_over else {}),
        "error": result.error,
        "made_again": result.made_again,
    }
