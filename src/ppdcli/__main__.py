"""``python -m ppdcli`` and the ``ppd`` script."""

import atexit
import os
import sys


def main() -> None:
    """Runs the program and ends the process."""
    codes: list[object] = []
    atexit.register(_end_at_once, codes)  # the first to be registered, so the last to be called
    try:
        run()
    except SystemExit as end:
        codes.append(end.code)
        raise


def run() -> None:
    """Runs the program; Ctrl-C while it is being loaded is no traceback.

    Raises:
        SystemExit: Always, with the exit code.
    """
    try:
        from ppdcli.cli.app import main as program  # typer
    except KeyboardInterrupt:
        sys.exit(130)
    program()


def _end_at_once(codes: list[object]) -> None:
    """Ends the process before Python takes PyTorch apart, which takes 0.4 seconds."""
    code = codes[0] if codes else None
    if "torch" not in sys.modules or not isinstance(code, int):
        return
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except (OSError, ValueError):
        return  # Python says what is wrong with the stream
    os._exit(code)


if __name__ == "__main__":
    main()
