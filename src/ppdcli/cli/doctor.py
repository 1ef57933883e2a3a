"""``ppd doctor``: what this machine has for the program."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ppdcli.cli.exits import ALL_DONE, RUN_FAILED, terminal_width
from ppdcli.cli.groups import takes
from ppdcli.wording import counted, wrapped


@takes()
def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Do not contact the Hub.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Print tracebacks.")] = False,
) -> int:
    """Check this machine: device, precision, libraries, cache, connection to the Hub."""
    from ppdcli.commands.doctor import examine

    troubles, width = 0, terminal_width(sys.stdout)
    for finding in examine(offline):
        troubles += finding.trouble
        head = f"{'!' if finding.trouble else ' '} {finding.topic:<10} "
        print(wrapped(finding.text, width, head, " " * len(head)), flush=True)
    print("all is well" if not troubles else f"{counted(troubles, 'line')} marked ! to look at")
    return RUN_FAILED if troubles else ALL_DONE
