"""Enlargement of a depth map on a graphics card: ``geometry.upsample`` as tensor operations."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import cache, partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ppdcli.devices import lacks_memory
from ppdcli.geometry.step_cells import COLOR_SIGMA, LEAST_LIKENESS, make_axis
from ppdcli.geometry.upsample import Enlarge, default_edge, upsample_depth

BAND_PIXELS = 1 << 20  # of the result at a time, which bounds the memory


def enlarge_on(device: torch.device) -> Enlarge:
    """Returns what enlarges fastest where a model is on ``device``."""
    if device.type == "cuda":
        return partial(enlarge, device=device)
    return upsample_depth


def enlarge(
    values: np.ndarray,
    height: int,
    width: int,
    edge: float | None = None,
    guide: np.ndarray | None = None,
    *,
    device: torch.device,
) -> np.ndarray:
    """``upsample_depth`` on a device; on the processor where an axis shrinks or memory is short.

    The result is that of ``upsample_depth`` within 1e-6 of the range of the values, except at
    pixels where two surfaces weigh the same within rounding, at most 1 of 100,000. These may get
    the depth of the other surface.
    """
    h, w = values.shape
    if (h, w) == (height, width) or h > height or w > width or values.size == 0:
        return upsample_depth(values, height, width, edge, guide)
    try:
        with _beside_the_network(device):
            return _enlarge(values, height, width, edge, guide, device)
    except RuntimeError as error:
        if not lacks_memory(error):
            raise
        return upsample_depth(values, height, width, edge, guide)


def _beside_the_network(device: torch.device) -> AbstractContextManager[object]:
    """Inside, a card does not wait for the network's steps, which another thread queues ahead."""
    if device.type != "cuda":
        return nullcontext()
    return torch.cuda.stream(_urgent_stream(device))


@cache  # one for all threads: each stream keeps memory of its own
def _urgent_stream(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device, priority=-1)


@torch.inference_mode()
def _enlarge(
    values: np.ndarray,
    height: int,
    width: int,
    edge: float | None,
    guide: np.ndarray | None,
    device: torch.device,
) -> np.ndarray:
    known = values.astype(np.float32)  # a copy
    known[~np.isfinite(known)] = np.nan
    if edge is None:
        edge = default_edge(known)
    source = torch.from_numpy(known).to(device)
    y = _Axis.of(known.shape[0], height, device)
    x = _Axis.of(known.shape[1], width, device)
    cells = _Cells.of(source, edge, y, x)
    picture = small = None
    if guide is not None:
        # PyTorch takes no array that is not to be written.
        picture = torch.from_numpy(np.require(guide, requirements=["C", "W"])).to(device)
        small = area_mean(picture, *known.shape)
    left, right = source[:, x.low], source[:, x.high]
    across = (right - left) * x.weight + left
    result = np.empty((height, width), np.float32)
    rows = max(1, BAND_PIXELS // width)
    for start in range(0, height, rows):
        band = y.part(slice(start, start + rows))
        upper = across[band.low]
        block = (across[band.high] - upper) * band.weight[:, None] + upper
        inside = cells.number[band.cell][:, x.cell].flatten()  # -1 outside of the cells with a step
        pixels = (inside >= 0).nonzero()[:, 0]
        row, column = pixels // width, pixels % width
        weights = _bilinear_weights(band.weight[row], x.weight[column])
        if picture is not None and small is not None:
            colors = picture[start : start + rows].view(-1, 3)[pixels].float()
            lows_and_highs = (band.low[row], band.high[row]), (x.low[column], x.high[column])
            weights *= _likeness(small, colors, *lows_and_highs)
        block.view(-1)[pixels] = cells.mean_of_heaviest_group(inside[pixels], weights)
        torch.from_numpy(result[start : start + rows]).copy_(block)
    return result


class _Axis(NamedTuple):
    """``step_cells.Axis`` by pixels: the cell of each, the coarse pixels beside it, its weight."""

    cell: Tensor
    low: Tensor
    high: Tensor
    weight: Tensor

    @classmethod
    def of(cls, coarse: int, size: int, device: torch.device) -> _Axis:
        axis = make_axis(coarse, size)
        cell = np.repeat(np.arange(len(axis.low)), np.diff(axis.start))
        parts = (cell, axis.low[cell], axis.high[cell], axis.weight)
        return cls(*(torch.from_numpy(part).to(device) for part in parts))

    def part(self, pixels: slice) -> _Axis:
        return _Axis(*(values[pixels] for values in self))


class _Cells(NamedTuple):
    """The cells with a step or a hole, N of them; see ``step_cells.Cells``.

    Attributes:
        number: (h + 1, w + 1) the number of each cell, -1 for all others.
        corner: (4, N) corners from near to far, holes last.
        value: (4, N) their depths.
        group: (4, N) the surface of each, from 0; -1 for holes.
    """

    number: Tensor
    corner: Tensor
    value: Tensor
    group: Tensor

    @classmethod
    def of(cls, source: Tensor, edge: float, y: _Axis, x: _Axis) -> _Cells:
        found = cells_with_step(source, edge)
        # Where the map is hardly enlarged, a cell can be without a pixel; its number is not used.
        number = torch.full(found.shape, -1, device=source.device)
        rows, columns = found.nonzero(as_tuple=True)
        number[rows, columns] = torch.arange(len(rows), device=source.device)
        h, w = source.shape
        corners = [
            source[r, c]
            for r in ((rows - 1).clamp(min=0), rows.clamp(max=h - 1))
            for c in ((columns - 1).clamp(min=0), columns.clamp(max=w - 1))
        ]
        value, corner = torch.stack(corners).sort(dim=0, stable=True)  # NaN comes last
        group = F.pad((value.diff(dim=0) > edge).long().cumsum(dim=0), (0, 0, 1, 0))
        return cls(number, corner, value, torch.where(value.isnan(), -1, group))

    def mean_of_heaviest_group(self, number: Tensor, weights: Tensor) -> Tensor:
        """See ``step_cells.mean_of_heaviest_group``.

        Args:
            number: (P,) the cell of each pixel.
            weights: (4, P) of its corners.
        """
        value, group = self.value[:, number], self.group[:, number]
        weights = weights.gather(0, self.corner[:, number])
        most = torch.zeros_like(weights[0]) - 1
        result = torch.full_like(most, torch.nan)
        surfaces = torch.zeros_like(most)
        for surface in range(4):
            member = group == surface
            weight = torch.where(member, weights, 0)
            total = _sum(weight)
            # The first corner of a surface is its nearest.
            nearest = torch.where(member, value, torch.inf).amin(dim=0)
            beyond = _sum(torch.where(member, (value - nearest) * weight, 0))
            heavier = (total > most) & member.any(dim=0)
            # A lone corner is taken as it is, even if its weight is 0.
            mean = torch.where(total > 0, nearest + beyond / total, nearest)
            result = torch.where(heavier, mean, result)
            most = torch.where(heavier, total, most)
            surfaces = surfaces + total
        holes = _sum(torch.where(group < 0, weights, 0))
        return torch.where(surfaces < holes, torch.nan, result)


def _sum(values: Tensor) -> Tensor:
    """Sums four rows in their order, as NumPy does."""
    first, second, third, fourth = values
    return first + second + third + fourth


def _bilinear_weights(y: Tensor, x: Tensor) -> Tensor:
    return torch.stack(((1 - y) * (1 - x), (1 - y) * x, y * (1 - x), y * x))


def _likeness(
    small: Tensor, colors: Tensor, rows: tuple[Tensor, Tensor], columns: tuple[Tensor, Tensor]
) -> Tensor:
    """Returns ``step_cells.likeness``, (4, P)."""
    squares = [(colors - small[r, c]).square() for r in rows for c in columns]
    apart = torch.stack([square[:, 0] + square[:, 1] + square[:, 2] for square in squares])
    return (apart / (-2 * COLOR_SIGMA**2)).exp() + LEAST_LIKENESS


def area_mean(picture: Tensor, height: int, width: int) -> Tensor:
    """``upsample.area_mean`` of a tensor (H, W, 3) uint8: (height, width, 3) float32."""
    rows, columns = (
        torch.arange(size + 1, device=picture.device) * larger // size
        for size, larger in zip((height, width), picture.shape, strict=False)
    )
    sums = torch.cat(list(_sums_of_rows(picture, rows.tolist())))
    sums = F.pad(sums.cumsum(dim=1), (0, 0, 1, 0))[:, columns].diff(dim=1)
    counts = rows.diff()[:, None, None] * columns.diff()[:, None]
    return sums / counts.float()


def _sums_of_rows(picture: Tensor, starts: list[int]) -> Iterator[Tensor]:
    """Yields the sums of the rows between the starts, (some, W, 3) int64, in bands."""
    size = max(1, BAND_PIXELS * (len(starts) - 1) // (picture.shape[0] * picture.shape[1]))
    for first in range(0, len(starts) - 1, size):
        part = starts[first : first + size + 1]
        sums = picture[part[0] : part[-1]].cumsum(dim=0, dtype=torch.int32)
        ends = torch.tensor(part, device=picture.device) - part[0]
        yield F.pad(sums, (0, 0, 0, 0, 1, 0))[ends].diff(dim=0)


def cells_with_step(source: Tensor, edge: float) -> Tensor:
    """Returns (h + 1, w + 1) bool: the cells with a step or a hole; see ``step_cells``."""
    down = _repeat(F.pad(_steps(source.T, edge).T, (0, 0, 1, 1)), (1, 0))
    right = _repeat(F.pad(_steps(source, edge), (1, 1)), (0, 1))
    hole = _repeat(source.isnan(), (1, 1))
    return (
        (down[:, :-1] | down[:, 1:] | right[:-1] | right[1:])
        | (hole[:-1, :-1] | hole[:-1, 1:] | hole[1:, :-1] | hole[1:, 1:])
    )  # fmt: skip


def _repeat(mask: Tensor, columns_and_rows: tuple[int, int]) -> Tensor:
    """Repeats the border of a mask: its columns, its rows."""
    columns, rows = columns_and_rows
    if columns:
        mask = torch.cat((mask[:, :1], mask, mask[:, -1:]), dim=1)
    if rows:
        mask = torch.cat((mask[:1], mask, mask[-1:]))
    return mask


def _steps(source: Tensor, edge: float) -> Tensor:
    """Returns (h, w - 1) bool: where a row has a step."""
    difference = source.diff(dim=1)
    beside = F.pad(difference, (1, 1), value=torch.nan)
    sign = difference.sign()
    slope = torch.fmin(beside[:, :-2] * sign, beside[:, 2:] * sign)
    flatter = torch.fmax(slope, torch.zeros_like(slope))
    return difference.abs() - 2 * flatter > edge
