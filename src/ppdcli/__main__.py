"""``python -m ppdcli`` and the ``ppd`` script."""

from ppdcli.cli.app import main

if __name__ == "__main__":
    main()
