"""Options that commands share, each defined once as a field of a group."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self, get_type_hints

import typer

from ppdcli.cli.report import exit_with, say
from ppdcli.errors import UsageError

if TYPE_CHECKING:
    from ppdcli.jobs.run import Work
    from ppdcli.metric import Estimator
    from ppdcli.predictor import Predictor


@dataclass(frozen=True)
class InputOptions:
    """Which images."""

    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT...", help="Files, folders, patterns; - is one image from stdin."
        ),
    ] = None
    from_file: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="FILE", help="Read paths from FILE (-: stdin), a line or NUL each."
        ),
    ] = None

    def all(self) -> list[str]:
        """Every input named, on the command line and in the list.

        Raises:
            UsageError: none is, one is empty, the list cannot be read, or stdin is asked for twice.
        """
        from ppdcli.jobs.inputs import STDIN, read_list

        named = list(self.inputs or [])
        if self.from_file is None and not named:
            raise UsageError("no INPUT; name images, folders or -, or give a list with --from")
        if "" in named:
            raise UsageError("an INPUT is empty; name images, folders or - (. is this folder)")
        named += read_list(self.from_file) if self.from_file is not None else []
        if self.from_file == STDIN and STDIN in named:
            raise UsageError("stdin (-) is the list of inputs and an input; give one in a file")
        return named


@dataclass(frozen=True)
class ModelOptions:
    """Which model, and how it runs."""

    model: Annotated[
        str, typer.Option("-m", "--model", metavar="NAME", help="Model; auto: the best one here.")
    ] = "auto"
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Use this file as the model's network.")
    ] = None
    encoder: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Use this file as its semantics encoder.")
    ] = None
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto"
    precision: Annotated[str, typer.Option(help="auto, fp32, bf16, fp16.")] = "auto"
    steps: Annotated[
        int | None,
        typer.Option(min=1, max=1000, help="Sampling steps.", show_default="the model's, 4"),
    ] = None
    preset: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Instead of --steps: draft, standard, best."),
    ] = None
    seed: Annotated[
        int,
        typer.Option(min=0, help="Sampling starts from noise: the same seed gives the same depth."),
    ] = 0
    size: Annotated[
        str | None,
        typer.Option(
            metavar="WxH",
            help="Work on that many pixels, in the photo's proportions: less is faster.",
            show_default="the model's training area",
        ),
    ] = None
    compile_: Annotated[
        bool, typer.Option("--compile", help="Compile the model first: for many images.")
    ] = False
    offline: Annotated[bool, typer.Option("--offline", help="Never use the network.")] = False

    @property
    def area(self) -> int | None:
        """Pixels to work on, None for the model's own.

        Raises:
            UsageError: not WxH.
        """
        if self.size is None:
            return None
        width, _, height = self.size.lower().partition("x")
        if not (width.isdecimal() and height.isdecimal() and int(width) * int(height) > 0):
            raise UsageError(f"--size {self.size}: give WIDTHxHEIGHT in pixels, such as 1024x768")
        return int(width) * int(height)

    def check(self) -> None:
        """Finds mistakes before any work starts; imports nothing heavy.

        Raises:
            UsageError: an unknown model, device or precision, a seed out of range, or a file that
                the model has no place for.
        """
        from ppdcli.checkpoints.catalog import check_request
        from ppdcli.devices import check_names

        check_request(self.model, self.checkpoint, self.encoder)
        check_names(self.device, self.precision)
        if self.preset is not None and self.steps is not None:
            raise UsageError("--preset and --steps both set the steps; give one of them")
        self.number_of_steps()
        if self.seed >= 1 << 64:
            raise UsageError(f"--seed {self.seed}: give a number below 2**64")

    def number_of_steps(self) -> int | None:
        """Sampling steps, None for the model's own.

        Raises:
            UsageError: an unknown preset.
        """
        if self.preset is None:
            return self.steps
        from ppdcli.checkpoints import catalog, hub

        return catalog.model(hub.choose(self.model)).preset(self.preset)

    def settings(self, metric: bool | None = False) -> dict[str, Any]:
        """What a prediction depends on, for the journal of an output folder."""
        from ppdcli.jobs.settings import model_settings

        return model_settings(
            self.model,
            self.checkpoint,
            self.encoder,
            self.device,
            self.precision,
            self.number_of_steps(),
            self.seed,
            self.area,
            metric,
            self.compile_,
        )

    def load(self, quiet: bool, metric: bool | None = False) -> Predictor:
        """The model, ready; says on stderr which one and how it runs, unless ``quiet``.

        ``metric``: with MoGe-2; None if that is on this machine.
        """
        from ppdcli.loading import load  # torch

        return load(
            self.model,
            checkpoint=self.checkpoint,
            encoder=self.encoder,
            device=self.device,
            precision=self.precision,
            offline=self.offline,
            metric=metric,
            compiled=self.compile_,
            announce=(lambda line: None) if quiet else say,
        )

    def load_estimator(self, quiet: bool, metric: bool | None) -> Estimator | None:
        """MoGe-2 alone, where depth is not predicted; ``metric`` as for ``load``."""
        from ppdcli.loading import load_estimator  # torch

        return load_estimator(
            self.model,
            encoder=self.encoder,
            device=self.device,
            precision=self.precision,
            offline=self.offline,
            metric=metric,
            announce=(lambda line: None) if quiet else say,
        )


@dataclass(frozen=True)
class MetricOptions:
    """Whether depth is in metres."""

    metric: Annotated[
        bool, typer.Option("--metric", help="Metres, by MoGe-2 (1.3 GB, downloaded once).")
    ] = False
    keep_sky: Annotated[
        bool, typer.Option("--keep-sky", help="With --metric: depth in the sky too.")
    ] = False

    def check(self) -> None:
        """Finds mistakes before any work starts.

        Raises:
            UsageError: an option that has nothing to act on.
        """
        if self.keep_sky and not self.metric:
            raise UsageError("--keep-sky needs --metric; relative depth has the sky anyway")


@dataclass(frozen=True)
class OutputOptions:
    """Where results go and what is said about them."""

    output: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            metavar="PATH",
            help="Folder; or a file for one output, always written; - is stdout.",
        ),
    ] = "ppd-out"
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Redo everything, and replace files that ppd did not make."
        ),
    ] = False
    json_lines: Annotated[
        bool, typer.Option("--json", help="One JSON object per input on stdout, nothing else.")
    ] = False
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say only what fails.")] = False
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show tracebacks.")] = False

    @property
    def path(self) -> Path | None:
        """The output folder or file, None for stdout.

        Raises:
            UsageError: stdout is to take the JSON lines as well, or there is no path.
        """
        if not self.output:
            raise UsageError("--output is empty; name a folder, a file or -")
        if self.output != "-":
            return Path(self.output)
        if self.json_lines:
            raise UsageError("--json and --output - both want stdout; give --output a file")
        return None


@dataclass(frozen=True)
class JobOptions:
    """How many inputs are worked through."""

    batch: Annotated[
        str, typer.Option(metavar="N", help="Images per forward; no result depends on it.")
    ] = "auto"
    shard: Annotated[
        str | None,
        typer.Option(metavar="I/N", help="Do the I-th of N shares, such as 1/4, for job arrays."),
    ] = None
    devices: Annotated[
        str | None,
        typer.Option(metavar="LIST", help="Several, such as cuda:0,cuda:1: a process on each."),
    ] = None
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Processes to share the work.", show_default="one a device"
        ),
    ] = None
    engine: Annotated[
        str | None,
        typer.Option(metavar="ray", help="Work on Ray, paths may be URLs: s3://, gs:// ..."),
    ] = None
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on with what arrives in the folders, until Ctrl-C.")
    ] = False

    @property
    def photos(self) -> int | None:
        """Images per forward, None for what suits the device.

        Raises:
            UsageError: no number above 0.
        """
        if self.batch == "auto":
            return None
        if not (self.batch.isdecimal() and int(self.batch) > 0):
            raise UsageError(f"--batch {self.batch}: give a number above 0, or auto")
        return int(self.batch)

    @property
    def share(self) -> tuple[int, int] | None:
        """Which share of how many, counted from 1.

        Raises:
            UsageError: not I/N with 1 <= I <= N.
        """
        if self.shard is None:
            return None
        number, _, count = self.shard.partition("/")
        if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
            raise UsageError(f"--shard {self.shard}: give I/N with I from 1 to N, such as 1/4")
        return int(number), int(count)

    def places(self, device: str) -> list[str]:
        """The device of each process that is to work; one name: this process.

        Args:
            device: what --device says.

        Raises:
            UsageError: two options name the device, or one is unknown; devices of several kinds,
                whose outputs would differ; an unknown engine, or one that does not go with these;
                several processes for --watch.
        """
        from ppdcli.devices import check_names

        if self.engine is not None:
            self._check_engine(device)
            return [device]
        names = [device]
        if self.devices is not None:
            if device != "auto":
                raise UsageError("--device and --devices both name the device; give one")
            names = [name.strip() for name in self.devices.split(",")]
            for name in names:
                check_names(name, "auto")
            if len({name.partition(":")[0] for name in names}) > 1:
                raise UsageError(
                    f"--devices {self.devices}: name devices of one kind; outputs would depend on "
                    "which of them made them"
                )
        count = self.workers or len(names)
        if count > 1 and self.watch:
            raise UsageError("--watch works in one process; leave out --workers and --devices")
        return [names[k % len(names)] for k in range(count)]

    def _check_engine(self, device: str) -> None:
        if self.engine != "ray":
            raise UsageError(f"--engine {self.engine}: there is one, ray; leave it out for none")
        if self.devices is not None or ":" in device:
            raise UsageError("Ray chooses the devices; with --engine ray give --workers N")
        if self.watch:
            raise UsageError("--watch works in one process; leave out --engine")


@dataclass(frozen=True)
class Recipe(ABC):
    """What a command makes of photos, as a process of its own can be told.

    Attributes:
        quiet: say nothing of the model.
        devices: of all processes, which every one of them checks before it loads the model.
    """

    model: ModelOptions
    metres: MetricOptions
    quiet: bool
    devices: tuple[str, ...]

    @abstractmethod
    def prepare(self) -> Work:
        """Loads the model."""

    @abstractmethod
    def settings(self) -> dict[str, dict[str, Any]]:
        """What the files of each format depend on."""

    def for_each(self) -> list[Self]:
        """One a process; the first alone says which model it is."""
        return [
            replace(self, model=replace(self.model, device=device), quiet=self.quiet or number > 0)
            for number, device in enumerate(self.devices)
        ]

    def check_devices(self) -> None:
        """Finds a device that is not on this machine; imports PyTorch.

        Raises:
            UsageError: there is one.
        """
        from ppdcli.devices import choose_device  # torch

        for device in self.devices:
            choose_device(device)


def takes(**groups: type) -> Callable[[Callable[..., int]], Callable[..., None]]:
    """Gives a command the options of groups, and turns its result and errors into an exit code.

    ``@takes(model=ModelOptions)`` lets ``def command(model: ModelOptions, ...)`` be called by
    Typer with each of the group's fields as an option of its own.
    """

    def wrap(command: Callable[..., int]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True).parameters
        parameters, homes = [], {}
        for group, kind in groups.items():
            hints = get_type_hints(kind, include_extras=True)
            for f in fields(kind):
                homes[f.name] = group
                parameters.append(_parameter(f.name, f.default, hints[f.name]))
        parameters += [p.replace(kind=p.KEYWORD_ONLY) for n, p in own.items() if n not in groups]

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
