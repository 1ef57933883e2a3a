"""What carries out a job: this process, worker processes, or Ray; and what reports it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from ppdcli.cli.report import report
from ppdcli.cli.watch import check_watch, keep_watching
from ppdcli.errors import UsageError
from ppdcli.files.formats import own_endings

if TYPE_CHECKING:
    from ppdcli.cli.job_options import JobOptions
    from ppdcli.cli.options import InputOptions, OutputOptions
    from ppdcli.commands.request import PhotoRequest
    from ppdcli.jobs.inputs import Found
    from ppdcli.jobs.plan import Format, Task
    from ppdcli.jobs.work import Result


def run_job(
    request: PhotoRequest,
    source: InputOptions,
    out: OutputOptions,
    job: JobOptions,
    of_one: Sequence[str] = (),
    seen: Callable[[Result], None] = lambda result: None,
) -> int:
    """Finds the images, works through them and reports: the exit code.

    Args:
        request: what to make of them.
        source, out, job: which images, where the results go, and how the work is shared.
        of_one: options that were given and are of one image alone.
        seen: called with each result.

    Raises:
        PpdError: nothing to do, or the whole run cannot go on.
        UsageError: the options do not go together, or outputs clash.
    """
    check_watch(source, out, job)
    if job.watch and of_one:
        raise UsageError(f"{of_one[0]} is of one image; leave out --watch")
    named = source.all()
    found, tasks = _find_tasks(named, request.formats, out, job)
    if of_one and len(found.inputs) != 1:
        raise UsageError(f"{of_one[0]} is of one image; {len(found.inputs)} are given")
    if job.watch:
        keep_watching(named, request.orders()[0], out)
    results = _shown_to(seen, _carry_out(tasks, request, out, job))
    return report(results, len(tasks), found, out, job.share)


def _shown_to(
    seen: Callable[[Result], None], results: Generator[Result, None, None]
) -> Generator[Result, None, None]:
    with closing(results):
        for result in results:
            seen(result)
            yield result


def _find_tasks(
    named: Sequence[str], formats: Sequence[Format], out: OutputOptions, job: JobOptions
) -> tuple[Found, list[Task]]:
    """The images that the inputs name, and this run's share of them with their outputs."""
    from ppdcli.jobs.plan import share

    endings = own_endings()
    if job.engine is None:
        from ppdcli.jobs.inputs import discover
        from ppdcli.jobs.plan import plan

        for name in (*named, out.output):
            if "://" in name:
                raise UsageError(f"{name}: is a URL; add --engine ray, or give a path")
        found = discover(named, out.path, endings, job.watch)
        return found, share(plan(found.inputs, formats, out.path), job.share)
    if out.path is None:
        raise UsageError("--engine ray writes no stdout; give --output a folder or a URL")
    from ppdcli.jobs.ray import planning

    planning.check_ray()
    found = planning.discover(named, out.output, endings)
    return found, share(planning.plan_outputs(found.inputs, formats, out.output), job.share)


def _carry_out(
    tasks: Sequence[Task], request: PhotoRequest, out: OutputOptions, job: JobOptions
) -> Generator[Result, None, None]:
    """One result a task, in order."""
    orders = request.orders()
    if job.engine is None:
        from ppdcli.jobs.workers import run_in_workers

        return run_in_workers(tasks, orders)
    from ppdcli.jobs.ray.driver import run_on_ray

    return run_on_ray(tasks, orders[0], out.output, job.workers, request.model.device == "cpu")
