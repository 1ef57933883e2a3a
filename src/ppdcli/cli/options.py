"""Options that commands share, each defined once as a field of a group."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from ppdcli.errors import UsageError
from ppdcli.model_request import ONNX, PYTORCH, ModelRequest, Sampling, check_backend


@dataclass(frozen=True)
class InputOptions:
    """Which images."""

    title: ClassVar[str] = "Input"

    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT...",
            help="Image files, folders or patterns. - reads one image from stdin.",
        ),
    ] = None
    from_file: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Read the paths of images from FILE, one a line or separated by NUL. - is stdin.",
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

    title: ClassVar[str] = "Model"

    model: Annotated[
        str,
        typer.Option(
            "-m",
            "--model",
            metavar="NAME",
            help="Which model. auto takes the best one on this machine.",
        ),
    ] = "auto"
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Use this file for the model's network. With --backend onnx: the folder that "
            "`ppd export` wrote.",
        ),
    ] = None
    encoder: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Use this file for the model's encoder.")
    ] = None
    backend: Annotated[
        str,
        typer.Option(
            help="What runs the network: pytorch; or onnx, without PyTorch (see --checkpoint)."
        ),
    ] = PYTORCH
    device: Annotated[
        str, typer.Option(help="Where to compute: auto, cpu, cuda, cuda:1 or mps.")
    ] = "auto"
    precision: Annotated[str, typer.Option(help="Number format: auto, fp32, bf16 or fp16.")] = (
        "auto"
    )
    steps: Annotated[
        int | None,
        typer.Option(
            min=1, max=1000, help="How many sampling steps to take.", show_default="the model's, 4"
        ),
    ] = None
    preset: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="draft, standard or best: sets the steps."),
    ] = None
    seed: Annotated[
        int,
        typer.Option(min=0, help="Seed of the noise. The same seed gives the same depth."),
    ] = 0
    size: Annotated[
        str | None,
        typer.Option(
            metavar="WxH",
            help="Compute with this many pixels. The photo keeps its proportions. Fewer pixels are "
            "faster.",
            show_default="the model's training area",
        ),
    ] = None
    compile_: Annotated[
        bool,
        typer.Option(
            "--compile", help="Compile the model first. This is for many images: it takes a minute."
        ),
    ] = False
    offline: Annotated[
        bool, typer.Option("--offline", help="Do not use the network connection.")
    ] = False

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

        check_backend(self.backend)
        check_names(self.device, self.precision)
        if self.backend == ONNX:
            self.request()
        else:
            check_request(self.model, self.checkpoint, self.encoder)
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
        if self.backend == ONNX:
            from ppdcli.exported import checked_card

            return checked_card(self.request()).preset(self.preset)
        from ppdcli.checkpoints import catalog, hub
        from ppdcli.checkpoints.catalog_rows import PRESETS

        if self.preset not in PRESETS:
            raise UsageError(f"--preset {self.preset}: choose from {', '.join(PRESETS)}")
        return catalog.model(hub.choose(self.model)).preset(self.preset)

    def request(self, metric: bool | None = False) -> ModelRequest:
        """Which model, and how it runs.

        Args:
            metric: with MoGe-2; None: if that is on this machine.

        Raises:
            UsageError: the backend cannot do it.
            CheckpointError: the exported folder is missing or damaged.
        """
        request = ModelRequest(
            self.model,
            self.checkpoint,
            self.encoder,
            self.device,
            self.precision,
            self.compile_,
            self.offline,
            metric,
            self.backend,
        )
        if self.backend == ONNX:
            from ppdcli.exported import checked_card, without_estimator

            request = without_estimator(request)
            checked_card(request)
        return request

    def sampling(self) -> Sampling:
        """How depth is sampled.

        Raises:
            UsageError: an unknown preset, or a size that is none.
        """
        return Sampling(self.number_of_steps(), self.seed, self.area)


@dataclass(frozen=True)
class OutputOptions:
    """Where results go and what is said about them."""

    title: ClassVar[str] = "Output"

    output: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            metavar="PATH",
            help="Folder for the results; or a file, if there is one result. - is stdout (photos).",
        ),
    ] = "ppd-out"
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Make everything again, and replace files that ppd did not make."
        ),
    ] = False
    json_lines: Annotated[
        bool,
        typer.Option(
            "--json", help="Print one JSON object for each input on stdout, and nothing else."
        ),
    ] = False
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print only failures.")] = False
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Print details: skipped files and tracebacks.")
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
