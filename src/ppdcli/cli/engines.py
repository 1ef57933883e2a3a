"""What carries out a job: this process, worker processes, or Ray; and what reports it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

from ppdcli.cli.report import report
from ppdcli.cli.watch import check_watch, keep_watching
from ppdcli.errors import UsageError

if TYPE_CHECKING:
    from ppdcli.cli.job_options import JobOptions
    from ppdcli.cli.options import InputOptions, OutputOptions
    from ppdcli.cli.recipe import Recipe
    from ppdcli.jobs.inputs import Found
    from ppdcli.jobs.plan import Format, Task
    from ppdcli.jobs.work import Result


def run_job(
    source: InputOptions,
    recipes: Sequence[Recipe],
    formats: Sequence[Format],
    endings: Sequence[str],
    pixel_bytes: int,
    out: OutputOptions,
    job: JobOptions,
    of_one: Sequence[str] = (),
) -> int:
    """Finds the images, works through them and reports: the exit code.

    Args:
        recipes: one for each worker process.
        endings: of results, as for ``jobs.inputs.discover``.
        pixel_bytes: as for ``jobs.run.run``.
        of_one: options that were given and are of one image alone.

    Raises:
        PpdError: nothing to do, or the whole run cannot go on.
        UsageError: the options do not go together, or outputs clash.
    """
    check_watch(source, out, job)
    if job.watch and of_one:
        raise UsageError(f"{of_one[0]} is of one image; leave out --watch")
    named = source.all()
    found, tasks = _find_tasks(named, formats, endings, out, job)
    if of_one and len(found.inputs) != 1:
        raise UsageError(f"{of_one[0]} is of one image; {len(found.inputs)} are given")
    if job.watch:
        prepare, settings = recipes[0].prepare, recipes[0].settings
        keep_watching(named, endings, formats, prepare, settings, pixel_bytes, out)
    results = _carry_out(tasks, recipes, formats, pixel_bytes, out, job)
    return report(results, len(tasks), found, out, job.share)


def _find_tasks(
    named: Sequence[str],
    formats: Sequence[Format],
    endings: Sequence[str],
    out: OutputOptions,
    job: JobOptions,
) -> tuple[Found, list[Task]]:
    """The images that the inputs name, and this run's share of them with their outputs."""
    from ppdcli.jobs.plan import share

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
    tasks: Sequence[Task],
    recipes: Sequence[Recipe],
    formats: Sequence[Format],
    pixel_bytes: int,
    out: OutputOptions,
    job: JobOptions,
) -> Generator[Result, None, None]:
    """One result a task, in order."""
    if job.engine is None:
        from ppdcli.jobs.workers import run_in_workers

        return run_in_workers(tasks, recipes, formats, out.overwrite, pixel_bytes)
    from ppdcli.jobs.ray.driver import run_on_ray

    on_cpu = recipes[0].model.device == "cpu"
    return run_on_ray(
        tasks, recipes[0], formats, out.overwrite, pixel_bytes, out.output, job.workers, on_cpu
    )
