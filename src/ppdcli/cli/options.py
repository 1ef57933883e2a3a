"""Options that commands share, each defined once as a field of a group."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ppdcli.cli.exits import say
from ppdcli.errors import UsageError

if TYPE_CHECKING:
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
        from ppdcli.jobs.input_list import STDIN, read_list

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
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Name files passed over; show tracebacks.")
    ] = False

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
