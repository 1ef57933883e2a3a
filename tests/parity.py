"""Goldens of the reference implementation: their inputs, weights and limits.

The goldens were made with synthetic weights. Inputs and weights follow from formulas, so the large
ones are not stored: they are computed here, and checked against stored hashes.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.config import CasDiTConfig
from ppdcli.models.dinov2 import IMAGENET_MEAN, IMAGENET_STD, DinoV2Semantics
from ppdcli.models.moge2 import MoGe2
from ppdcli.models.moge2_config import MoGe2Config

DATA = Path(__file__).parent / "data" / "parity"

# Largest absolute differences of a float32 port, from the reference's own float32 noise.
TOKENS = 5e-5
NETWORK = 4e-5
# OpenCV resizes bicubically by code of its own or by IPP's, which depends on the processor. Its own
# is one level apart in 3.4 % of the values, and moves the depth by 5e-3 of a range of 11.
LEVELS_APART = 0.05
NETWORK_OF_OTHER_PIXELS = 1e-2
TIMESTEP_EMBEDDING = 1e-4
RELATIVE = 1e-6  # of the largest value: schedule, targets, loss
MOGE_RAYS = 1e-4  # log z, x/z and y/z
MOGE_NORMAL = 1e-3
MOGE_MASK = 5e-5
MOGE_MASK_FLIPS = 0.002  # of the pixels: a probability of 0.5 may fall to either side
MOGE_SCALE = 1e-5  # relative
MOGE_SEMANTICS = 1e-4
MOGE_DEPTH = 1e-3  # relative, at each pixel
MOGE_INTRINSICS = 1e-4  # relative
FOCAL_SHIFT = 1e-5  # of the same points: the solver is the same
# Of our points: the fit multiplies what MOGE_RAYS lets them differ by as much as 20.
FOCAL_SHIFT_OF_OURS = 1e-3

TINY = CasDiTConfig(hidden_size=64, depth=4, num_heads=4)
TINY_SEM384 = CasDiTConfig(hidden_size=64, depth=4, num_heads=4, semantics_dim=384)


# Inputs ------------------------------------------------------------------------------------------


def wave(phase: np.ndarray) -> np.ndarray:
    """Triangle wave over the integers: 255 at 0, 0 at 256, period 512."""
    return np.abs(phase % 512 - 256).clip(max=255)


def grid(h: int, w: int) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.indices((h, w), dtype=np.int64)
    return rows, columns


def image(h: int, w: int, k: int) -> np.ndarray:
    """(h, w, 3) uint8: waves, two rectangles with hard edges, and a little hash noise."""
    y, x = grid(h, w)
    left = (4 * x > w) & (2 * x < w) & (3 * y > h) & (4 * y < 3 * h)
    right = (8 * x > 5 * w) & (8 * x < 7 * w) & (8 * y > h) & (2 * y < h)
    channels = []
    for c in range(3):
        smooth = wave((5 + 2 * c + k % 3) * x + 40 * c + 17 * k)
        smooth = smooth + wave((7 - c + k % 2) * y + 90 * c)
        smooth = smooth + wave((3 + c) * (x + 2 * y) + 29 * k)
        value = np.select([right, left], [30 + 80 * c, 220 - 70 * c], smooth // 3)
        hashed = (73856093 * x) ^ (19349663 * y) ^ (83492791 * (c + 1)) ^ (2654435761 * k)
        noise = (hashed ^ (hashed >> 13)) % 16 - 8
        channels.append((value + noise).clip(0, 255))
    return np.stack(channels, axis=-1).astype(np.uint8)


def normal(shape: Sequence[int], seed: int) -> np.ndarray:
    return np.random.Generator(np.random.PCG64(seed)).standard_normal(shape, dtype=np.float32)


def depth_map(h: int, w: int, k: int) -> np.ndarray:
    """(h, w) float32 metres in steps of 1/64, with a step edge; even ones have a far strip."""
    y, x = grid(h, w)
    depth = 90 + wave(3 * x + 5 * y + 31 * k) + 2 * wave(7 * y + 11 * k)
    near = (3 * x > w) & (3 * x < 2 * w) & (4 * y > h)
    depth = np.where(near, 64 + (5 * x + k) % 32, depth)
    if k % 2 == 0:
        depth = np.where(8 * y < h, 64 * 95 + 16 * x, depth)
    return (depth / 64).astype(np.float32)


def hole_mask(h: int, w: int, k: int) -> np.ndarray:
    """(h, w) bool with scattered holes and one rectangular one."""
    y, x = grid(h, w)
    hashed = (73856093 * x) ^ (19349663 * y) ^ (83492791 * (k + 1))
    scattered = (hashed ^ (hashed >> 11)) % 1024 % 7 == 0
    rectangle = (5 * x > 3 * w) & (5 * x < 4 * w) & (2 * y > h)
    return ~(scattered | rectangle)


BUILDERS: dict[str, Callable[..., np.ndarray]] = {
    "image": image,
    "normal": normal,
    "depth_map": depth_map,
    "hole_mask": hole_mask,
}


def sha256(array: np.ndarray) -> str:
    little_endian = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return hashlib.sha256(little_endian.tobytes()).hexdigest()


@cache
def read_json(name: str) -> Any:
    return json.loads((DATA / name).read_text(encoding="utf-8"))


class Golden:
    """One file of goldens: expected values by key, and the inputs that they belong to."""

    folder = ""
    builders: Mapping[str, Callable[..., np.ndarray]] = BUILDERS

    def __init__(self, name: str) -> None:
        self.name = f"{self.folder}{name}"
        with np.load(DATA / f"{self.name}.npz") as file:
            self.stored = dict(file)
        entries = read_json(f"{self.folder}manifest.json")["inputs"]
        self.formulas = {e["key"]: e for e in entries if e["file"] == f"{name}.npz"}

    def __getitem__(self, key: str) -> np.ndarray:
        if key in self.stored:
            return self.stored[key]
        entry = self.formulas[key]
        array = self.builders[entry["builder"]](*entry["args"])
        assert sha256(array) == entry["sha256"], f"{self.name} {key} came out differently"
        return array

    def tensor(self, key: str) -> Tensor:
        return torch.from_numpy(self[key])


# Weights -----------------------------------------------------------------------------------------

SEEDS = {"moge2_tiny": "moge_tiny_seed", "moge2_vitl_normal": "moge_full_seed"}
CONSTANTS = {"image_mean": IMAGENET_MEAN, "image_std": IMAGENET_STD}


def layout(name: str) -> dict[str, tuple[int, ...]]:
    """Key -> shape of a checkpoint file, in file order."""
    folder, _, file = name.rpartition("/")
    tensors = read_json(f"{folder}/layouts/{file}.json".lstrip("/"))["tensors"]
    return {key: tuple(shape) for key, shape in tensors.items()}


def weight(key: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """The synthetic tensor of that key: normal, its own stream, scale by kind of parameter."""
    parts = key.split(".")
    if parts[-1] in CONSTANTS:
        return np.array(CONSTANTS[parts[-1]], np.float32).reshape(shape)
    if parts[-1] == "gamma":
        mean, deviation = 0.5, 0.05
    elif len(shape) == 1 and parts[-1] == "weight":
        mean, deviation = 1.0, 0.02
    elif parts[-1] in {"bias", "pos_embed", "cls_token", "mask_token", "register_tokens"}:
        mean, deviation = 0.0, 0.02
    else:
        mean, deviation = 0.0, 1 / math.sqrt(math.prod(shape[1:]))
    digest = hashlib.sha256(f"{seed}:{key}".encode()).digest()
    drawn = normal(shape, int.from_bytes(digest[:8], "little"))
    drawn *= np.float32(deviation)
    drawn += np.float32(mean)
    return drawn


def weights(layout_name: str) -> dict[str, Tensor]:
    return weights_of_seed(
        layout_name, read_json("manifest.json")["spec"][SEEDS.get(layout_name, "wseed")]
    )


def weights_of_seed(layout_name: str, seed: int) -> dict[str, Tensor]:
    return {
        key: torch.from_numpy(weight(key, shape, seed))
        for key, shape in layout(layout_name).items()
    }


def stripped(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        key.removeprefix(prefix): tensor
        for key, tensor in tensors.items()
        if key.startswith(prefix)
    }


def network(layout_name: str, config: CasDiTConfig) -> CasDiT:
    with torch.device("meta"):
        module = CasDiT(config)
    module.load_state_dict(stripped(weights(layout_name), "dit."), assign=True)
    return module.eval()


def da2_encoder(variant: str) -> DinoV2Semantics:
    with torch.device("meta"):
        module = DinoV2Semantics(variant)  # type: ignore[arg-type]
    tensors = stripped(weights(f"depth_anything_v2_{variant}"), "pretrained.")
    del tensors["mask_token"]
    module.backbone.load_state_dict(tensors, assign=True)
    return module.eval()


def moge2(layout_name: str) -> MoGe2:
    with torch.device("meta"):
        module = MoGe2(MoGe2Config.from_dict(moge2_config(layout_name)))
    tensors = weights(layout_name)
    del tensors["encoder.backbone.mask_token"]
    module.load_state_dict(tensors, assign=True)
    return module.eval()


def moge2_config(layout_name: str) -> dict[str, Any]:
    """What such a checkpoint states as its model_config; a copy."""
    return copy.deepcopy(read_json(f"layouts/{layout_name}.json")["model_config"])


# Comparison --------------------------------------------------------------------------------------


def sampled(tokens: Tensor) -> Tensor:
    """The tokens that the goldens keep of a stage."""
    n = tokens.shape[1]
    return tokens[:, [0, 1, 2, n // 2, n - 1]]


@contextmanager
def observed(
    outputs: Mapping[str, nn.Module], inputs: Mapping[str, nn.Module]
) -> Iterator[dict[str, Tensor]]:
    """What the named modules return, and what they are called with, while the context lasts."""
    seen: dict[str, Tensor] = {}

    def keep_output(name: str) -> Callable[..., None]:
        return lambda _module, _args, output: seen.__setitem__(name, output)

    def keep_input(name: str) -> Callable[..., None]:
        return lambda _module, args: seen.__setitem__(name, args[0])

    handles = [module.register_forward_hook(keep_output(k)) for k, module in outputs.items()]
    handles += [module.register_forward_pre_hook(keep_input(k)) for k, module in inputs.items()]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


@dataclass
class Row:
    """The worst comparison of one kind of quantity in one file."""

    difference: float
    limit: float
    count: int


class ParityRecord:
    """Compares values with goldens, and keeps the worst difference of each kind."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Row] = {}

    def check(
        self, golden: Golden, key: str, value: Tensor | np.ndarray, limit: float, quantity: str
    ) -> None:
        """Asserts that no element is further than ``limit`` from the golden."""
        expected, actual = golden[key], np.asarray(value)
        assert actual.shape == expected.shape, f"{key}: {actual.shape}, not {expected.shape}"
        difference = float(np.abs(actual.astype(np.float64) - expected.astype(np.float64)).max())
        self._note(golden, quantity, difference, limit)
        assert difference <= limit, f"{golden.name} {key}: {difference:.3g} exceeds {limit:.3g}"

    def check_relative(
        self, golden: Golden, key: str, value: Tensor | np.ndarray, quantity: str
    ) -> None:
        """The same, the limit being relative to the golden's largest value."""
        top = float(np.abs(golden[key]).max())
        self.check(golden, key, value, RELATIVE * top, quantity)

    def check_exact(self, golden: Golden, key: str, value: object, quantity: str) -> None:
        """Asserts equality, of hashes, sizes and pixels."""
        equal = np.array_equal(golden[key], np.asarray(value))
        self._note(golden, quantity, 0.0 if equal else math.inf, 0.0)
        assert equal, f"{golden.name} {key} differs"

    def check_levels(self, golden: Golden, key: str, value: np.ndarray) -> None:
        """Asserts that bytes differ by one at most, and few of them."""
        expected, actual = golden[key].astype(int), value.astype(int)
        assert actual.shape == expected.shape, f"{key}: {actual.shape}, not {expected.shape}"
        apart = np.abs(actual - expected)
        self._note(golden, "pixels, share apart", float((apart > 0).mean()), LEVELS_APART)
        assert apart.max() <= 1, f"{golden.name} {key}: {apart.max()} levels apart"
        assert (apart > 0).mean() <= LEVELS_APART, f"{golden.name} {key}: too many pixels differ"

    def check_points(self, golden: Golden, key: str, value: Tensor | np.ndarray) -> None:
        """Compares a point map by log z and by the rays x/z and y/z: z spans three decades."""

        def rays(points: np.ndarray) -> np.ndarray:
            wide = points.astype(np.float64)
            return np.concatenate((wide[..., :2] / wide[..., 2:], np.log(wide[..., 2:])), axis=-1)

        expected, actual = golden[key], np.asarray(value)
        assert actual.shape == expected.shape, f"{key}: {actual.shape}, not {expected.shape}"
        difference = float(np.abs(rays(actual) - rays(expected)).max())
        self._note(golden, "points, log z and rays", difference, MOGE_RAYS)
        assert difference <= MOGE_RAYS, f"{golden.name} {key}: off by {difference:.3g}"

    def check_depth(
        self, golden: Golden, key: str, depth: Tensor | np.ndarray, mask: Tensor | np.ndarray
    ) -> None:
        """Compares ``key.mask`` and, relative to the depth, ``key.depth`` where both masks are."""
        expected, actual = golden[f"{key}.depth"].astype(np.float64), np.asarray(depth)
        valid, masked = golden[f"{key}.mask"], np.asarray(mask)
        assert actual.shape == masked.shape == expected.shape, key
        flips = float((masked != valid).mean())
        self._note(golden, "infer mask, flips", flips, MOGE_MASK_FLIPS)
        assert flips <= MOGE_MASK_FLIPS, f"{golden.name} {key}: {flips:.2%} of the mask differs"
        assert np.isinf(actual[~masked]).all(), f"{key}: there is depth outside the mask"
        both = masked & valid
        difference = float((np.abs(actual[both] - expected[both]) / expected[both]).max())
        self._note(golden, "infer depth, relative", difference, MOGE_DEPTH)
        assert difference <= MOGE_DEPTH, f"{golden.name} {key}: depth is off by {difference:.3g}"

    def _note(self, golden: Golden, quantity: str, difference: float, limit: float) -> None:
        row = self.rows.setdefault((golden.name, quantity), Row(difference, limit, 0))
        row.count += 1
        if difference * row.limit > row.difference * limit or math.isinf(difference):
            row.difference, row.limit = difference, limit

    def table(self) -> list[str]:
        """A line per file and quantity."""
        lines = [f"{'golden':<18} {'quantity':<24} {'arrays':>6} {'limit':>9} {'measured':>9}"]
        for (name, quantity), row in sorted(self.rows.items()):
            limit = f"{row.limit:.1e}" if row.limit else "exact"
            measured = f"{row.difference:.1e}" if row.difference else "0"
            lines.append(f"{name:<18} {quantity:<24} {row.count:>6} {limit:>9} {measured:>9}")
        return lines
