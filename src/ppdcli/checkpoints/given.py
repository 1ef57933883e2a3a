"""Files of weights that the user names, looked at before anything heavy is imported."""

from __future__ import annotations

from pathlib import Path

from ppdcli.errors import CheckpointError
from ppdcli.files.foreign import require_regular


def require_file(path: Path) -> None:
    """Requires that a checkpoint is there, and a file.

    Raises:
        CheckpointError: it is missing, or a folder, a pipe or the like.
    """
    try:
        require_regular(path)
    except FileNotFoundError:
        raise CheckpointError(
            f"{path}: no such file; check the path, or see `ppd weights`"
        ) from None
    except OSError as error:
        raise CheckpointError(
            f"{path}: cannot be read as a checkpoint ({error.strerror}); give a file of weights"
        ) from error
