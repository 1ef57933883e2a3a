"""Processes with as many threads as this one: PyTorch's sums depend in their last bit on that."""

from __future__ import annotations

import torch


def as_many_threads() -> dict[str, str]:
    """What to add to the environment of a process whose files are compared with this one's."""
    return {"OMP_NUM_THREADS": str(torch.get_num_threads())}
