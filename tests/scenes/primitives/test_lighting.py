"""Light that follows from the picture and its depth: creases, lamps, mirrors, the sun's halo."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ppdcli.scenes.primitives.lighting import illuminate
from ppdcli.scenes.primitives.render import render
from ppdcli.scenes.primitives.shapes import BOX, CARD, Lamp, Material, Scene, rotation
from ppdcli.scenes.primitives.textures import make_texture_bank
from ppdcli.scenes.samples import SKY_DEPTH

BANK = make_texture_bank(1, count=6)
GREY = Material(np.full(3, 0.5), np.full(3, 0.5), 0, 0, 1.0, grain_strength=0.0)
H, W = 96, 128


def scene(height: float = 1.5, pitch: float = 0.0) -> Scene:
    return Scene(height, pitch, 0.0, 60, ground=GREY, clouds=0.0)


def before_and_after(what: Scene) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    light, depth = render(what, H, W, BANK)
    kept = light.copy()
    lit = illuminate(what, light, depth, BANK)
    np.testing.assert_array_equal(light, kept)
    assert lit.shape == light.shape and np.isfinite(lit).all() and (lit >= 0).all()
    return light, lit, depth


def test_a_plain_scene_stays_as_it_was_rendered() -> None:
    what = scene()
    light, depth = render(what, H, W, BANK)
    assert illuminate(what, light, depth, BANK) is light


def test_the_corners_of_a_room_are_darker_than_its_walls() -> None:
    room = (np.array([0.0, 1.5, 1.5]), np.array([1.2, 1.5, 2.0]), 0.0)
    what = replace(scene(), room=room, walls=GREY, creases=1.0)
    light, lit, _ = before_and_after(what)
    share = (lit / light)[..., 0]
    focal = 0.5 * W / np.tan(np.radians(30))
    corner = round((W - 1) / 2 - 1.2 / 3.5 * focal)  # the wall at the left meets the far one
    assert share[H // 2, corner] < 0.9
    assert share[H // 2 - 8 : H // 2 + 8, W // 2 - 15 : W // 2 + 15].min() > 0.98


def test_a_slanted_plane_has_no_creases_and_neither_has_a_silhouette() -> None:
    what = replace(scene(pitch=0.5), creases=1.0)
    light, lit, depth = before_and_after(what)
    ground = depth < 20
    assert ground.mean() > 0.5 and (lit / light)[ground].min() > 0.99
    aloft = replace(scene(100.0), creases=1.0)
    aloft.add(CARD, (-1, 100, 2), (1, 9, 1), GREY)  # the left half, far before the wall
    aloft.add(CARD, (0, 100, 8), (99, 99, 1), GREY)
    light, lit, _ = before_and_after(aloft)
    np.testing.assert_allclose(lit, light, rtol=0.02)


def test_a_lamp_brightens_what_is_near_it_and_not_the_sky() -> None:
    what = scene(pitch=0.2)
    what.lamps.append(Lamp(np.array([1.0, 1.0, 5.0]), np.array([1.0, 0.5, 0.0]), 1.0))
    light, lit, depth = before_and_after(what)
    sky = depth == SKY_DEPTH
    gain = (lit + 1e-6) / (light + 1e-6)
    np.testing.assert_allclose(gain[sky], 1)
    np.testing.assert_allclose(gain[..., 2], 1, rtol=1e-5)
    red = gain[..., 0]
    row, column = np.unravel_index(np.argmax(np.where(sky, 0, red)), sky.shape)
    focal = 0.5 * W / np.tan(np.radians(30))
    z = depth[row, column]
    assert (column - (W - 1) / 2) / focal * z == pytest.approx(1.0, abs=0.15)
    # On the ground, 1 m below the lamp: 1 / (0.15 + 1).
    assert red[row, column] == pytest.approx(1 + 1 / 1.15, rel=0.05)
    assert gain[row, column, 1] == pytest.approx(1 + 0.5 / 1.15, rel=0.05)


@pytest.mark.parametrize("pitch", [0.0, 0.15])
@pytest.mark.parametrize("roll", [0.0, 0.2])
def test_water_mirrors_what_stands_behind_it(pitch: float, roll: float) -> None:
    """A glowing box at x = 1, z = 10: its mirror image is as far below the ground."""
    red = Material(np.array([1.0, 0, 0]), np.array([1.0, 0, 0]), 0, 0, 1.0, 0.0, 0.0, 20.0)
    what = replace(scene(1.5, pitch), roll=roll, mirror=1.0)
    what.add(BOX, (1.0, 2.0, 10.0), (0.5, 0.5, 0.01), red)
    _, lit, depth = before_and_after(what)
    focal = 0.5 * W / np.tan(np.radians(30))
    axes = rotation(0.0, pitch, roll)

    def pixel(point: tuple[float, float, float]) -> tuple[int, int]:
        x, y, z = axes.T @ (np.array(point) - [0, 1.5, 0])
        return round((H - 1) / 2 - focal * y / z), round((W - 1) / 2 + focal * x / z)

    image, beside = pixel((1.0, -2.0, 10.0)), pixel((2.2, -2.0, 10.0))
    assert depth[image] < 9  # it is seen on the ground
    assert lit[image][0] > 5 and lit[image][0] > 20 * lit[beside][0]
    bare = render(replace(what, mirror=0.0), H, W, BANK)[0]
    above = pixel((1.0, 2.0, 10.0))
    np.testing.assert_array_equal(lit[above], bare[above])


def test_ground_out_of_water_mirrors_more_at_a_grazing_angle() -> None:
    dark = Material(np.full(3, 1e-3), np.full(3, 1e-3), 0, 0, 1.0, grain_strength=0.0)
    what = replace(scene(pitch=0.35), ground=dark, mirror=0.05, sky=np.ones((2, 3)))
    _, lit, depth = before_and_after(what)
    column = lit[depth[:, W // 2] < SKY_DEPTH, W // 2, 0]
    assert len(column) > 50 and (np.diff(column) <= 1e-3).all()  # from the horizon downwards
    assert column[2] > 0.5 and column[-1] < 0.2


def test_ripples_move_the_reflection_but_keep_its_light() -> None:
    calm = replace(scene(pitch=0.1), mirror=0.5)
    for z in range(4, 30, 2):
        calm.add(BOX, (z - 12.0, 1.0, z + 4.0), (0.4, 1.0, 0.4), GREY)
    still, rough = (before_and_after(replace(calm, ripples=ripples))[1] for ripples in (0.0, 0.05))
    depth = render(calm, H, W, BANK)[1]
    moved = np.abs(still - rough).max(-1) > 0.02
    right, up = np.mgrid[:H, :W][::-1]
    assert moved.mean() > 0.02 and not moved[: H // 4].any() and right.shape == up.shape
    assert rough[depth < SKY_DEPTH].mean() == pytest.approx(still[depth < SKY_DEPTH].mean(), 0.1)


def test_the_sky_is_brightest_at_the_sun() -> None:
    what = replace(scene(), light=900 * np.array([0.2, 0.25, 1.0]), glare=1.0)
    light, lit, depth = before_and_after(what)
    halo = np.where(depth == SKY_DEPTH, (lit - light)[..., 0], 0)
    row, column = np.unravel_index(np.argmax(halo), halo.shape)
    focal = 0.5 * W / np.tan(np.radians(30))
    assert abs(column - ((W - 1) / 2 + 0.2 * focal)) <= 1
    assert abs(row - ((H - 1) / 2 - 0.25 * focal)) <= 1
    assert (lit >= light).all()
