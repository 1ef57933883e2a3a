"""Stand-ins for networks, which agree on one scene."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ppdcli import loading_pytorch
from ppdcli.checkpoints import hub
from ppdcli.models.moge2 import MoGe2Prediction

SLOPE, INTERCEPT = 2.0, 0.5  # of log(depth + 1), in the scene that the stand-ins agree on


def scene(height: int, width: int) -> np.ndarray:
    """Relative depth of a ground plane or so: far above, near below, with a box in front."""
    rows = np.linspace(1, 0, height)[:, None] + np.linspace(0, 0.1, width)
    rows[height // 2 :, : width // 4] = 0.1
    return rows.astype(np.float32)


class Moge(nn.Module):
    """Stands in for MoGe-2: knows the scene, sees sky in the top tenth, and 70 degrees."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[tuple[int, ...], float | None]] = []

    def infer(self, image: Tensor, fov_x: float | None = None) -> MoGe2Prediction:
        self.asked.append((tuple(image.shape), fov_x))
        height, width = image.shape[-2:]
        depth = torch.from_numpy(np.expm1(SLOPE * scene(height, width) + INTERCEPT))[None]
        mask = torch.ones_like(depth, dtype=torch.bool)
        mask[:, : height // 10] = False
        focal = 0.5 / math.tan(math.radians(70) / 2)
        intrinsics = torch.tensor([[[focal, 0, 0.5], [0, focal * width / height, 0.5], [0, 0, 1]]])
        return MoGe2Prediction(torch.where(mask, depth, torch.inf), mask, intrinsics)


def use_moge(monkeypatch: pytest.MonkeyPatch, model: Moge, here: bool = True) -> None:
    """Puts a stand-in in MoGe-2's place; ``here`` is whether its file need not be downloaded."""
    monkeypatch.setattr(loading_pytorch, "load_moge2", lambda *_: model)
    monkeypatch.setattr(hub, "find", lambda _: Path("moge") if here else None)
    monkeypatch.setattr(hub, "fetch", lambda *_: Path("moge"))


def sample(_model: object, image: Tensor, *_rest: object) -> Tensor:
    """In place of ``PixelPerfectDepth.sample``: the scene's relative depth."""
    return torch.from_numpy(scene(*image.shape[-2:]))[None, None]
