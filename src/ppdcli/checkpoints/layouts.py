"""Reads tensors from checkpoints and loads them into modules. Every key must fit.

The layouts are those of the authors: ``dit.*`` for the network, in some files with
``sem_encoder.*``; ``pretrained.*`` for Depth Anything V2's encoder, with ``depth_head.*``. The
package's own .safetensors files use the same names.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeGuard

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from ppdcli.checkpoints.given import require_file
from ppdcli.checkpoints.pickles import ZIP_MAGIC, CodeError, check_pickle
from ppdcli.errors import CheckpointError, shown
from ppdcli.files.foreign import open_regular
from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.dinov2 import DinoV2Semantics
from ppdcli.wording import counted

Tensors = Mapping[str, Tensor]

NETWORK_PREFIX = "dit."
NETWORK_ENCODER_PREFIX = "sem_encoder."
DA2_PREFIX = "pretrained."
DA2_HEAD_PREFIX = "depth_head."
DA2_MASK_TOKEN = "pretrained.mask_token"  # only DINOv2's own training needs it

KNOWN_FILES = {
    NETWORK_PREFIX: "a Pixel-Perfect Depth network",
    DA2_PREFIX: "Depth Anything V2 weights, a semantics encoder",
    "encoder.backbone.": "MoGe-2 weights",
    "dit_video.": "PPVD's network, for films",
    "register_token": "Pi3 weights, the semantics encoder of PPVD",
}
CPU = torch.device("cpu")
PORTION = 256 << 20  # bytes that are converted before the file is mapped again
GIVE_ANOTHER = "give the file that belongs to the model, or download it again"
MOST_HEADER = 16 << 20  # bytes of a .safetensors header; a tensor takes 100 to 200


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Reads the tensors of a checkpoint on the CPU. They are memory-mapped if the format allows it.

    Args:
        path: a .safetensors file, or a table of tensors that ``torch.save`` wrote.

    Raises:
        CheckpointError: the file is missing or damaged, or holds something else than tensors.
    """
    if _is_safetensors(path):
        _check_header(path)
        try:
            return load_file(path)
        except Exception as error:  # a damaged file can raise anything
            raise _damaged(path, error) from error
    content = read_pickle(path)
    if not is_table_of_tensors(content):
        raise CheckpointError(f"{path}: {_what_it_holds(content)}; {GIVE_ANOTHER}")
    return dict(content)


def is_table_of_tensors(content: object) -> TypeGuard[Mapping[str, Tensor]]:
    """Whether it is a mapping from names to tensors, and nothing else."""
    return isinstance(content, Mapping) and all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in content.items()
    )


def read_pickle(path: Path, mapped: bool = True) -> Any:
    """Reads what ``torch.save`` wrote: tensors, and plain containers of them.

    No code in the file is executed.

    Args:
        path: the file.
        mapped: whether to memory-map the tensors if the format allows it, instead of reading them.

    Raises:
        CheckpointError: the file is missing or damaged, or contains code.
    """
    require_file(path)
    try:
        zipped = check_pickle(path)
        return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped and zipped)
    except CodeError as error:
        raise CheckpointError(
            f"{path}: the file contains code, not only tensors ({error}), and was not loaded; "
            "get the weights from their authors or as .safetensors"
        ) from error
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path}: not a checkpoint; give a .safetensors, .pth or .pt file of weights"
        ) from error
    except Exception as error:  # a damaged file can raise anything
        raise _damaged(path, error) from error


def read_metadata(path: Path) -> dict[str, str]:
    """Returns the text entries in a .safetensors header; empty for other files.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    require_file(path)
    if not _is_safetensors(path):
        return {}
    _check_header(path)
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except Exception as error:  # a damaged file can raise anything
        raise _damaged(path, error) from error


def load_network(module: CasDiT, path: Path, device: torch.device = CPU) -> None:
    """Loads a network file into a ``CasDiT``. An encoder in the same file is left out.

    Raises:
        CheckpointError: the file cannot be read, or its keys or shapes do not fit the module.
    """

    def read() -> Tensors:
        return {
            key: tensor
            for key, tensor in read_tensors(path).items()
            if not key.startswith(NETWORK_ENCODER_PREFIX)
        }

    load_checked(module, read, path, "the weights of this network", NETWORK_PREFIX, device)


def load_da2_encoder(module: DinoV2Semantics, path: Path, device: torch.device = CPU) -> None:
    """Loads the encoder from a Depth Anything V2 file. The depth head is left out.

    Raises:
        CheckpointError: the file cannot be read, or its keys or shapes do not fit the module.
    """

    def read() -> Tensors:
        return {
            key: tensor
            for key, tensor in read_tensors(path).items()
            if not key.startswith(DA2_HEAD_PREFIX) and key != DA2_MASK_TOKEN
        }

    load_checked(module.backbone, read, path, "the weights of this encoder", DA2_PREFIX, device)


def load_checked(
    module: nn.Module,
    read: Callable[[], Tensors],
    path: Path,
    what: str,
    prefix: str = "",
    device: torch.device = CPU,
) -> None:
    """Makes the tensors of a file the parameters and buffers of ``module``, if all of them fit.

    Tensors with the module's dtype and device stay mapped and are not copied. The others are
    converted in portions. The mapping of a portion is released before the next one, so that the
    whole file is never in memory besides the module. Build the module under
    ``torch.device("meta")``. It must have no non-persistent buffers, because no file holds them.

    Args:
        module: the module to fill. Its dtypes become those of the weights.
        read: returns the tensors by key. All of them must fit. It is called for each portion.
        path: the file, for messages.
        what: what the tensors should be, for messages, such as "the weights of this network".
        prefix: the keys are this prefix and the module's names.
        device: the device of the weights.

    Raises:
        CheckpointError: a key is missing or unexpected, or its tensor has another shape.
    """
    slots = {prefix + name: slot for name, slot in module.state_dict().items()}
    tensors = read()
    _require_fit(slots, tensors, path, what, prefix)
    fits = {k for k, t in tensors.items() if (t.dtype, t.device) == (slots[k].dtype, device)}
    fitted = {key: tensors[key] for key in fits}
    left = [(key, tensor.nbytes) for key, tensor in tensors.items() if key not in fits]
    if left and not _is_mapped(
        path
    ):  # the whole file is in memory, and reading it again takes long
        fitted |= {key: tensors[key].to(device, slots[key].dtype) for key, _ in left}
        left = []
    del tensors
    while left:
        ends = accumulate(nbytes for _, nbytes in left)
        portion = left[: max(1, sum(end <= PORTION for end in ends))]
        mapped = read()  # a new mapping, because used pages stay in memory as long as theirs
        fitted |= {key: mapped[key].to(device, slots[key].dtype) for key, _ in portion}
        del left[: len(portion)], mapped
    state = {key.removeprefix(prefix): tensor for key, tensor in fitted.items()}
    module.load_state_dict(state, assign=True)


def _require_fit(slots: Tensors, tensors: Tensors, path: Path, what: str, prefix: str) -> None:
    problems = [f"key {key} is missing" for key in slots if key not in tensors]
    problems += [f"key {shown(key)} is unexpected" for key in tensors if key not in slots]
    problems += [
        f"key {key} has {what_differs}"
        for key, slot in slots.items()
        if key in tensors and (what_differs := _difference(tensors[key], slot)) is not None
    ]
    if problems:
        more = f" (and {counted(len(problems) - 1, 'more such key')})" if len(problems) > 1 else ""
        raise CheckpointError(
            f"{path}: not {what}: {problems[0]}{more}; {_way_on(tensors, prefix)}"
        )


def _difference(tensor: Tensor, slot: Tensor) -> str | None:
    if tensor.shape != slot.shape:
        return f"shape {shown(tuple(tensor.shape))}, not {tuple(slot.shape)}"
    if tensor.dtype.is_floating_point != slot.dtype.is_floating_point or tensor.is_complex():
        return f"numbers of type {tensor.dtype}, not {slot.dtype}"
    return None


def _way_on(keys: Mapping[str, Tensor], expected_prefix: str) -> str:
    for prefix, kind in KNOWN_FILES.items():
        if not prefix.startswith(expected_prefix) and any(key.startswith(prefix) for key in keys):
            return f"it looks like {kind}: give it there, and give the right file here"
    return GIVE_ANOTHER


def _what_it_holds(content: object) -> str:
    if isinstance(content, Mapping) and {"model", "model_config"} <= content.keys():
        return "holds MoGe-2 weights with their configuration, not a plain table of tensors"
    return "does not hold a plain table of tensors"


def _is_safetensors(path: Path) -> bool:
    return path.suffix == ".safetensors"


def _is_mapped(path: Path) -> bool:
    """Whether reading the file maps it. PyTorch's format before 1.6 is read as a whole."""
    if _is_safetensors(path):
        return True
    with path.open("rb") as file:
        return file.read(len(ZIP_MAGIC)) == ZIP_MAGIC


def _check_header(path: Path) -> None:
    """Refuses a header that is larger than that of any model, before it is parsed."""
    require_file(path)
    try:
        with open_regular(path) as stream:
            size = int.from_bytes(stream.read(8), "little")
    except OSError as error:
        raise _damaged(path, error) from error
    if size > MOST_HEADER:
        raise _damaged(path, ValueError(f"its header should be {size} bytes long"))


def _damaged(path: Path, error: Exception) -> CheckpointError:
    lines = str(error).strip().splitlines()
    cause = f" ({shown(lines[0], 160)})" if lines else ""
    return CheckpointError(f"{path}: cannot be read, damaged or cut short{cause}; get it again")
