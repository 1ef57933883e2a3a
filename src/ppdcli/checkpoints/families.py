"""Families of models, one row each. All other code takes the differences between them from here.

Nothing heavy is imported before a row's function is called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from ppdcli.checkpoints.model_files import ModelFiles
    from ppdcli.models.pixel_perfect import PixelPerfectDepth


@dataclass(frozen=True)
class FileKind:
    """A kind of file of weights.

    Attributes:
        words: its description for messages.
        fits: whether a file with these names of tensors or entries is of this kind.
    """

    words: str
    fits: Callable[[Sequence[str]], bool]


@dataclass(frozen=True)
class Family:
    """Models whose semantics come from the same kind of encoder.

    Attributes:
        network: the kind of the network's file, a key of ``FILE_KINDS``.
        encoder: the kind of the encoder's file; None if the network's file holds the encoder.
        build: builds the model from its files, in eval mode.
        unloaded_encoder: builds an encoder of full size without weights; None if only a file states
            the sizes.
        measures: whether the encoder's file also gives metric depth.
        large: whether half precision pays on a processor that has it (``processor_precision``).
        films: whether the models see a window of a film's frames together, and no single photos.
    """

    network: str
    encoder: str | None
    build: Callable[[ModelFiles], PixelPerfectDepth]
    unloaded_encoder: Callable[[], nn.Module] | None = None
    measures: bool = False
    large: bool = True
    films: bool = False


def _holds(prefix: str) -> Callable[[Sequence[str]], bool]:
    return lambda names: any(name.startswith(prefix) for name in names)


def _is_own(names: Sequence[str]) -> bool:
    return _holds("dit.")(names) and _holds("encoder.")(names)


def _is_pi3(names: Sequence[str]) -> bool:
    return {"register_token", "encoder.register_tokens"} <= set(names)


def _is_moge2(names: Sequence[str]) -> bool:
    return {"model", "model_config"} <= set(names) or _holds("encoder.backbone.")(names)


def _build_own(files: ModelFiles) -> PixelPerfectDepth:
    from ppdcli.checkpoints import builders

    return builders.with_own_encoder(files)


def _build_da2(files: ModelFiles) -> PixelPerfectDepth:
    from ppdcli.checkpoints import builders

    return builders.with_da2(files)


def _build_moge2(files: ModelFiles) -> PixelPerfectDepth:
    from ppdcli.checkpoints import builders

    return builders.with_moge2(files)


def _build_pi3(files: ModelFiles) -> PixelPerfectDepth:
    from ppdcli.checkpoints import builders

    return builders.with_pi3(files)


def _unloaded_da2() -> nn.Module:
    from ppdcli.models.dinov2 import DinoV2Semantics

    return DinoV2Semantics("vitl")


def _unloaded_moge2() -> nn.Module:
    from ppdcli.models.moge2 import released_semantics

    return released_semantics()


# A file is compared with them in this order.
FILE_KINDS: dict[str, FileKind] = {
    "tiny": FileKind("a network with its own encoder", _is_own),
    "network": FileKind("a Pixel-Perfect Depth network", _holds("dit.")),
    "moge2": FileKind("MoGe-2 weights", _is_moge2),
    "da2": FileKind("Depth Anything V2 weights", _holds("pretrained.")),
    "ppvd": FileKind("a Pixel-Perfect Video Depth network", _holds("dit_video.")),
    "pi3": FileKind("Pi3 weights", _is_pi3),
}

FAMILIES: dict[str, Family] = {
    "tiny": Family("tiny", None, _build_own, large=False),
    "da2": Family("network", "da2", _build_da2, _unloaded_da2),
    "moge2": Family("network", "moge2", _build_moge2, _unloaded_moge2, measures=True),
    "pi3": Family("ppvd", "pi3", _build_pi3, films=True),
}
