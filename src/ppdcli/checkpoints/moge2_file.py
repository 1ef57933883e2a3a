"""Loads MoGe-2 files.

The authors save {'model_config': sizes, 'model': tensors} with ``torch.save``. The package's own
.safetensors files hold the same tensors, and the sizes as JSON in the header.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ppdcli.checkpoints.layouts import (
    CPU,
    is_table_of_tensors,
    load_checked,
    read_metadata,
    read_pickle,
    read_tensors,
)
from ppdcli.errors import CheckpointError, shown
from ppdcli.files.foreign import parse_json
from ppdcli.models.moge2 import MoGe2, MoGe2Encoder, MoGe2Semantics
from ppdcli.models.moge2_config import MoGe2Config
from ppdcli.models.precision import keep_weights_in

CONFIG, TENSORS = "model_config", "model"
ENCODER_PREFIX = "encoder."
MASK_TOKEN = "encoder.backbone.mask_token"  # only DINOv2's own training needs it
ANNOUNCED = "the weights that its model_config announces"
GIVE_MOGE2 = "give the model.pt of a MoGe-2, such as Ruicheng/moge-2-vitl-normal's"


def load_moge2(path: Path, device: torch.device = CPU, dtype: torch.dtype = torch.float32) -> MoGe2:
    """Loads the whole network, for metric depth and the camera, in eval mode.

    Args:
        path: a MoGe-2 file.
        device: the device of the weights. On a CPU, float32 weights stay memory-mapped.
        dtype: the type of the weights that autocast would cast to it (``models.precision``).

    Raises:
        CheckpointError: the file is missing, damaged, unsafe, of another model, or of a MoGe-2
            without metric depth.
    """
    config, _ = read_moge2(path)
    for head in ("points_head", "scale_head"):
        if getattr(config, head) is None:
            raise CheckpointError(
                f"{path}: {CONFIG} has no {head}, which metric depth needs; {GIVE_MOGE2}"
            )
    with torch.device("meta"):
        model = MoGe2(config)
    keep_weights_in(model, dtype)
    load_checked(model, lambda: read_moge2(path)[1], path, ANNOUNCED, device=device)
    return model.eval()


def load_moge2_semantics(
    path: Path, device: torch.device = CPU, dtype: torch.dtype = torch.float32
) -> MoGe2Semantics:
    """Loads only the encoder, as the prompt of Cas-DiT, in eval mode.

    Args:
        path: a MoGe-2 file.
        device: see ``load_moge2``.
        dtype: see ``load_moge2``.

    Raises:
        CheckpointError: the file is missing, damaged, unsafe or of another model.
    """

    def read() -> dict[str, Tensor]:
        _, tensors = read_moge2(path)
        return {key: value for key, value in tensors.items() if key.startswith(ENCODER_PREFIX)}

    with torch.device("meta"):
        module = MoGe2Semantics(MoGe2Encoder(read_moge2(path)[0].encoder))
    keep_weights_in(module, dtype)
    load_checked(module, read, path, ANNOUNCED, device=device)
    return module.eval()


def read_moge2(path: Path) -> tuple[MoGe2Config, dict[str, Tensor]]:
    """Returns the configuration and the tensors of a MoGe-2 file.

    The mask token is left out, because ``MoGe2`` does not use it.

    Raises:
        CheckpointError: the file is missing, damaged, unsafe, or not of a MoGe-2.
    """
    raw, tensors = _from_safetensors(path) if path.suffix == ".safetensors" else _from_pickle(path)
    if not isinstance(raw, Mapping):
        raise CheckpointError(f"{path}: {CONFIG} is no table; {GIVE_MOGE2}")
    try:
        config = MoGe2Config.from_dict(raw)
    except ValueError as error:
        raise CheckpointError(f"{path}: {error}; {GIVE_MOGE2}") from error
    return config, {key: value for key, value in tensors.items() if key != MASK_TOKEN}


def _from_safetensors(path: Path) -> tuple[Any, Mapping[str, Tensor]]:
    text = read_metadata(path).get(CONFIG)
    if text is None:
        raise CheckpointError(f"{path}: its header has no {CONFIG}; {GIVE_MOGE2}")
    try:
        return parse_json(text), read_tensors(path)
    except ValueError as error:
        raise CheckpointError(
            f"{path}: {CONFIG} in its header is not JSON ({shown(error)}); {GIVE_MOGE2}"
        ) from error


def _from_pickle(path: Path) -> tuple[Any, Mapping[str, Tensor]]:
    content = read_pickle(path)
    for key in (CONFIG, TENSORS):
        if not isinstance(content, Mapping) or key not in content:
            raise CheckpointError(f"{path}: has no {key!r}, so it is no MoGe-2 file; {GIVE_MOGE2}")
    tensors = content[TENSORS]
    if not is_table_of_tensors(tensors):
        raise CheckpointError(f"{path}: {TENSORS!r} is no table of tensors; {GIVE_MOGE2}")
    return content[CONFIG], tensors
