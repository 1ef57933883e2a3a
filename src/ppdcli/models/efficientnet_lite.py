"""EfficientNet-Lite as an image encoder (EfficientNet, arXiv 1905.11946).

The Lite variants have no squeeze-and-excitation and use ReLU6, so they are fast on every processor.
ImageNet weights are available under Apache-2.0.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

STEM = 32
Stages = Sequence[Sequence[int]]
# Stages of Lite2: expansion, kernel, stride of the first block, channels, blocks.
LITE2: Stages = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 3),
    (6, 5, 2, 48, 3),
    (6, 3, 2, 88, 4),
    (6, 5, 1, 120, 4),
    (6, 5, 2, 208, 5),
    (6, 3, 1, 352, 1),
)
MOST_STAGES, MOST_CHANNELS, MOST_BLOCKS = 16, 4096, 64
EPSILON = 1e-3  # of the batch norms; TensorFlow's default


class SameConv(nn.Conv2d):
    """A convolution with TensorFlow's padding. The output side is the input side / stride, rounded
    up. With stride 2 the padding is larger at the right and at the bottom.
    """

    def __init__(
        self, c_in: int, c_out: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        same = kernel // 2 if stride == 1 else 0
        super().__init__(c_in, c_out, kernel, stride, same, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        if stride > 1:
            height, width = (max(kernel - (side % stride or stride), 0) for side in x.shape[-2:])
            x = F.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))
        return super().forward(x)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=EPSILON)


class InvertedResidual(nn.Module):
    """Expand (1 x 1), filter each channel, project (1 x 1); adds the input if the shapes match."""

    def __init__(self, c_in: int, c_out: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        inner = c_in * expansion
        self.adds_input = stride == 1 and c_in == c_out
        self.expand = (
            None
            if expansion == 1
            else nn.Sequential(SameConv(c_in, inner, 1), _norm(inner), nn.ReLU6(inplace=True))
        )
        self.filter = nn.Sequential(
            SameConv(inner, inner, kernel, stride, groups=inner),
            _norm(inner),
            nn.ReLU6(inplace=True),
        )
        self.project = nn.Sequential(SameConv(inner, c_out, 1), _norm(c_out))

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else self.expand(x)
        y = self.project(self.filter(y))
        return x + y if self.adds_input else y


def check_stages(stages: Stages) -> None:
    """Checks that an ``EfficientNetLite`` can be built from these stages.

    Raises:
        ValueError: It cannot, or it would not have features at four strides.
    """
    if not isinstance(stages, Sequence) or not 1 <= len(stages) <= MOST_STAGES:
        raise ValueError(f"stages must be a list of 1 to {MOST_STAGES}")
    for stage in stages:
        if not isinstance(stage, Sequence) or len(stage) != 5:
            raise ValueError(f"a stage must be 5 numbers, not {stage!r}")
        limits = ((1, 16), (1, 15), (1, 2), (1, MOST_CHANNELS), (1, MOST_BLOCKS))
        for value, (least, most) in zip(stage, limits, strict=True):
            if type(value) is not int or not least <= value <= most:
                raise ValueError(f"a stage's number must be from {least} to {most}, not {value!r}")
    if sum(stage[2] == 2 for stage in stages) != 4:
        raise ValueError("four of the stages must have stride 2")


def feature_stages(stages: Stages) -> list[int]:
    """Returns the indices of the stages whose outputs are the features at strides 4, 8, 16, 32."""
    ends = [k - 1 for k, stage in enumerate(stages) if stage[2] == 2] + [len(stages) - 1]
    return ends[1:]


class EfficientNetLite(nn.Module):
    """Maps an image (N, 3, H, W) in [0, 1] to features at strides 4, 8, 16 and 32.

    Args:
        stages: In the form of ``LITE2``; see ``check_stages``.

    Attributes:
        channels: Channels of the features at strides 4, 8, 16 and 32. The sides of the features
            are those of the image divided by the stride, rounded up.
    """

    def __init__(self, stages: Stages = LITE2) -> None:
        super().__init__()
        self.stem = nn.Sequential(SameConv(3, STEM, 3, 2), _norm(STEM), nn.ReLU6(inplace=True))
        self.stages = nn.ModuleList()
        c_in = STEM
        for expansion, kernel, stride, channels, blocks in stages:
            stage = nn.Sequential()
            for k in range(blocks):
                first = stride if k == 0 else 1
                stage.append(InvertedResidual(c_in, channels, expansion, kernel, first))
                c_in = channels
            self.stages.append(stage)
        self._features = feature_stages(stages)
        self.channels = tuple(stages[k][3] for k in self._features)

    def forward(self, image: Tensor) -> list[Tensor]:
        x = self.stem(image * 2 - 1)
        features = []
        for k, stage in enumerate(self.stages):
            x = stage(x)
            if k in self._features:
                features.append(x)
        return features
