"""Checks the files of weights that the user names, before anything heavy is imported."""

from __future__ import annotations

from pathlib import Path

from ppdcli.errors import CheckpointError
from ppdcli.files.foreign import reason, require_regular


def require_file(path: Path) -> None:
    """Requires that a checkpoint exists and is a regular file.

    Raises:
        CheckpointError: it is missing, or is a folder, a pipe or the like.
    """
    try:
        require_regular(path)
    except OSError as error:
        why = reason(error, "give a file of weights", "check the path, or see `ppd weights`")
        raise CheckpointError(f"{path}: {why}") from error
