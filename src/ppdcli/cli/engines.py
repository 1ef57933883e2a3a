"""What carries out a job: this process, worker processes, or Ray."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

from ppdcli.errors import UsageError

if TYPE_CHECKING:
    from ppdcli.cli.options import JobOptions, OutputOptions, Recipe
    from ppdcli.jobs.inputs import Found
    from ppdcli.jobs.plan import Format, Task
    from ppdcli.jobs.run import Result


def find_tasks(
    named: Sequence[str],
    formats: Sequence[Format],
    endings: Sequence[str],
    out: OutputOptions,
    job: JobOptions,
) -> tuple[Found, list[Task]]:
    """The images that the inputs name, and this run's share of them with their outputs.

    Raises:
        PpdError: nothing to do.
        UsageError: outputs clash, or a URL is named that only Ray would take.
    """
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
    from ppdcli.jobs import ray_engine

    ray_engine.check_ray()
    found = ray_engine.discover(named, out.output, endings)
    return found, share(ray_engine.plan_outputs(found.inputs, formats, out.output), job.share)


def carry_out(
    tasks: Sequence[Task],
    recipes: Sequence[Recipe],
    formats: Sequence[Format],
    pixel_bytes: int,
    out: OutputOptions,
    job: JobOptions,
) -> Generator[Result, None, None]:
    """One result a task, in order; ``recipes`` are one for each worker process.

    Raises:
        PpdError: the whole run cannot go on.
    """
    if job.engine is None:
        from ppdcli.jobs.workers import run_in_workers

        return run_in_workers(tasks, recipes, formats, out.overwrite, pixel_bytes)
    from ppdcli.jobs.ray_engine import run_on_ray

    on_cpu = recipes[0].model.device == "cpu"
    return run_on_ray(
        tasks, recipes[0], formats, out.overwrite, pixel_bytes, out.output, job.workers, on_cpu
    )
