"""The state of a training on disk: whole or not at all, and checked when it is read again."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any, cast

import torch

from ppdcli.checkpoints.layouts import read_pickle
from ppdcli.errors import CheckpointError, UsageError
from ppdcli.files.atomic import atomic_path
from ppdcli.files.foreign import parse_json

KEPT = {
    "network": dict,
    "average": dict,
    "optimizer": dict,
    "done": int,
    "step": int,
    "reader": str,
}


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Writes beside and renames.

    Raises:
        OutputError: the file cannot be written; NoRoomError if the disk is full.
    """
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        try:
            torch.save(state, file)
        except RuntimeError as error:  # of torch's zip writer, after the stream has failed
            cause = error.__context__
            raise cause if isinstance(cause, OSError) else OSError(errno.EIO, str(error)) from error


def read_state(path: Path, samples: int) -> dict[str, Any]:
    """Reads what ``write_state`` wrote, to the CPU.

    Args:
        path: the file.
        samples: how many the stage has; no training has done more.

    Raises:
        UsageError: the file is damaged, or of something else.
    """
    try:
        state = read_pickle(path, mapped=False)
        if all(isinstance(state[key], kind) for key, kind in KEPT.items()):
            parse_json(state["reader"])
            if 0 <= state["done"] <= samples and 0 <= state["step"] < 1 << 40:
                return cast(dict[str, Any], state)
    except (CheckpointError, KeyError, TypeError, ValueError):
        pass
    raise damaged(path)


def damaged(path: Path) -> UsageError:
    """What to raise for a file that is no state of a training."""
    return UsageError(
        f"{path}: is no checkpoint of a training, or damaged; remove it to begin this stage "
        "anew, or choose another --output"
    )
