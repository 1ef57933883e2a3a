"""``ppd export``: a model as ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ppdcli.announce import silent
from ppdcli.cli.exits import ALL_DONE, say
from ppdcli.cli.groups import takes
from ppdcli.model_request import ModelRequest


@takes()
def export(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="Which model, such as ppd-tiny or ppd-da2.")
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="Write the files here.")
    ],
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Use this file for the model's network.")
    ] = None,
    encoder: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Use this file for the model's encoder.")
    ] = None,
    precision: Annotated[
        str, typer.Option(help="Number format: fp32; or fp16, for smaller files.")
    ] = "fp32",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier export in the folder.")
    ] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Do not use the network connection.")
    ] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print only failures.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Print tracebacks.")] = False,
) -> int:
    """Write a model as ONNX, and compare it with PyTorch."""
    from ppdcli.checkpoints.catalog import check_request
    from ppdcli.wording import size_in_words

    check_request(model, checkpoint, encoder)
    from ppdcli.commands import export as command

    request = ModelRequest(model, checkpoint, encoder, "cpu", "fp32", offline=offline)
    announce = silent if quiet else say
    done = command.export(request, output, overwrite, precision, announce)
    announce(
        f"{done.folder}: {size_in_words(done.bytes)}; onnxruntime differs from PyTorch by "
        f"{done.difference:.1e} of the depth's range at most"
    )
    return ALL_DONE
