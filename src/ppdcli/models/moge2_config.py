"""The ``model_config`` of MoGe-2 files, checked before the network is built.

Released files differ, so the network is built from the configuration in the file. Like the authors'
code, this module ignores unknown keys at the top level and in ``encoder``, and rejects them
elsewhere.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeGuard

from ppdcli.errors import shown
from ppdcli.models.dinov2 import Variant

LEVELS = 5  # each twice as fine as the one before
PLANE = 2  # channels of the view coordinates that are joined to every level
NORMS = ("none", "layer_norm", "group_norm")
RESAMPLERS = ("conv_transpose", "bilinear")
REMAPS = ("exp", "linear")
MOST = 16_384  # upper limit of every number: channels, blocks, tokens
DEEPEST = 64  # upper limit of the residual blocks of a level and the layers of the scale head


@dataclass(frozen=True)
class Backbone:
    """Sizes of a DINOv2 ViT."""

    variant: Variant
    width: int
    depth: int


BACKBONES = {
    "dinov2_vits14": Backbone("vits", 384, 12),
    "dinov2_vitb14": Backbone("vitb", 768, 12),
    "dinov2_vitl14": Backbone("vitl", 1024, 24),
}


@dataclass(frozen=True)
class EncoderConfig:
    """Sizes of the encoder.

    Attributes:
        backbone: The ViT.
        blocks: Indices of the blocks whose output is used, ascending.
        dim_out: Channels that each of these outputs is projected to.
    """

    backbone: Backbone
    blocks: tuple[int, ...]
    dim_out: int


@dataclass(frozen=True)
class StackConfig:
    """A stack of convolutions over ``LEVELS`` levels, for the neck or a head; one value per level.

    Attributes:
        dim_in: Channels of the input; None if it is not projected.
        dim_res_blocks: Channels of the residual blocks.
        dim_out: Channels of the output; None if it is not projected.
        num_res_blocks: Number of residual blocks.
        resamplers: How each level is brought to the size of the next; one value fewer.
        in_norm: Norm at the start of a residual block.
        hidden_norm: Norm between the convolutions of a residual block.
        hidden_factor: Channels between these convolutions, as a multiple of the block's channels.
    """

    dim_in: tuple[int | None, ...]
    dim_res_blocks: tuple[int, ...]
    dim_out: tuple[int | None, ...]
    num_res_blocks: tuple[int, ...]
    resamplers: tuple[str, ...]
    in_norm: str
    hidden_norm: str
    hidden_factor: int

    @property
    def inputs(self) -> tuple[int, ...]:
        """Input channels of each level."""
        return tuple(i or r for i, r in zip(self.dim_in, self.dim_res_blocks, strict=True))

    @property
    def outputs(self) -> tuple[int, ...]:
        """Output channels of each level."""
        return tuple(o or r for o, r in zip(self.dim_out, self.dim_res_blocks, strict=True))


@dataclass(frozen=True)
class MoGe2Config:
    """Sizes of the whole network; None for heads that it does not have.

    Attributes:
        scale_head: Widths of the MLP from the class token to the metric scale.
        remap_output: "exp" if the points head gives (x/z, y/z, log z), "linear" for (x, y, z).
        num_tokens_range: Numbers of tokens at resolution levels 0 and 9.
    """

    encoder: EncoderConfig
    neck: StackConfig
    points_head: StackConfig | None
    normal_head: StackConfig | None
    mask_head: StackConfig | None
    scale_head: tuple[int, ...] | None
    remap_output: str
    num_tokens_range: tuple[int, int]

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> MoGe2Config:
        """Reads a checkpoint's ``model_config``.

        Raises:
            ValueError: A key is missing or its value is not one of MoGe-2's; names key and value.
        """
        encoder = _encoder(_table(raw, "encoder"))
        neck = _stack(_table(raw, "neck"), "neck.")
        joined = (encoder.dim_out + PLANE, *[PLANE] * (LEVELS - 1))
        if neck.inputs != joined:
            _refuse("neck.dim_in", neck.dim_in, f"the encoder gives {joined}")

        def head(key: str, channels: int) -> StackConfig | None:
            if raw.get(key) is None:
                return None
            stack = _stack(_table(raw, key), f"{key}.")
            if stack.inputs != neck.outputs:
                _refuse(f"{key}.dim_in", stack.dim_in, f"the neck gives {neck.outputs}")
            if stack.dim_out[-1] != channels:
                _refuse(f"{key}.dim_out", stack.dim_out, f"the last must be {channels}")
            return stack

        return cls(
            encoder,
            neck,
            points_head=head("points_head", 3),
            normal_head=head("normal_head", 3),
            mask_head=head("mask_head", 1),
            scale_head=_scale_head(raw, encoder.backbone.width),
            remap_output=_one_of(raw.get("remap_output", "linear"), "remap_output", REMAPS),
            num_tokens_range=_num_tokens_range(raw.get("num_tokens_range", (1200, 3600))),
        )


STACK_DEFAULTS: dict[str, Any] = {  # those of the authors' code
    "num_res_blocks": 1,
    "res_block_in_norm": "layer_norm",
    "res_block_hidden_norm": "group_norm",
    "dim_times_res_block_hidden": 1,
    "activation": "relu",
}


def _encoder(raw: Mapping[str, Any]) -> EncoderConfig:
    name = _one_of(_required(raw, "encoder.", "backbone"), "encoder.backbone", BACKBONES)
    backbone = BACKBONES[name]
    return EncoderConfig(
        backbone,
        _blocks(_required(raw, "encoder.", "intermediate_layers"), backbone.depth),
        _positive(_required(raw, "encoder.", "dim_out"), "encoder.dim_out"),
    )


def _blocks(value: object, depth: int) -> tuple[int, ...]:
    """Returns block indices: a list gives them, a number n means the last n blocks."""
    where = "encoder.intermediate_layers"
    if _is_list(value):
        blocks = tuple(_count(block, where) for block in value)
    else:
        blocks = tuple(range(depth - _positive(value, where), depth))
    ascending = tuple(sorted(set(blocks)))
    if not blocks or blocks != ascending or blocks[0] < 0 or blocks[-1] >= depth:
        _refuse(where, value, f"it must name some of {depth} blocks in order, or count the last")
    return blocks


def _stack(raw: Mapping[str, Any], where: str) -> StackConfig:
    for key in raw:
        if not isinstance(key, str) or key not in {
            "dim_in",
            "dim_res_blocks",
            "dim_out",
            "resamplers",
            *STACK_DEFAULTS,
        }:
            _refuse(f"{where}{shown(key)}", raw[key], "MoGe-2 has no such setting")
    settings = {**STACK_DEFAULTS, **raw}

    def levels(key: str, check: Callable[[Any, str], Any], count: int = LEVELS) -> tuple[Any, ...]:
        value = _required(settings, where, key)
        values = value if _is_list(value) else [value] * count
        if len(values) != count:
            _refuse(f"{where}{key}", value, f"it must have {count} entries")
        return tuple(check(entry, f"{where}{key}") for entry in values)

    _one_of(settings["activation"], f"{where}activation", ["relu"])
    stack = StackConfig(
        dim_in=levels("dim_in", _positive_or_none),
        dim_res_blocks=levels("dim_res_blocks", _positive),
        dim_out=levels("dim_out", _positive_or_none),
        num_res_blocks=levels("num_res_blocks", _few),
        resamplers=levels("resamplers", lambda v, at: _one_of(v, at, RESAMPLERS), LEVELS - 1),
        in_norm=_one_of(settings["res_block_in_norm"], f"{where}res_block_in_norm", NORMS),
        hidden_norm=_one_of(
            settings["res_block_hidden_norm"], f"{where}res_block_hidden_norm", NORMS
        ),
        hidden_factor=_positive(
            settings["dim_times_res_block_hidden"], f"{where}dim_times_res_block_hidden"
        ),
    )
    if "group_norm" in (stack.in_norm, stack.hidden_norm):
        for width, blocks in zip(stack.dim_res_blocks, stack.num_res_blocks, strict=True):
            if blocks and width % 32:
                _refuse(f"{where}dim_res_blocks", width, "group_norm needs multiples of 32")
    return stack


def _scale_head(raw: Mapping[str, Any], width: int) -> tuple[int, ...] | None:
    if raw.get("scale_head") is None:
        return None
    dims = _required(_table(raw, "scale_head"), "scale_head.", "dims")
    if not _is_list(dims) or not 2 <= len(dims) <= DEEPEST or (dims[0], dims[-1]) != (width, 1):
        _refuse("scale_head.dims", dims, f"it must lead from {width} to 1")
    return tuple(_positive(dim, "scale_head.dims") for dim in dims)


def _num_tokens_range(value: object) -> tuple[int, int]:
    if _is_list(value) and len(value) == 2:
        low, high = (_positive(entry, "num_tokens_range") for entry in value)
        if low <= high:
            return low, high
    _refuse("num_tokens_range", value, "it must be the fewest and the most tokens")


def _table(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = _required(raw, "", key)
    if not isinstance(value, Mapping):
        _refuse(key, value, "MoGe-2 has a table there, so this may be the first MoGe")
    return value


def _required(raw: Mapping[str, Any], where: str, key: str) -> Any:
    if key not in raw:
        raise ValueError(f"model_config has no {where}{key}")
    return raw[key]


def _one_of(value: Any, where: str, known: Sequence[str] | Mapping[str, Any]) -> str:
    if not isinstance(value, str) or value not in known:
        _refuse(where, value, f"it must be {' or '.join(known)}")
    return value


def _count(value: Any, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST:
        _refuse(where, value, f"it must be a whole number, {MOST} at most")
    return value


def _few(value: Any, where: str) -> int:
    if _count(value, where) > DEEPEST:
        _refuse(where, value, f"it must be {DEEPEST} at most")
    return int(value)


def _positive(value: Any, where: str) -> int:
    return _count(value, where) or _refuse(where, value, "it must not be 0")


def _positive_or_none(value: Any, where: str) -> int | None:
    return None if value is None else _positive(value, where)


def _is_list(value: object) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _refuse(where: str, value: object, wanted: str) -> NoReturn:
    found = shown(reprlib.repr(value))
    raise ValueError(f"model_config {where} is {found}: {wanted}")
