"""The program's version, kept apart so that `ppd --version` reads nothing else."""

__version__ = "0.1.0"
