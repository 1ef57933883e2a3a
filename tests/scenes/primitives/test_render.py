"""The ray-caster against depth, light and sky worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ppdcli.scenes.natural_textures import SIZE
from ppdcli.scenes.primitives.compositions import compose
from ppdcli.scenes.primitives.render import render
from ppdcli.scenes.primitives.shapes import (
    BLADES,
    BLOB,
    BOX,
    CARD,
    CONE,
    ELLIPSOID,
    GRID,
    LEAFY,
    LEAVES,
    RIDGE,
    Material,
    Scene,
    rotation,
)
from ppdcli.scenes.primitives.textures import make_texture_bank
from ppdcli.scenes.samples import SKY_DEPTH

BANK = make_texture_bank(1, count=6)
GREY = Material(np.full(3, 0.5), np.full(3, 0.5), 0, 0, 1.0, grain_strength=0.0)
H, W = 60, 80
ALOFT = 128.0  # so high that the ground is beyond the sky, and exact in float32


def scene(height: float = ALOFT, pitch: float = 0.0, roll: float = 0.0, fov: float = 60) -> Scene:
    return Scene(height, pitch, roll, fov, ground=GREY, clouds=0.0)


def rays(fov: float = 60, height: int = H, width: int = W) -> tuple[np.ndarray, np.ndarray]:
    """How far right and up a pixel's ray has gone at depth 1, in a 4:3 picture."""
    focal = 0.5 * width / np.tan(np.radians(fov) / 2)
    row, column = np.mgrid[:height, :width]
    return (column - (width - 1) / 2) / focal, ((height - 1) / 2 - row) / focal


def depth_of(what: Scene, height: int = H, width: int = W) -> np.ndarray:
    return render(what, height, width, BANK)[1]


def color_of(what: Scene) -> np.ndarray:
    return render(what, H, W, BANK)[0]


def check(what: Scene, seen: np.ndarray, depth: np.ndarray | float) -> None:
    """The picture shows ``depth`` where ``seen``, and sky elsewhere."""
    assert 50 < seen.sum() < seen.size
    np.testing.assert_allclose(depth_of(what), np.where(seen, depth, SKY_DEPTH), rtol=2e-5)


@pytest.mark.parametrize("pitch", [0.0, 0.3, -0.1])
@pytest.mark.parametrize("roll", [0.0, 0.2])
def test_the_ground_is_a_plane_and_depth_is_along_the_optical_axis(
    pitch: float, roll: float
) -> None:
    right, up = rays()
    rise = np.cos(pitch) * (np.sin(roll) * right + np.cos(roll) * up) - np.sin(pitch)
    with np.errstate(divide="ignore"):
        expected = np.where(rise < 0, -1.6 / rise, np.inf)
    expected[expected >= SKY_DEPTH] = SKY_DEPTH
    assert (expected < 20).sum() > 500
    np.testing.assert_allclose(depth_of(scene(1.6, pitch, roll)), expected, rtol=1e-5)


def test_an_empty_scene_is_sky_above_and_ground_below() -> None:
    depth = depth_of(scene(1.6))
    assert (depth[: H // 2] == SKY_DEPTH).all()
    assert (depth[H // 2 + 2 :] < SKY_DEPTH).all()


def test_at_90_degrees_a_4_to_3_picture_is_as_wide_as_twice_the_distance() -> None:
    what = scene(fov=90)
    what.add(CARD, (0, ALOFT, 2), (1.99, 9, 1), GREY)
    assert (depth_of(what)[0] == 2).all()
    what.shapes[0].half[0] = 1.95
    assert (depth_of(what)[0] == SKY_DEPTH).nonzero()[0].tolist() == [0, W - 1]


def test_other_aspects_see_the_same_area() -> None:
    what = scene()
    what.add(ELLIPSOID, (0, ALOFT, 4), (1, 1, 1), GREY)
    counts = [(depth_of(what, h, w) < SKY_DEPTH).sum() for h, w in ((60, 80), (80, 60), (40, 120))]
    np.testing.assert_allclose(counts, counts[0], rtol=0.02)


def test_a_box_shows_its_flat_face() -> None:
    what = scene()
    what.add(BOX, (0, ALOFT, 5), (1.1, 0.7, 1), GREY)
    right, up = rays()
    check(what, (np.abs(right * 4) < 1.1) & (np.abs(up * 4) < 0.7), 4.0)


def test_a_box_turned_by_45_degrees_shows_two_slanted_faces() -> None:
    what = scene()
    what.add(BOX, (0, ALOFT, 5), (1, 1, 1), GREY, rotation(np.pi / 4))
    right, up = rays()
    depth = (5 - np.sqrt(2)) / (1 - np.abs(right))
    check(what, (np.abs(right) < np.sqrt(2) / 5) & (np.abs(up * depth) < 1), depth)


def test_a_ball_has_the_depth_and_the_silhouette_of_a_ball() -> None:
    what = scene()
    what.add(ELLIPSOID, (0, ALOFT, 4), (1, 1, 1), GREY)
    right, up = rays()
    square = 1 + right**2 + up**2
    root = np.sqrt(np.maximum(16 - 15 * square, 0))
    check(what, np.hypot(right, up) < 1 / np.sqrt(15), (4 - root) / square)
    assert depth_of(what)[H // 2, W // 2] == pytest.approx(3.0, abs=1e-3)


def test_a_turned_ellipsoid_reaches_as_far_as_its_long_axis() -> None:
    what = scene()
    what.add(ELLIPSOID, (0, ALOFT, 6), (2, 1, 0.5), GREY, rotation(np.pi / 2))
    depth = depth_of(what)
    assert depth[H // 2, W // 2] == pytest.approx(4.0, abs=1e-2)
    widest = (depth < SKY_DEPTH).any(0).nonzero()[0]
    right, _ = rays()
    # From a ray's point of view: half / sqrt(distance^2 - long^2).
    assert right[0, widest[-1]] == pytest.approx(0.5 / np.sqrt(32), abs=2 * right[0, W // 2])


@pytest.mark.parametrize("taper", [0.0, 0.5, 1.0])
def test_cylinders_and_cones_have_the_radius_of_their_height(taper: float) -> None:
    """Their surface: (right Z)^2 + (Z - 4)^2 = (a - b Z)^2, where a - b Z is the radius at up Z."""
    what = scene()
    what.add(CONE, (0, ALOFT, 4), (0.5, 0.8, 0.5), GREY, cut=(taper, 0.0, 0.0))
    right, up = rays()
    a, b = 0.5 * (1 - taper / 2), 0.5 * taper / 2 * up / 0.8
    square, half = 1 + right**2 - b**2, 4 - a * b
    root = half**2 - square * (16 - a**2)
    depth = (half - np.sqrt(np.maximum(root, 0))) / square
    check(what, (root > 0) & (np.abs(up * depth) < 0.8), depth)


def test_a_cylinder_seen_from_above_is_a_disc_without_in_between_depths() -> None:
    what = scene(5, pitch=np.pi / 2)
    what.add(CONE, (0, 0.5, 0), (1, 0.5, 1), GREY)
    depth = depth_of(what)
    right, up = rays()
    on_top = np.hypot(right, up) < 1 / 4
    np.testing.assert_allclose(depth, np.where(on_top, 4.0, 5.0), rtol=1e-6)
    assert len(np.unique(depth.round(4))) == 2


def test_a_rod_lies_between_its_ends() -> None:
    what = scene()
    what.rod((-1, ALOFT, 4), (1, ALOFT, 4), 0.1, GREY)
    depth = depth_of(what)[H // 2]
    inside = np.abs(rays()[0][H // 2] * 3.9) < 1
    np.testing.assert_allclose(depth, np.where(inside, 3.9, SKY_DEPTH), rtol=2e-3)


def test_a_rod_without_length_harms_nothing() -> None:
    what = scene(1.6)
    what.rod((0, 1, 4), (0, 1, 4), 0.1, GREY)
    assert np.isfinite(render(what, H, W, BANK)[0]).all()


def test_a_slanted_card_is_a_plane() -> None:
    what = scene()
    what.add(CARD, (0, ALOFT, 3), (1, 0.5, 1), GREY, rotation(1.0))
    right, up = rays()
    # Its normal is (sin 1, 0, cos 1), its x axis (cos 1, 0, -sin 1).
    depth = 3 * np.cos(1) / (np.cos(1) + right * np.sin(1))
    along = np.cos(1) * right * depth - np.sin(1) * (depth - 3)
    check(what, (np.abs(along) < 1) & (np.abs(up * depth) < 0.5) & (depth > 0), depth)


def test_a_grid_card_is_lines_with_holes() -> None:
    what = scene()
    what.add(CARD, (0, ALOFT, 3), (1, 0.6, 1), GREY, cut=(GRID, 6.0, 0.3))
    right, up = rays()
    # Across, 6 / 2 lines a metre of the unit card; along, 6 / 5; 0.3 of a cell wide.
    u, v = right * 3 * 6 / 2, up * 3 / 0.6 * 6 / 5
    line = (np.abs(u - u.round()) <= 0.15) | (np.abs(v - v.round()) <= 0.15)
    card = (np.abs(right * 3) < 1) & (np.abs(up * 3) < 0.6)
    assert (card & ~line).sum() > 100
    check(what, card & line, 3.0)


def test_a_blob_card_is_cut_out_by_a_noise_texture() -> None:
    what = scene()
    what.add(CARD, (0, ALOFT, 3), (1, 1, 1), GREY, cut=(BLOB, 0.3, 2.0))
    right, up = rays()
    x, y = right * 3, up * 3
    noise = BANK.texels[2 * SIZE * SIZE : 3 * SIZE * SIZE].reshape(SIZE, SIZE)
    card = (np.abs(x) < 1) & (np.abs(y) < 1)
    rows, columns = (np.clip((a * 0.35 + 0.5) * SIZE, 0, SIZE - 1).astype(int) for a in (y, x))
    body = noise[rows, columns] >= 0.3 + 0.6 * (x * x + y * y)
    assert (card & ~body).sum() > 100
    check(what, card & body, 3.0)


@pytest.mark.parametrize("yaw", [0.0, np.pi / 2])
def test_a_room_shows_its_walls_ceiling_and_floor_from_inside(yaw: float) -> None:
    half = np.array([2.0, 1.5, 4.0])
    room = (np.array([0.0, 1.5, 0.0]), half, yaw)
    what = replace(scene(1.5, fov=90), room=room, walls=GREY)
    right, up = rays(90)
    aside, ahead = (2.0, 4.0) if yaw == 0 else (4.0, 2.0)
    expected = np.minimum(np.minimum(aside / np.abs(right), 1.5 / np.abs(up)), ahead)
    np.testing.assert_allclose(depth_of(what), expected, rtol=1e-5)


@pytest.mark.parametrize("order", [1, -1])
def test_the_nearest_of_two_shapes_wins_in_any_order_and_no_depth_is_between(order: int) -> None:
    what = scene()
    what.add(BOX, (0.3, ALOFT, 3), (0.4, 0.3, 0.5), GREY)
    what.add(BOX, (0, ALOFT, 8), (3, 2, 1), GREY)
    what.shapes = what.shapes[::order]
    right, up = rays()
    near = (np.abs(right * 2.5 - 0.3) < 0.4) & (np.abs(up * 2.5) < 0.3)
    far = (np.abs(right * 7) < 3) & (np.abs(up * 7) < 2)
    assert near.sum() > 100
    check(what, near | far, np.where(near, 2.5, 7.0))
    assert set(depth_of(what).ravel()) == {2.5, 7.0, SKY_DEPTH}


def test_what_stands_behind_the_camera_is_not_seen() -> None:
    what = scene()
    for kind in (BOX, ELLIPSOID, CONE, CARD):
        what.add(kind, (0, ALOFT, -3), (1, 1, 1), GREY)
    assert (depth_of(what) == SKY_DEPTH).all()


def test_hundreds_of_random_scenes_are_finite_and_in_range() -> None:
    for k in range(200):
        color, depth = render(compose(11, k, BANK.count), 24, 32, BANK)
        assert np.isfinite(color).all() and (color >= 0).all(), k
        assert np.isfinite(depth).all() and (depth > 0).all() and (depth <= SKY_DEPTH).all(), k
        assert color.dtype == depth.dtype == np.float32


def test_the_same_scene_is_the_same_to_the_bit_and_another_is_another() -> None:
    def of(seed: int, index: int) -> tuple[np.ndarray, np.ndarray]:
        return render(compose(seed, index, BANK.count), H, W, BANK)

    for once, again in zip(of(4, 9), of(4, 9), strict=True):
        np.testing.assert_array_equal(once, again)
    for other in (of(4, 10), of(5, 9)):
        assert (other[1] != of(4, 9)[1]).mean() > 0.2


def overhead(what: Scene) -> Scene:
    """Sun straight above, on a ground without texture."""
    return replace(what, light=np.array([0.0, 1e6, 0.0]), ambient=np.full(3, 0.2), shadow=0.75)


def test_ground_under_a_roof_is_in_shadow_and_nothing_else_is() -> None:
    bare = overhead(scene(1.0, pitch=0.4))
    roofed = overhead(scene(1.0, pitch=0.4))
    roofed.add(BOX, (0, 9, 3), (1, 0.1, 1), GREY)  # out of sight
    lit, shaded = color_of(bare), color_of(roofed)
    depth = depth_of(bare)
    right, up = rays()
    x, z = right * depth, (np.sin(0.4) * up + np.cos(0.4)) * depth
    under = (np.abs(x) < 0.99) & (np.abs(z - 3) < 0.99)
    clear = (np.abs(x) > 1.01) | (np.abs(z - 3) > 1.01)
    assert under.sum() > 100
    # 0.5 x (ambient 0.2 + sun 1), of which the shadow takes three quarters of the sun.
    np.testing.assert_allclose(lit[under], 0.5 * 1.2, rtol=1e-3)
    np.testing.assert_allclose(shaded[under], 0.5 * 0.45, rtol=1e-3)
    np.testing.assert_array_equal(shaded[clear], lit[clear])


def test_a_lamp_fades_with_distance() -> None:
    what = scene(3.0, pitch=np.pi / 2)
    what.light, what.lamp_reach, what.ambient = np.array([0.0, 2.0, 0.0]), 1.5, np.zeros(3)
    color, depth = render(what, H, W, BANK)
    right, up = rays()
    distance = np.sqrt(4 + (right * depth) ** 2 + (up * depth) ** 2)
    expected = 0.5 * 2 / distance / (0.4 + (distance / 1.5) ** 2)
    np.testing.assert_allclose(color[..., 0], expected, rtol=0.02)


def test_a_cone_is_equally_bright_along_each_line_to_its_tip() -> None:
    what = scene()
    what.add(CONE, (0, ALOFT, 4), (0.8, 0.8, 0.8), GREY, cut=(1.0, 0.0, 0.0))
    what.light, what.ambient = np.array([0.0, 1e6, -1e6]), np.zeros(3)
    color, depth = render(what, H, W, BANK)
    line = color[depth[:, W // 2] < SKY_DEPTH, W // 2, 0][4:]
    assert len(line) > 10
    # Its normal there is (0, 1, -2) / sqrt(5), the light comes along (0, 1, -1) / sqrt(2).
    np.testing.assert_allclose(line, 0.5 * 3 / np.sqrt(10), rtol=0.02)


def test_fog_turns_far_things_into_the_horizon_and_leaves_the_sky() -> None:
    clear = scene(1.6)
    foggy = replace(clear, fog=0.05)
    before, depth = render(clear, H, W, BANK)
    after = color_of(foggy)
    share = np.exp(-0.05 * depth)[..., None]
    ground = depth < SKY_DEPTH
    expected = before * share + clear.sky[0] * (1 - share)
    np.testing.assert_allclose(after[ground], expected[ground], rtol=1e-4)
    np.testing.assert_array_equal(after[~ground], before[~ground])


def test_a_cloudless_sky_goes_from_the_horizons_colour_to_the_one_above() -> None:
    what = scene()
    color = color_of(what)
    right, up = rays()
    elevation = np.maximum(up, 0) / np.sqrt(1 + right**2 + up**2)
    rise = (1 - np.exp(-3.5 * elevation))[..., None]
    np.testing.assert_allclose(color, what.sky[0] + (what.sky[1] - what.sky[0]) * rise, rtol=1e-4)


def test_clouds_whiten_the_sky_but_not_the_ground() -> None:
    clear, cloudy = scene(1.6, pitch=-0.3), replace(scene(1.6, pitch=-0.3), clouds=0.9)
    ground = depth_of(clear) < SKY_DEPTH
    a, b = color_of(clear), color_of(cloudy)
    np.testing.assert_array_equal(a[ground], b[ground])
    assert (b[~ground][:, 0] > a[~ground][:, 0] + 0.1).mean() > 0.2


def test_textures_show_and_average_out_far_away() -> None:
    """The pixel's own size picks the mip level: what is farther varies less."""
    striped = Material(np.zeros(3), np.ones(3), 1, 0, 1.0, grain_strength=0.0)
    spread = []
    for distance in (1.0, 30.0):
        what = scene()
        size = 0.8 * distance
        what.add(CARD, (0, ALOFT, distance), (size, size, 1), striped)
        what.light, what.ambient = np.array([0.0, ALOFT, -1e6]), np.full(3, 0.5)
        spread.append(color_of(what)[..., 0].std())
    assert spread[1] < 0.5 * spread[0]


def test_one_texture_is_enough() -> None:
    color, _ = render(compose(1, 0, 1), 24, 32, make_texture_bank(1, count=1))
    assert np.isfinite(color).all()


# Leaves, blades and ridges ------------------------------------------------------------------------


def test_a_leafy_ball_has_its_depth_in_front_or_behind_and_gaps() -> None:
    what = scene()
    what.add(LEAFY, (0, ALOFT, 4), (1, 1, 1), GREY, cut=(8.0, 0.5, 0.0))
    depth = depth_of(what)
    right, up = rays()
    square = 1 + right**2 + up**2
    inside = np.hypot(right, up) < 0.95 / np.sqrt(15)
    root = np.sqrt(np.maximum(16 - 15 * square, 0))
    front, back = (4 - root) / square, (4 + root) / square
    at_front, at_back = np.isclose(depth, front, rtol=2e-5), np.isclose(depth, back, rtol=2e-5)
    gap = depth == SKY_DEPTH
    assert (at_front | at_back | gap)[inside].all()
    shares = [part[inside].mean() for part in (at_front, at_back, gap)]
    assert min(shares) > 0.1 and gap[np.hypot(right, up) > 1 / np.sqrt(15)].all()


def test_more_cover_leaves_fewer_gaps() -> None:
    gaps = []
    for cover in (0.2, 0.5, 1.0):
        what = scene()
        what.add(LEAFY, (0, ALOFT, 4), (1, 1, 1), GREY, cut=(8.0, cover, 0.0))
        gaps.append((depth_of(what) == SKY_DEPTH).mean())
    assert gaps[0] > gaps[1] > gaps[2]


@pytest.mark.parametrize("cut", [(LEAVES, 6.0, 0.6), (BLADES, 12.0, 0.5), (RIDGE, 2.0 * SIZE, 0.5)])
def test_what_is_cut_out_of_a_card_has_its_depth_or_none(cut: tuple[float, float, float]) -> None:
    what = scene()
    what.add(CARD, (0, ALOFT, 3), (1, 0.8, 1), GREY, cut=cut)
    depth = depth_of(what)
    right, up = rays()
    card = (np.abs(right * 3) < 1) & (np.abs(up * 3) < 0.8)
    seen = depth < SKY_DEPTH
    np.testing.assert_allclose(depth[seen], 3.0, rtol=1e-6)
    assert not seen[~card].any() and 0.1 < seen[card].mean() < 0.9


def test_blades_are_broad_at_the_root_and_have_tips() -> None:
    what = scene()
    what.add(CARD, (0, ALOFT, 3), (1, 0.8, 1), GREY, cut=(BLADES, 10.0, 0.5))
    share = (depth_of(what) < SKY_DEPTH).mean(1)
    rows = share[share > 0]
    assert rows[-2] > 3 * rows[2] and (np.diff(rows) > -0.03).all()


def test_a_ridge_follows_a_row_of_a_texture() -> None:
    what = scene()
    what.add(CARD, (0, ALOFT, 3), (1, 1, 1), GREY, cut=(RIDGE, 2.0 * SIZE + 7, 0.5))
    right, up = rays()
    profile = BANK.texels[2 * SIZE * SIZE : 3 * SIZE * SIZE].reshape(SIZE, SIZE)[7]
    u = np.clip((right * 3 + 1) / 2, 0, 1) * 0.5 * SIZE
    height = np.interp(u, np.arange(SIZE), profile)
    below = (np.abs(right * 3) < 1) & (np.abs(up * 3) < 1) & ((up * 3 + 1) / 2 < height)
    check(what, below, 3.0)


def test_cells_have_colours_of_their_own_and_average_out_far_away() -> None:
    white = Material(np.ones(3), np.ones(3), 0, 0, 1.0, 0.0)
    with_varied_cells = replace(white, cells=(4.0, 4.0), variety=1.0)
    found = []
    for material, distance in ((white, 1.0), (with_varied_cells, 1.0), (with_varied_cells, 60.0)):
        what = scene()
        what.add(CARD, (0, ALOFT, distance), (distance, distance, 1), material)
        what.light, what.ambient = np.array([0.0, ALOFT, -1e6]), np.full(3, 0.5)
        found.append(color_of(what)[10:50, 20:60].std((0, 1)).min())
    assert found[0] < 0.01 and found[1] > 0.1 and found[2] < 0.05


# Culling ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fov", [25.0, 60.0, 105.0])
def test_many_shapes_are_the_nearest_of_each_alone(fov: float) -> None:
    rng = np.random.default_rng(4)
    what = scene(fov=fov)
    for k in range(40):
        z = rng.uniform(1, 12)
        center = np.array([rng.normal(0, 0.5) * z, ALOFT + rng.normal(0, 0.4) * z, z])
        half = np.exp(rng.normal(-1, 0.8, 3))
        kind = (BOX, ELLIPSOID, CONE, LEAFY)[k % 4]
        cut = (5.0 if kind == LEAFY else 0.5, 0.7, 0.0)
        what.add(kind, center, half, GREY, rotation(*rng.uniform(0, 6, 3)), cut)
    alone = [depth_of(replace(what, shapes=[shape])) for shape in what.shapes]
    np.testing.assert_array_equal(depth_of(what), np.min(alone, axis=0))
    assert len(np.unique(np.argmin(alone, axis=0))) > 5


def test_shadows_of_many_are_those_of_each_alone() -> None:
    rng = np.random.default_rng(5)
    bare = replace(scene(1.0, pitch=0.4), light=np.array([3.0, 9.0, 2.0]), shadow=1.0)
    lit = color_of(bare)[..., 0]
    blockers = []
    for _ in range(12):  # out of sight
        blocker = replace(bare, shapes=[])
        place = np.array([rng.uniform(-3, 4), rng.uniform(5, 8), rng.uniform(1, 8)])
        blocker.add(BOX, place, rng.uniform(0.1, 0.8, 3), GREY, rotation(rng.uniform(0, 3)))
        blockers.append(blocker)
    shaded = [color_of(blocker)[..., 0] < lit - 1e-4 for blocker in blockers]
    together = replace(bare, shapes=[b.shapes[0] for b in blockers])
    np.testing.assert_array_equal(color_of(together)[..., 0] < lit - 1e-4, np.any(shaded, axis=0))
    assert np.mean([s.any() for s in shaded]) > 0.5


def test_seen_from_below_there_is_no_ground() -> None:
    """That is how a reflection is rendered."""
    depth = depth_of(scene(-1.0, pitch=0.3))
    assert (depth == SKY_DEPTH).all()
