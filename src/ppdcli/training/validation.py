"""Validation of a network during training: scores and pictures of scenes that are never trained on.

The scenes also differ from those of ``ppd evaluate synthetic``, so that choosing a checkpoint by
these scores does not bias that evaluation.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from ppdcli.depth import DepthMap
from ppdcli.evaluation.metrics import align_log, score
from ppdcli.files import preview
from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.pixel_perfect import PixelPerfectDepth, draw_noise
from ppdcli.models.pyramid_encoder import PyramidEncoder
from ppdcli.models.tensors import to_tensor
from ppdcli.scenes.primitives.series import make_samples
from ppdcli.scenes.samples import SKY_DEPTH, Samples

SEED, BANK = 15_001, 80_001
COUNT, SHOWN = 24, 6  # number of scenes; number of them in the picture
SHAPE = (192, 256)
STEPS = (1, 4)


Sampler = Callable[[Tensor], Tensor]  # image (1, 3, H, W) -> depth (1, 1, h, w)


class Validation:
    """Scores networks during training, and draws their predictions.

    Args:
        folder: Folder for ``encoder.png`` and ``diffusion.png``. Each row shows a scene: the photo,
            its depth, and the predictions.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def scenes(self) -> Samples:
        """The scenes, rendered at the first use."""
        return make_samples(SEED, 0, COUNT, SHAPE, BANK)

    def encoder(self, encoder: PyramidEncoder) -> str:
        """Scores the encoder's own depth at its finest level.

        Returns:
            A line for the user.
        """
        device = next(encoder.parameters()).device

        def depth(image: Tensor) -> Tensor:
            return encoder.depths(image.to(device))[0]

        return self._check("encoder", encoder, {"": depth})

    def diffusion(self, encoder: PyramidEncoder, network: CasDiT) -> str:
        """Scores the sampler's depth after one step and after four; returns a line for the user."""
        device = next(network.parameters()).device
        model = PixelPerfectDepth(network, encoder)
        noise = draw_noise(*SHAPE, 0)

        def sampled(steps: int) -> Sampler:
            return lambda image: model(image.to(device), noise.to(device), steps)

        return self._check(
            "diffusion", model, {f" in {steps} steps": sampled(steps) for steps in STEPS}
        )

    def _check(self, stage: str, network: nn.Module, ways: dict[str, Sampler]) -> str:
        training = network.training
        network.eval()
        maps = {
            way: [self._predict(sample, k) for k in range(COUNT)] for way, sample in ways.items()
        }
        network.train(training)
        self._draw(stage, list(maps.values()))
        parts = [f"{self._scores(found)}{way}" for way, found in maps.items()]
        return f"{stage}, {COUNT} unseen scenes: {'; '.join(parts)}"

    @torch.no_grad()
    def _predict(self, sample: Sampler, number: int) -> np.ndarray:
        depth = sample(to_tensor(self.scenes.rgb[number]))[0, 0].float().cpu().numpy()
        return cv2.resize(depth, SHAPE[::-1], interpolation=cv2.INTER_LINEAR)

    def _scores(self, maps: list[np.ndarray]) -> str:
        scores = []
        for depth, truth in zip(maps, self.scenes.depth, strict=True):
            seen = truth < SKY_DEPTH
            if seen.any():
                scores.append(score(align_log(depth, truth, seen), truth, seen))
        abs_rel, delta1 = (
            np.mean([getattr(s, key) for s in scores]) for key in ("abs_rel", "delta1")
        )
        return f"AbsRel {abs_rel:.3f}, delta1 {delta1:.3f}"

    def _draw(self, stage: str, maps: list[list[np.ndarray]]) -> None:
        rows = []
        for k in range(SHOWN):
            truth = np.log1p(self.scenes.depth[k])
            depths = [truth, *(found[k] for found in maps)]
            pictures = [
                preview.colorize(DepthMap(d.astype(np.float32), "relative")) for d in depths
            ]
            rows.append(np.hstack([self.scenes.rgb[k], *pictures]))
        about = {"Comment": "photo, true depth, predicted depth; not data"}
        preview.write_picture(self.folder / f"{stage}.png", np.vstack(rows), about)
