"""``python -m ppdcli`` and the ``ppd`` script."""

import sys


def main() -> None:
    """Runs the program; Ctrl-C while it is being loaded is no traceback."""
    try:
        from ppdcli.cli.app import main as program  # typer
    except KeyboardInterrupt:
        sys.exit(130)
    program()


if __name__ == "__main__":
    main()
