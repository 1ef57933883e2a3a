"""Consistency over time of the depth of a film: pure functions of arrays.

A film has N frames of (H, W). Depth is in metres along the optical axis. Fit scale and shift once
for the whole film (``align_film``), because a fit of each frame hides flicker. ``flow``
(N - 1, H, W, 2) and ``visible`` (N - 1, H, W) are exact, as in ``scenes.sequences.Clip``.
"""

from __future__ import annotations

import numpy as np

from ppdcli.evaluation.metrics import align_log
from ppdcli.geometry.camera import Camera

SMOOTH = 1.05  # largest ratio of true depths in 2 x 2 pixels between which errors are interpolated
STILL = 0.05  # of the range of true depth: TGM ignores pixels that change more


def align_film(relative: np.ndarray, depth: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Converts a film's relative depth to metres, with one scale and one shift in log(depth + 1).

    Args:
        relative: (N, H, W), affine in log(depth + 1) up to errors.
        depth: (N, H, W) true metres.
        valid: (N, H, W) bool, the pixels to fit by least squares.

    Returns:
        (N, H, W) metres, clipped to [1e-3, the largest true depth].

    Raises:
        ValueError: No pixel is valid.
    """
    return align_log(relative, depth, valid)


def trajectory_error_change(
    predicted: np.ndarray,
    depth: np.ndarray,
    valid: np.ndarray,
    flow: np.ndarray,
    visible: np.ndarray,
) -> float:
    """TEC: how much the error of a surface point's log(depth + 1) changes from frame to frame.

    With q = log(predicted + 1) - log(depth + 1), it is the mean of |q_{t+1}(p') - q_t(p)| over
    frames t and pixels p that are visible at p' = p + flow in the next frame. q is interpolated
    between pixels. A pixel is left out if the four pixels around p' are not valid, or not of one
    smooth surface.

    It is 0 for any prediction whose errors stay with the surfaces, whatever camera and things do.
    A frozen map has the change of the truth, not 0.

    Args:
        predicted, depth: (N, H, W) metres, > 0.
        valid: (N, H, W) bool, the pixels with a true depth.
        flow, visible: See above.

    Returns:
        The mean, 0 or more; NaN if no pixel counts.
    """
    error = np.log1p(predicted.astype(np.float64)) - np.log1p(depth.astype(np.float64))
    total, count = 0.0, 0
    for t in range(len(flow)):
        corners, shares, taken = _around(flow[t], visible[t])
        around = depth[t + 1][corners]
        smooth = (around.max(0) < SMOOTH * around.min(0)) & valid[t + 1][corners].all(0)
        then = (error[t + 1][corners] * shares).sum(0)
        change = np.abs(then - error[t][taken])[smooth]
        total, count = total + float(change.sum()), count + change.size
    return total / count if count else float("nan")


def optical_flow_warping(predicted: np.ndarray, flow: np.ndarray, visible: np.ndarray) -> float:
    """OPW: mean change of predicted depth along the flow (FMNet, ACM MM 2022; NVDS, ICCV 2023).

    The mean over frames of the mean of |D_{t+1}(p') - D_t(p)| over the visible pixels. The papers
    weigh pixels by the similarity of their colours instead, for want of true visibility. The
    measure assumes that a point keeps its depth, so a camera that moves forward is punished for
    right depth.

    Args:
        predicted: (N, H, W) metres.
        flow, visible: See above.

    Returns:
        Metres; NaN if no pixel counts.
    """
    means = []
    for t in range(len(flow)):
        corners, shares, taken = _around(flow[t], visible[t])
        then = (predicted[t + 1][corners] * shares).sum(0)
        if then.size:
            means.append(float(np.abs(then - predicted[t][taken]).mean()))
    return float(np.mean(means)) if means else float("nan")


def temporal_alignment_error(
    predicted: np.ndarray, valid: np.ndarray, poses: np.ndarray, camera: Camera
) -> float:
    """TAE: AbsRel between each frame and its neighbours carried to it by the true poses, in per
    cent (Depth Any Video, arXiv 2410.10815; the code of Video Depth Anything). For static scenes.

    Each frame's points are carried to the next frame and to the one before. They are rounded to the
    nearest pixel without a depth test, as in that code, so that even the truth is not quite 0.

    Args:
        predicted: (N, H, W) metres.
        valid: (N, H, W) bool; other pixels are left out.
        poses: (N, 4, 4) camera to world.
        camera: The camera of every frame.

    Returns:
        Per cent; NaN if no pixel counts.
    """
    known = np.where(valid, predicted, 0.0).astype(np.float64)
    steps = []
    for t in range(len(known) - 1):
        forward = np.linalg.inv(poses[t + 1]) @ poses[t]
        there = _apart(_carried(known[t], forward, camera), known[t + 1])
        back = _apart(_carried(known[t + 1], np.linalg.inv(forward), camera), known[t])
        steps.append((there + back) / 2)
    return 100 * float(np.mean(steps)) if steps else float("nan")


def temporal_gradient_matching(
    predicted: np.ndarray, depth: np.ndarray, valid: np.ndarray
) -> float:
    """TGM: mean of | |D_{t+1} - D_t| - |Z_{t+1} - Z_t| | at the same pixel, where the true change
    is below 5 % of the range of true depth (Video Depth Anything, arXiv 2501.12375).

    Args:
        predicted, depth: (N, H, W) metres.
        valid: (N, H, W) bool; a pixel counts if it is valid in both frames.

    Returns:
        Metres; NaN if no pixel counts.
    """
    change = np.abs(np.diff(predicted.astype(np.float64), axis=0))
    true_change = np.abs(np.diff(depth.astype(np.float64), axis=0))
    surfaces = depth[valid]
    if not surfaces.size:
        return float("nan")
    still = true_change < STILL * float(np.ptp(surfaces))
    counts = still & valid[1:] & valid[:-1]
    return float(np.abs(change - true_change)[counts].mean()) if counts.any() else float("nan")


def _around(
    flow: np.ndarray, visible: np.ndarray
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray, np.ndarray]:
    """Returns the (rows, columns), each (4, M), of the pixels around the M targets of the visible
    pixels, their bilinear shares (4, M), and ``visible``."""
    height, width = visible.shape
    row, column = np.nonzero(visible)
    u = np.clip(column + flow[visible, 0].astype(np.float64), 0, width - 1)
    v = np.clip(row + flow[visible, 1].astype(np.float64), 0, height - 1)
    left = np.minimum(u.astype(np.intp), max(width - 2, 0))
    top = np.minimum(v.astype(np.intp), max(height - 2, 0))
    x, y = u - left, v - top
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    rows, columns = np.stack([top, top, bottom, bottom]), np.stack([left, right, left, right])
    shares = np.stack([(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y])
    return (rows, columns), shares, visible


def _carried(depth: np.ndarray, motion: np.ndarray, camera: Camera) -> np.ndarray:
    """Returns depth (H, W) carried to another camera's pixels, 0 where nothing arrives."""
    height, width = depth.shape
    v, u = np.nonzero(depth > 0)
    z = depth[v, u]
    points = np.stack([(u - camera.cx) / camera.fx * z, (v - camera.cy) / camera.fy * z, z])
    x, y, z = motion[:3, :3] @ points + motion[:3, 3:]
    ahead = z > 0
    x, y, z = x[ahead], y[ahead], z[ahead]
    column = np.rint(camera.cx + camera.fx * x / z)
    row = np.rint(camera.cy + camera.fy * y / z)
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    carried = np.zeros_like(depth)
    carried[row[inside].astype(np.intp), column[inside].astype(np.intp)] = z[inside]
    return carried


def _apart(carried: np.ndarray, target: np.ndarray) -> float:
    both = (carried > 0) & (target > 0)
    if not both.any():
        return float("nan")
    return float((np.abs(target - carried)[both] / target[both]).mean())
