"""``--watch``: a command that goes on with what arrives, until Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from ppdcli.cli.exits import say
from ppdcli.cli.report import report
from ppdcli.errors import UsageError

if TYPE_CHECKING:
    from ppdcli.cli.job_options import JobOptions
    from ppdcli.cli.options import InputOptions, OutputOptions
    from ppdcli.jobs.journal_entries import Settings
    from ppdcli.jobs.plan import Format, Task
    from ppdcli.jobs.todo import SettingsOf
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


def keep_watching(
    named: Sequence[str],
    endings: Sequence[str],
    formats: Sequence[Format],
    prepare: Callable[[], Work],
    settings: SettingsOf,
    pixel_bytes: int,
    out: OutputOptions,
) -> NoReturn:
    """Works through what is there and what arrives; the model is loaded once.

    Args:
        named: the inputs as the user gave them.
        endings: of results, as for ``jobs.inputs.discover``.
        formats, prepare, settings, pixel_bytes: as for ``jobs.run.run``.

    Raises:
        PpdError: the whole run cannot go on.
        KeyboardInterrupt: Ctrl-C, the way to end it.
    """
    from ppdcli.jobs.inputs import Found, discover
    from ppdcli.jobs.plan import plan
    from ppdcli.jobs.run import run
    from ppdcli.jobs.watch import Watch

    kept = _Kept(prepare, settings)

    def work_through(tasks: Sequence[Task], again: bool) -> Results:
        overwrite = again or out.overwrite
        return run(tasks, kept.work, formats, overwrite, kept.settings_now, pixel_bytes)

    if not out.quiet:
        say(f"watching {', '.join(named)}; Ctrl-C ends it")
    rounds = Watch(
        find=lambda: discover(named, out.path, endings, watched=True).inputs,
        plan=lambda inputs: plan(inputs, formats, out.path),
        run=work_through,
    ).rounds()
    while True:
        count, results = next(rounds)
        report(results, count, Found(), out)


@dataclass
class _Kept:
    """The work, once it is prepared, and the settings that it was prepared with.

    Files that settings are told by, such as a checkpoint, may change later; the work does not.
    """

    prepare: Callable[[], Work]
    settings: SettingsOf
    _work: Work | None = None
    _settings: Mapping[str, Settings] | None = None

    def work(self) -> Work:
        if self._work is None:
            self._work = self.prepare()
            self._settings = self.settings()
        return self._work

    def settings_now(self) -> Mapping[str, Settings]:
        return self.settings() if self._settings is None else self._settings
