"""Goldens of the authors' video model: like those of ``parity``, with inputs of their own.

The limits come from the reference's own noise, which is stored beside the goldens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from parity import (
    Golden,
    ParityRecord,
    depth_map,
    image,
    normal,
    read_json,
    stripped,
    weights_of_seed,
)
from torch import Tensor

from ppdcli.models.config import VideoDiTConfig
from ppdcli.models.pi3 import Pi3Config, Pi3Semantics
from ppdcli.models.video_dit import VideoDiT

TINY_DIT = VideoDiTConfig(hidden_size=64, num_heads=4)
TINY_DIT_OF_PI3 = VideoDiTConfig(hidden_size=64, num_heads=4, semantics_dim=128)
TINY_PI3 = Pi3Config(width=64, num_heads=4, encoder_depth=2, decoder_depth=6)

WINDOW, NEW = 16, 13  # frames of a window, and those that no window before it has seen
KEYS = (0, 8, 15)

OF_UPSTREAM_NOISE = 8  # times the reference's difference between float32 and float64
LEAST_NOISE = 4e-7  # of the largest value
UNMEASURED_NOISE = 1e-6
TIMESTEP = 1e-4  # the sinusoid of 1000 * frequency moves by an ulp between math libraries
NO_TIMESTEP = (".x_embedder", ".tokens_in", ".semantics")
EXACT_FIT = 1e-9

# Inputs ------------------------------------------------------------------------------------------


def frames(count: int, h: int, w: int, k: int) -> np.ndarray:
    """(count, h, w, 3) uint8: a picture that pans, and a box that moves against it."""
    whole = image(h + count, w + 3 * count, k)
    film = np.stack([whole[t : t + h, 3 * t : 3 * t + w] for t in range(count)])
    high, wide = max(2, h // 4), max(2, w // 5)
    colour = np.array([40 + 9 * k, 200 - 7 * k, 90 + 31 * k]) % 256
    for t, picture in enumerate(film):
        top, left = (h // 3 + t) % (h - high), (w // 2 + 5 * (count - t)) % (w - wide)
        picture[top : top + high, left : left + wide] = colour
    return film


def planes(film: np.ndarray) -> Tensor:
    """(frames, h, w, 3) uint8 -> (frames, 3, h, w) float32 in [0, 1], as the goldens have it."""
    return torch.from_numpy(film / 255.0).float().permute(0, 3, 1, 2).contiguous()


def positions(rows: int, columns: int, width: int) -> np.ndarray:
    """(1, rows * columns, width): what the goldens add to tokens at other grids than 32 x 32."""
    quarter = width // 4
    frequency = 1 / 10000 ** (np.arange(quarter) / quarter)
    place = np.indices((rows, columns)).reshape(2, -1)[::-1]  # the column comes first
    angle = place[:, :, None] * frequency
    parts = np.concatenate((np.sin(angle), np.cos(angle)), axis=2)
    return np.concatenate(tuple(parts), axis=1).astype(np.float32)[None]


def windows_of(count: int) -> list[list[int]]:
    """Which frames each of that many windows sees."""
    rows = [list(range(WINDOW))]
    for i in range(1, count):
        first = NEW * i + len(KEYS)
        rows.append([rows[-1][slot] for slot in KEYS] + list(range(first, first + NEW)))
    return rows


def windows(count: int, h: int, w: int, k: int, seed: int) -> np.ndarray:
    """(count, 16, 1, h, w): one scene, with an affine map and noise of its own in each window."""
    seen = windows_of(count)
    length = max(map(max, seen)) + 1
    whole = depth_map(h + length, w + 2 * length, k)
    film = np.stack([whole[t : t + h, 2 * t : 2 * t + w] for t in range(length)])
    film = np.minimum(film / np.float32(16), np.float32(1))
    made = []
    for i, of_window in enumerate(seen):
        scale = np.float32(1 if i == 0 else 1 + (37 * i % 16 - 8) / 32)
        shift = np.float32(0 if i == 0 else (53 * i % 16 - 8) / 64)
        noise = normal((WINDOW, h, w), seed + i) * np.float32(2**-7)
        made.append(film[of_window] * scale + shift + noise)
    return np.stack(made)[:, :, None]


def mirrored_windows(count: int, h: int, w: int, k: int, seed: int) -> np.ndarray:
    """``windows``, of which every second one is turned round: near is far."""
    made = windows(count, h, w, k, seed)
    made[1::2] = np.float32(1) - made[1::2]
    return made


def flat_windows(count: int, h: int, w: int) -> np.ndarray:
    """(count, 16, 1, h, w): constant in every window, 0.5 and 0.75 in turn."""
    level = np.float32(0.5) + np.float32(0.25) * (np.arange(count) % 2).astype(np.float32)
    return np.broadcast_to(level[:, None, None, None, None], (count, WINDOW, 1, h, w)).copy()


class VideoGolden(Golden):
    """A file of the video model's goldens."""

    folder = "video/"
    builders: Mapping[str, Callable[..., np.ndarray]] = {
        "frames": frames,
        "normal": normal,
        "positions": positions,
        "half_noise": lambda count, h, w, seed: normal((count, 1, h, w), seed),
        "windows": windows,
        "mirrored_windows": mirrored_windows,
        "flat_windows": flat_windows,
    }

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.measured = read_json("video/measured.json").get(f"{name}.npz", {})

    def limit(self, key: str) -> float:
        """The largest difference that a float32 port may have."""
        top = float(np.abs(self[key]).max())
        if key.endswith("_float64"):
            return EXACT_FIT * max(1.0, top)
        unmeasured = UNMEASURED_NOISE * max(1.0, top)
        noise = self.measured.get(key, {}).get("fp32_vs_fp64_max", unmeasured)
        limit = OF_UPSTREAM_NOISE * max(noise, LEAST_NOISE * top)
        has_timestep = self.name.startswith(("video/dit_", "video/sampler_", "video/e2e_"))
        if has_timestep and not key.endswith(NO_TIMESTEP):
            return max(limit, TIMESTEP)
        return limit

    def check(
        self, parity: ParityRecord, key: str, value: Tensor | np.ndarray, quantity: str
    ) -> None:
        """Asserts that no element is further than its limit from the golden."""
        parity.check(self, key, value, self.limit(key), quantity)


# Weights -----------------------------------------------------------------------------------------


def spec() -> dict[str, Any]:
    return read_json("video/manifest.json")["spec"]


def video_weights(layout_name: str) -> dict[str, Tensor]:
    """The synthetic file of that layout."""
    return weights_of_seed(f"video/{layout_name}", spec()["wseed"])


def video_network(layout_name: str, config: VideoDiTConfig) -> VideoDiT:
    with torch.device("meta"):
        module = VideoDiT(config)
    module.load_state_dict(stripped(video_weights(layout_name), "dit_video."), assign=True)
    return module.eval()


def pi3(layout_name: str, config: Pi3Config) -> Pi3Semantics:
    with torch.device("meta"):
        module = Pi3Semantics(config)
    module.load_state_dict(video_weights(layout_name), assign=True)
    return module.eval()
