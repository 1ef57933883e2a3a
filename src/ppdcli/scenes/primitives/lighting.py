"""Light effects that the ray-caster's single lamp lacks, from the picture and its exact depth."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from ppdcli.scenes.natural_textures import SIZE
from ppdcli.scenes.primitives.render import focal_length, render
from ppdcli.scenes.primitives.shapes import Scene, rotation
from ppdcli.scenes.primitives.textures import TextureBank
from ppdcli.scenes.samples import SKY_DEPTH


def illuminate(scene: Scene, light: np.ndarray, depth: np.ndarray, bank: TextureBank) -> np.ndarray:
    """Adds the scene's dark creases, lamps, reflecting ground and sun glare.

    Args:
        scene: The scene.
        light: (H, W, 3) float32, linear, as rendered.
        depth: (H, W) float32 metres, as rendered.
        bank: The scene's textures.

    Returns:
        (H, W, 3) float32 linear light >= 0; ``light`` itself if the scene has none of these.
    """
    if scene.creases > 0:
        light = _darken_creases(light, depth, scene.creases)
    if not (scene.lamps or scene.mirror or scene.glare):
        return light
    directions = _directions(scene, *depth.shape)
    if scene.lamps:
        light = _add_lamps(scene, light, depth, directions)
    if scene.mirror > 0:
        light = _add_reflection(scene, light, depth, directions, bank)
    if scene.glare > 0:
        light = _add_glare(scene, light, depth, directions)
    return light


def _directions(scene: Scene, height: int, width: int) -> np.ndarray:
    """Returns (H, W, 3) rays in the world, of length 1 along the optical axis."""
    focal = focal_length(scene.fov, height, width)
    up, right = np.mgrid[:height, :width].astype(np.float32)
    up, right = (0.5 * (height - 1) - up) / focal, (right - 0.5 * (width - 1)) / focal
    local = np.stack([right, up, np.ones_like(up)], -1)
    return local @ rotation(scene.yaw, scene.pitch, scene.roll).T.astype(np.float32)


def _darken_creases(light: np.ndarray, depth: np.ndarray, strength: float) -> np.ndarray:
    """Darkens corners, and the places under things and where things touch.

    There a pixel is farther than predicted from the two on opposite sides: on a plane 1 / depth is
    linear in the picture. A pixel that is much nearer or farther belongs to another object and is
    ignored.
    """
    nearness = 1 / depth
    shade = np.zeros_like(depth)
    for share in (0.012, 0.045):
        step = max(1, round(share * depth.shape[1]))
        padded = cv2.copyMakeBorder(nearness, step, step, step, step, cv2.BORDER_REPLICATE)
        for y, x in ((0, 1), (1, 0), (0.7, 0.7), (0.7, -0.7)):
            dy, dx = round(y * step), round(x * step)
            before = _shifted(padded, step, -dy, -dx) * depth - 1
            after = _shifted(padded, step, dy, dx) * depth - 1
            close = np.maximum(1 - 20 * np.maximum(before * before, after * after), 0)
            close[: abs(dy)] = close[depth.shape[0] - abs(dy) :] = 0
            close[:, : abs(dx)] = close[:, depth.shape[1] - abs(dx) :] = 0
            shade += np.maximum(before + after, 0) * close
    return light * (1 - strength * np.minimum(shade * 5, 0.85))[..., None]


def _shifted(padded: np.ndarray, margin: int, dy: int, dx: int) -> np.ndarray:
    """Returns the picture inside a margin, read from ``dy`` rows down and ``dx`` columns right."""
    height, width = (side - 2 * margin for side in padded.shape)
    return padded[margin + dy : margin + dy + height, margin + dx : margin + dx + width]


def _add_lamps(
    scene: Scene, light: np.ndarray, depth: np.ndarray, directions: np.ndarray
) -> np.ndarray:
    """Lamps brighten nearby surfaces. The ambient light on a surface gives its colour."""
    points = directions * depth[..., None] + np.array([scene.x, scene.height, scene.z], np.float32)
    gain = np.zeros_like(light)
    for lamp in scene.lamps:
        distance = np.linalg.norm(points - lamp.place.astype(np.float32), axis=-1) / lamp.reach
        gain += (1 / (0.15 + distance**2))[..., None] * lamp.color.astype(np.float32)
    gain[depth == SKY_DEPTH] = 0
    return light * (1 + gain)


def _add_reflection(
    scene: Scene, light: np.ndarray, depth: np.ndarray, directions: np.ndarray, bank: TextureBank
) -> np.ndarray:
    """Adds the reflection in the ground: the scene seen from as far below it, upside down."""
    height, width = depth.shape
    falling = np.minimum(directions[..., 1], -1e-6)
    ground = (directions[..., 1] < 0) & (np.abs(-scene.height / falling / depth - 1) < 1e-3)
    if not ground.any():
        return light
    below = replace(scene, height=-scene.height, pitch=-scene.pitch, roll=-scene.roll)
    half = max(height // 2, 1), max(width // 2, 1)  # fine detail would not be visible
    mirrored = cv2.resize(render(below, *half, bank)[0][::-1], (width, height))
    slant = -falling / np.linalg.norm(directions, axis=-1)
    share = scene.mirror + (1 - scene.mirror) * (1 - slant) ** 5
    if scene.ripples > 0:
        mirrored = _ripple(scene, mirrored, depth, directions, bank)
    share = (share * ground)[..., None]
    return light * (1 - share) + mirrored * share


def _ripple(
    scene: Scene, mirrored: np.ndarray, depth: np.ndarray, directions: np.ndarray, bank: TextureBank
) -> np.ndarray:
    """Shifts the reflection up and down by waves that shrink with distance."""
    height, width = depth.shape
    texture = int(abs(scene.light[2])) % max(bank.count // 2, 1) * 2 * SIZE * SIZE
    waves = bank.texels[texture : texture + SIZE * SIZE].reshape(SIZE, SIZE)
    east, north = directions[..., 0] * depth + scene.x, directions[..., 2] * depth + scene.z
    across = (east * 18 / scene.height).astype(np.int64) % SIZE
    along = (north * 40 / scene.height).astype(np.int64) % SIZE
    slope = cv2.GaussianBlur(waves[along, across] - np.float32(0.5), (0, 0), 0.7)
    shift = slope * 2 * scene.ripples * focal_length(scene.fov, height, width)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return cv2.remap(
        mirrored, x, (y + shift).astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )


def _add_glare(
    scene: Scene, light: np.ndarray, depth: np.ndarray, directions: np.ndarray
) -> np.ndarray:
    """Adds a halo around the sun, in the sky and more faintly over things in front of it."""
    sun = (scene.light / np.linalg.norm(scene.light)).astype(np.float32)
    cosine = np.maximum(directions @ sun / np.linalg.norm(directions, axis=-1), 0)
    halo = scene.glare * (0.25 * cosine**6 + cosine**60 + 8 * cosine**2000)
    halo = np.where(depth == SKY_DEPTH, halo, 0.12 * halo)
    return light + halo[..., None] * scene.light_color.astype(np.float32)
