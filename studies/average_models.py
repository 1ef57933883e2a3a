"""Averages the weights of two models, of which one was trained on from the other.

``python -m studies.average_models FIRST SECOND -o FILE [--share 0.85] [--time-shift 0.05]``
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save

from ppdcli.errors import CheckpointError, PpdError
from ppdcli.files.atomic import atomic_path


def average(first: Path, second: Path, share: float, time_shift: float | None) -> bytes:
    """Returns a model file: ``share`` of the second file's weights and the rest of the first's.

    Args:
        first, second: model files with the same tensors; the header is that of the second.
        share: from 0 to 1.
        time_shift: of the sampler's timesteps; None: as the second file says.

    Raises:
        CheckpointError: the files hold different tensors.
    """
    before, after = load_file(first), load_file(second)
    if {k: v.shape for k, v in before.items()} != {k: v.shape for k, v in after.items()}:
        raise CheckpointError(f"{second}: holds other tensors than {first}; give two versions")
    mixed = {
        name: torch.lerp(before[name].float(), after[name].float(), share).to(after[name].dtype)
        for name in after
    }
    with safe_open(second, "pt") as file:
        header = dict(file.metadata())
    if time_shift is not None:
        header["network"] = json.dumps(json.loads(header["network"]) | {"time_shift": time_shift})
    return save(mixed, metadata=header)


def main() -> int:
    """Writes the averaged model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.85)
    parser.add_argument("--time-shift", type=float)
    arguments = parser.parse_args()
    try:
        model = average(arguments.first, arguments.second, arguments.share, arguments.time_shift)
        with atomic_path(arguments.output) as temporary:
            temporary.write_bytes(model)
    except PpdError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
