"""A decoded frame of any pixel format -> upright 8-bit sRGB with square pixels."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from av import VideoFrame

# FFmpeg's numbers (libavutil/pixfmt.h).
PQ, HLG = 16, 18  # transfer characteristics of HDR: SMPTE ST 2084, and ARIB STD-B67
BT709, UNKNOWN, BT2020 = 1, 2, 9
WHITE = 203.0  # candelas per square metre of white in graphics (ITU-R BT.2408)
HIGHLIGHTS = 4.0  # brightness in units of white that becomes the brightest pixel
TO_SRGB = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)  # from the primaries of BT.2020 to those of BT.709 (ITU-R BT.2087)


def upright_rgb(frame: VideoFrame, pixel_aspect: Fraction, size: tuple[int, int] | None) -> Any:
    """Converts a frame.

    Args:
        frame: as decoded.
        pixel_aspect: width of a pixel / its height.
        size: (height, width) of the result; None: the frame's own.

    Returns:
        (H, W, 3) uint8.
    """
    if is_hdr(frame):
        rgb = _tone_mapped(frame)
    elif has_alpha(frame):
        rgba = frame.to_ndarray(format="rgba").astype(np.uint16)
        alpha = rgba[..., 3:]
        rgb = ((rgba[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    else:
        rgb = _rgb(frame, "rgb24")
    if pixel_aspect != 1:
        width = _square_width(frame, pixel_aspect)
        rgb = cv2.resize(rgb, (width, rgb.shape[0]), interpolation=cv2.INTER_AREA)
    rgb = np.rot90(rgb, _quarter_turns(frame))
    if size is not None and rgb.shape[:2] != size:
        rgb = cv2.resize(np.ascontiguousarray(rgb), size[::-1], interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(rgb)


def upright_size(frame: VideoFrame, pixel_aspect: Fraction) -> tuple[int, int]:
    """(height, width) of a frame that is converted to its own size."""
    size = frame.height, _square_width(frame, pixel_aspect)
    return size[::-1] if _quarter_turns(frame) % 2 else size


def _square_width(frame: VideoFrame, pixel_aspect: Fraction) -> int:
    return max(1, round(frame.width * pixel_aspect))


def _quarter_turns(frame: VideoFrame) -> int:
    return round(frame.rotation / 90) % 4


def is_hdr(frame: VideoFrame) -> bool:
    """Whether the frame's brightness is that of HDR."""
    return frame.color_trc in (PQ, HLG)


def has_alpha(frame: VideoFrame) -> bool:
    """Whether the frame has transparency."""
    return any(component.is_alpha for component in frame.format.components)


def depth_in_bits(frame: VideoFrame) -> int:
    """Bits of a colour."""
    return max(component.bits for component in frame.format.components)


def _rgb(frame: VideoFrame, pixel_format: str) -> np.ndarray:
    colours: Any = frame.colorspace
    if colours == UNKNOWN and frame.height >= 720 and not frame.format.is_rgb:
        colours = BT709  # the convention for high definition; FFmpeg would take BT.601
    return frame.reformat(format=pixel_format, src_colorspace=colours).to_ndarray()


def _tone_mapped(frame: VideoFrame) -> np.ndarray:
    """HDR -> sRGB: to linear light, to sRGB's primaries, highlights rolled off, then its curve."""
    code = _rgb(frame, "rgb48le").astype(np.float32) / np.float32(65535)
    light = _linear_pq(code) if frame.color_trc == PQ else _linear_hlg(code)
    light = np.maximum(light @ TO_SRGB.T, 0)
    # Reinhard's curve with a white point, on the largest channel, so that the hue stays.
    most = np.maximum(light.max(axis=-1, keepdims=True), np.float32(1e-6))
    light *= (1 + most / HIGHLIGHTS**2) / (1 + most)
    light = np.clip(light, 0, 1)
    curved = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(curved * 255).astype(np.uint8)


def _linear_pq(code: np.ndarray) -> np.ndarray:
    """In units of white."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    power = code ** np.float32(1 / m2)
    light = (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)
    return (light * (10000 / WHITE)).astype(np.float32)


def _linear_hlg(code: np.ndarray) -> np.ndarray:
    """In units of white, for a screen of 1000 candelas per square metre."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    brightness = scene @ np.array([0.2627, 0.678, 0.0593], np.float32)
    shown = scene * np.maximum(brightness, 1e-6)[..., None] ** 0.2
    return (shown * (1000 / WHITE)).astype(np.float32)
