"""Averages the encoders of two models, of which one was trained on from the other.

``python -m studies.average_models FIRST SECOND -o FILE [--share 0.85] [--time-shift 0.07]``
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save

from ppdcli.checkpoints.builders import TINY_ENCODER_PREFIX
from ppdcli.errors import CheckpointError, PpdError
from ppdcli.files.atomic import atomic_path


def average(first: Path, second: Path, share: float, time_shift: float | None) -> bytes:
    """Returns the second model with an encoder of which ``share`` is its own, the rest the first's.

    Args:
        first, second: model files with the same tensors.
        share: from 0 to 1.
        time_shift: of the sampler's timesteps; None: as the second file says.

    Raises:
        CheckpointError: the files hold different tensors.
    """
    before, after = load_file(first), load_file(second)
    if {k: v.shape for k, v in before.items()} != {k: v.shape for k, v in after.items()}:
        raise CheckpointError(f"{second}: holds other tensors than {first}; give two versions")
    for name, value in after.items():
        if name.startswith(TINY_ENCODER_PREFIX):
            after[name] = torch.lerp(before[name].float(), value.float(), share).to(value.dtype)
    with safe_open(second, "pt") as file:
        header = dict(file.metadata())
    if time_shift is not None:
        header["network"] = json.dumps(json.loads(header["network"]) | {"time_shift": time_shift})
    return save(after, metadata=header)


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
