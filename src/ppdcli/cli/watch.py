"""``--watch``: a command that goes on with what arrives, until Ctrl-C."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from ppdcli.cli.exits import say
from ppdcli.cli.report import report
from ppdcli.errors import UsageError
from ppdcli.files.formats import own_endings

if TYPE_CHECKING:
    from ppdcli.cli.job_options import JobOptions
    from ppdcli.cli.options import InputOptions, OutputOptions
    from ppdcli.jobs.journal_entries import Settings
    from ppdcli.jobs.order import Order
    from ppdcli.jobs.plan import Task
    from ppdcli.jobs.watch import Results
    from ppdcli.jobs.work import Work


def check_watch(source: InputOptions, out: OutputOptions, job: JobOptions) -> None:
    """Finds mistakes before any work starts, where ``--watch`` is asked for.

    Raises:
        UsageError: nothing can arrive among the inputs, the output takes one photo only, or an
            option does not go with it.
    """
    from ppdcli.files.source import is_dir
    from ppdcli.jobs.input_list import STDIN
    from ppdcli.jobs.inputs import is_pattern
    from ppdcli.jobs.plan import FILE_SUFFIXES

    if not job.watch:
        return
    named = source.inputs or []
    if source.from_file is not None or STDIN in named:
        raise UsageError("--watch looks at folders, not at stdin or a list; name the folders")
    if not any(is_dir(Path(name)) or is_pattern(name) for name in named):
        raise UsageError("--watch needs a folder or a pattern in quotes among the inputs")
    if job.shard is not None:
        raise UsageError("--watch takes no --shard; give each process folders of its own")
    if out.path is None or (out.path.suffix.lower() in FILE_SUFFIXES and not is_dir(out.path)):
        raise UsageError(f"--watch writes many files, not {out.output}; give --output a folder")


def keep_watching(named: Sequence[str], order: Order, out: OutputOptions) -> NoReturn:
    """Works through what is there and what arrives; the model is loaded once.

    Args:
        named: the inputs as the user gave them.
        order: what to make of each photo.
        out: where results go.

    Raises:
        PpdError: the whole run cannot go on.
        KeyboardInterrupt: Ctrl-C, the way to end it.
    """
    from ppdcli.jobs.inputs import Found, discover
    from ppdcli.jobs.plan import plan
    from ppdcli.jobs.run import run
    from ppdcli.jobs.watch import Watch

    kept = _Kept(order)
    lasting = replace(order, prepare=kept.work, settings=kept.settings_now)

    def work_through(tasks: Sequence[Task], again: bool) -> Results:
        return run(tasks, replace(lasting, overwrite=again or order.overwrite))

    if not out.quiet:
        say(f"watching {', '.join(named)}; Ctrl-C ends it")
    rounds = Watch(
        find=lambda: discover(named, out.path, own_endings(), watched=True).inputs,
        plan=lambda inputs: plan(inputs, order.formats, out.path),
        run=work_through,
    ).rounds()
    while True:
        count, results = next(rounds)
        report(results, count, Found(), out)


@dataclass
class _Kept:
    """The work, once it is prepared, and the settings that it was prepared with.

    Files that settings depend on, such as a checkpoint, may change later; the work does not.
    """

    order: Order
    _work: Work | None = None
    _settings: Mapping[str, Settings] | None = None

    def work(self) -> Work:
        if self._work is None:
            self._work = self.order.prepare()
            self._settings = self.order.settings()
        return self._work

    def settings_now(self) -> Mapping[str, Settings]:
        return self.order.settings() if self._settings is None else self._settings
