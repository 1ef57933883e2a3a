"""A ray-caster for small scenes, compiled by Numba: exact depth, sharp edges, light and shadow.

A ray's component along the optical axis is 1, so that a hit's ray parameter is its depth Z.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from ppdcli.training.shapes import BLOB, BOX, CONE, ELLIPSOID, GRID, Scene, rotation
from ppdcli.training.textures import LEVELS, SIZE, TextureBank

# The sky's depth in metres: within the 80 m that the training target's percentiles look at, so that
# the sky stays behind the farthest tree.
SKY_DEPTH = 75.0
_NEAR = 0.02
_NOTHING = 1e9
_SKY, _GROUND, _ROOM = -1, -2, -3  # what a ray can meet besides shape 0, 1, ...
_compiled = njit(fastmath=True, cache=True, nogil=True)


@_compiled
def _texel(texels, count, texture, u, v, footprint):  # type: ignore[no-untyped-def]
    """Bilinear lookup at (u, v) in tiles, in the mip level that fits a pixel ``footprint`` wide."""
    level = math.floor(math.log2(max(footprint, 1e-6) * SIZE) + 0.5)
    level = min(max(level, 0), LEVELS - 1)
    size = SIZE >> level
    start = count * (4 * SIZE * SIZE - 4 * size * size) // 3 + texture * size * size
    x, y = (u - math.floor(u)) * size - 0.5, (v - math.floor(v)) * size - 0.5
    x0, y0 = math.floor(x), math.floor(y)
    fx, fy = x - x0, y - y0
    left, right = int(x0) & (size - 1), (int(x0) + 1) & (size - 1)
    top, bottom = start + (int(y0) & (size - 1)) * size, start + ((int(y0) + 1) & (size - 1)) * size
    upper = texels[top + left] * (1 - fx) + texels[top + right] * fx
    lower = texels[bottom + left] * (1 - fx) + texels[bottom + right] * fx
    return upper * (1 - fy) + lower * fy


@_compiled
def _safe(x):  # type: ignore[no-untyped-def]
    """A divisor that is never zero."""
    return x if abs(x) > 1e-9 else 1e-9


@_compiled
def _slab(ox, oy, oz, dx, dy, dz):  # type: ignore[no-untyped-def]
    """Where a line enters and leaves the unit cube."""
    ix, iy, iz = 1 / _safe(dx), 1 / _safe(dy), 1 / _safe(dz)
    rx, ry, rz = abs(ix), abs(iy), abs(iz)
    enter = max(-ox * ix - rx, -oy * iy - ry, -oz * iz - rz)
    leave = min(-ox * ix + rx, -oy * iy + ry, -oz * iz + rz)
    return enter, leave


@_compiled
def _hit_ellipsoid(ox, oy, oz, dx, dy, dz):  # type: ignore[no-untyped-def]
    a = dx * dx + dy * dy + dz * dz
    b = ox * dx + oy * dy + oz * dz
    c = ox * ox + oy * oy + oz * oz - 1
    disc = b * b - a * c
    if disc <= 0:
        return _NOTHING
    t = (-b - math.sqrt(disc)) / a
    return t if t > _NEAR else _NOTHING


@_compiled
def _hit_cone(ox, oy, oz, dx, dy, dz, taper):  # type: ignore[no-untyped-def]
    """Capped cone along y with radius 1 at y = -1 and 1 - taper at y = 1."""
    best = _NOTHING
    slope = -0.5 * taper
    ro, rd = 1 + slope + slope * oy, slope * dy
    a = dx * dx + dz * dz - rd * rd
    b = ox * dx + oz * dz - ro * rd
    c = ox * ox + oz * oz - ro * ro
    disc = b * b - a * c
    if disc > 0:
        t = (-b - math.sqrt(disc)) / _safe(a)
        if t > _NEAR and abs(oy + t * dy) <= 1:
            best = t
    for cap in (-1.0, 1.0):
        t = (cap - oy) / _safe(dy)
        if _NEAR < t < best:
            x, z = ox + t * dx, oz + t * dz
            radius = 1 + slope + slope * cap
            if x * x + z * z <= radius * radius:
                best = t
    return best


@_compiled
def _hit_card(ox, oy, oz, dx, dy, dz, mode, amount, extra, texels):  # type: ignore[no-untyped-def]
    """Card in z = 0, |x|, |y| <= 1: solid, a grid of lines, or a ragged blob."""
    t = -oz / _safe(dz)
    x, y = ox + t * dx, oy + t * dy
    if t <= _NEAR or abs(x) > 1 or abs(y) > 1:
        return _NOTHING
    if mode == GRID:
        u, v = x * amount * 0.5, y * amount * 0.2
        if min(abs(u - round(u)), abs(v - round(v))) > 0.5 * extra:
            return _NOTHING
    elif mode == BLOB:
        column = min(int((x * 0.35 + 0.5) * SIZE), SIZE - 1)
        row = min(int((y * 0.35 + 0.5) * SIZE), SIZE - 1)
        if texels[int(extra) * SIZE * SIZE + row * SIZE + column] < amount + 0.6 * (x * x + y * y):
            return _NOTHING
    return t


@_compiled
def _trace(kinds, table, texels, ox, oy, oz, dx, dy, dz, limit, any_hit):  # type: ignore[no-untyped-def]
    """Nearest shape before ``limit`` along a ray (or just any): its parameter and number."""
    best, which = limit, _SKY
    square = dx * dx + dy * dy + dz * dz
    for j in range(len(kinds)):
        cx, cy, cz = ox - table[j, 9], oy - table[j, 10], oz - table[j, 11]
        along = cx * dx + cy * dy + cz * dz
        # Outside the bounding ball: most rays miss most shapes.
        if cx * cx + cy * cy + cz * cz - along * along / square > table[j, 12]:
            continue
        lox = table[j, 0] * cx + table[j, 1] * cy + table[j, 2] * cz
        loy = table[j, 3] * cx + table[j, 4] * cy + table[j, 5] * cz
        loz = table[j, 6] * cx + table[j, 7] * cy + table[j, 8] * cz
        ldx = table[j, 0] * dx + table[j, 1] * dy + table[j, 2] * dz
        ldy = table[j, 3] * dx + table[j, 4] * dy + table[j, 5] * dz
        ldz = table[j, 6] * dx + table[j, 7] * dy + table[j, 8] * dz
        kind = kinds[j]
        if kind == BOX:
            enter, leave = _slab(lox, loy, loz, ldx, ldy, ldz)
            t = enter if _NEAR < enter < leave else _NOTHING
        elif kind == ELLIPSOID:
            t = _hit_ellipsoid(lox, loy, loz, ldx, ldy, ldz)
        elif kind == CONE:
            t = _hit_cone(lox, loy, loz, ldx, ldy, ldz, table[j, 13])
        else:
            cut = table[j, 13], table[j, 14], table[j, 15]
            t = _hit_card(lox, loy, loz, ldx, ldy, ldz, cut[0], cut[1], cut[2], texels)
        if t < best:
            best, which = t, j
            if any_hit:
                break
    return best, which


@_compiled
def _normal(kind, taper, x, y, z):  # type: ignore[no-untyped-def]
    """Normal of a unit shape at its surface point, not normalised."""
    if kind == ELLIPSOID:
        return x, y, z
    if kind == CONE:
        radius = 1 - 0.5 * taper * (1 + y)
        return (0.0, y, 0.0) if abs(y) > 0.9999 else (x, 0.5 * taper * radius, z)
    if kind == BOX:
        ax, ay, az = abs(x), abs(y), abs(z)
        if ax >= ay and ax >= az:
            return x, 0.0, 0.0
        return (0.0, y, 0.0) if ay >= az else (0.0, 0.0, z)
    return 0.0, 0.0, 1.0


@_compiled
def _albedo(material, texels, count, nx, ny, nz, x, y, z, pixel):  # type: ignore[no-untyped-def]
    """Colour of a surface point given in metres along the shape's axes, with its local normal."""
    u = z if abs(nx) > abs(ny) and abs(nx) > abs(nz) else x
    v = z if abs(ny) >= abs(nx) and abs(ny) > abs(nz) else y
    u, v, pixel = u / material[8], v / material[8], pixel / material[8]
    mix = _texel(texels, count, int(material[6]), u + 0.37, v + 0.61, pixel)
    grain = _texel(texels, count, int(material[7]), u * 5.3, v * 5.3, pixel * 5.3) - 0.5
    gain = 1 + 1.6 * grain * material[9]
    r = (material[0] + (material[3] - material[0]) * mix) * gain
    g = (material[1] + (material[4] - material[1]) * mix) * gain
    b = (material[2] + (material[5] - material[2]) * mix) * gain
    return r, g, b


@_compiled
def _paint(kinds, table, materials, surround, world, axes, focal, texels, count, color, depth):  # type: ignore[no-untyped-def]
    """Fills ``color`` (H, W, 3) and ``depth`` (H, W).

    ``surround`` (2, 29): ground and room, each a table row and a material row; ``world``: numbers
    of the scene as packed by ``render``.
    """
    height, width = depth.shape
    eye, has_room = world[0], world[1] > 0
    lamp_x, lamp_y, lamp_z, reach = world[2], world[3], world[4], world[8]
    shadow, fog, clouds = world[9], world[13], world[14]
    for row in range(height):
        for column in range(width):
            right = (column - 0.5 * (width - 1)) / focal
            up = (0.5 * (height - 1) - row) / focal
            dx = axes[0, 0] * right + axes[0, 1] * up + axes[0, 2]
            dy = axes[1, 0] * right + axes[1, 1] * up + axes[1, 2]
            dz = axes[2, 0] * right + axes[2, 1] * up + axes[2, 2]
            length = math.sqrt(dx * dx + dy * dy + dz * dz)
            t, which = _trace(kinds, table, texels, 0.0, eye, 0.0, dx, dy, dz, SKY_DEPTH, False)
            if has_room:
                shell = surround[1]
                cx, cy, cz = -shell[9], eye - shell[10], -shell[11]
                leave = _slab(
                    shell[0] * cx + shell[1] * cy + shell[2] * cz,
                    shell[3] * cx + shell[4] * cy + shell[5] * cz,
                    shell[6] * cx + shell[7] * cy + shell[8] * cz,
                    shell[0] * dx + shell[1] * dy + shell[2] * dz,
                    shell[3] * dx + shell[4] * dy + shell[5] * dz,
                    shell[6] * dx + shell[7] * dy + shell[8] * dz,
                )[1]
                if _NEAR < leave < t:
                    t, which = leave, _ROOM
            ground = -eye / _safe(dy)
            if dy < 0 and ground <= t * 1.0001 and ground < SKY_DEPTH:
                t, which = ground, _GROUND
            depth[row, column] = t

            sky = which == _SKY
            if sky:
                elevation = max(dy, 0.0) / length
                rise = 1 - math.exp(-3.5 * elevation)
                near = max(elevation, 0.03)
                cover = _texel(
                    texels, count, int(world[15]), dx / near * 0.08, dz / near * 0.08, 2e-3 / near
                )
                cover = min(max((cover + clouds - 1) * 2.5, 0.0), 1.0) * min(elevation / 0.15, 1.0)
                for c in range(3):
                    blue = world[16 + c] + (world[19 + c] - world[16 + c]) * rise
                    color[row, column, c] = blue + (0.95 - blue) * cover
                continue

            px, py, pz = t * dx, eye + t * dy, t * dz
            shape = table[which] if which >= 0 else surround[-which - 2, :17]
            material = materials[which] if which >= 0 else surround[-which - 2, 17:]
            kind = kinds[which] if which >= 0 else BOX
            cx, cy, cz = px - shape[9], py - shape[10], pz - shape[11]
            x = shape[0] * cx + shape[1] * cy + shape[2] * cz
            y = shape[3] * cx + shape[4] * cy + shape[5] * cz
            z = shape[6] * cx + shape[7] * cy + shape[8] * cz
            if which == _GROUND:
                lx, ly, lz = 0.0, 1.0, 0.0
            else:
                lx, ly, lz = _normal(kind, shape[13], x, y, z)
            nx = shape[0] * lx + shape[3] * ly + shape[6] * lz
            ny = shape[1] * lx + shape[4] * ly + shape[7] * lz
            nz = shape[2] * lx + shape[5] * ly + shape[8] * lz
            norm = math.sqrt(nx * nx + ny * ny + nz * nz)
            facing = (nx * dx + ny * dy + nz * dz) / (norm * length)
            norm = -norm if facing > 0 else norm
            nx, ny, nz = nx / norm, ny / norm, nz / norm

            # Metres along the shape's own axes: rows of the map have length 1 / half extent.
            sx = 1 / math.sqrt(shape[0] ** 2 + shape[1] ** 2 + shape[2] ** 2)
            sy = 1 / math.sqrt(shape[3] ** 2 + shape[4] ** 2 + shape[5] ** 2)
            sz = 1 / math.sqrt(shape[6] ** 2 + shape[7] ** 2 + shape[8] ** 2)
            pixel = t / focal / math.sqrt(max(abs(facing), 0.05))
            albedo = _albedo(
                material, texels, count, lx * sx, ly * sy, lz * sz, x * sx, y * sy, z * sz, pixel
            )

            lift = 1e-3 + 2e-3 * t
            qx, qy, qz = px + nx * lift, py + ny * lift, pz + nz * lift
            wx, wy, wz = lamp_x - qx, lamp_y - qy, lamp_z - qz
            distance = math.sqrt(wx * wx + wy * wy + wz * wz)
            wx, wy, wz = wx / distance, wy / distance, wz / distance
            lambert = nx * wx + ny * wy + nz * wz
            direct = 1.0
            if reach > 0:
                direct = 1 / (0.4 + (distance / reach) ** 2)
            if lambert > 0:
                found = _trace(kinds, table, texels, qx, qy, qz, wx, wy, wz, distance * 0.98, True)[
                    1
                ]
                if found != _SKY:
                    direct *= 1 - shadow
            lambert = max(lambert, 0.0)
            hx, hy, hz = wx - dx / length, wy - dy / length, wz - dz / length
            half = math.sqrt(hx * hx + hy * hy + hz * hz) + 1e-6
            shine = max((nx * hx + ny * hy + nz * hz) / half, 0.0) ** 24 * material[10] * 0.5
            clear = math.exp(-fog * t)
            for c in range(3):
                light = direct * world[5 + c]
                above = world[10 + c] * (0.75 + 0.25 * ny)
                seen = albedo[c] * (above + light * lambert + material[11]) + light * shine
                color[row, column, c] = seen * clear + world[16 + c] * (1 - clear)


def _row(map_: np.ndarray, center: np.ndarray, cut: tuple[float, float, float] = (0, 0, 0)) -> list:
    """17 numbers of a shape: map to the unit shape, center, squared bounding radius, cut."""
    corner = np.linalg.norm(np.linalg.inv(map_), axis=0)
    return [*map_.ravel(), *center, float((corner**2).sum()) * 1.0001, *cut, 0.0]


def render(
    scene: Scene, height: int, width: int, bank: TextureBank
) -> tuple[np.ndarray, np.ndarray]:
    """Renders one scene, one ray a pixel.

    Args:
        scene: what to render.
        height, width: size of the picture; any aspect, at the scene's field of view.
        bank: the textures that the scene's materials number.

    Returns:
        Linear light (H, W, 3) float32, not yet exposed, >= 0; and exact depth along the optical
        axis (H, W) float32 in metres, in (0, SKY_DEPTH], SKY_DEPTH where there is sky.
    """
    rows = [_row(s.axes.T / s.half[:, None], s.center, s.cut) for s in scene.shapes]
    table = np.array(rows, np.float32).reshape(-1, 17)
    kinds = np.array([s.kind for s in scene.shapes], np.int64)
    materials = np.array([s.material.row() for s in scene.shapes], np.float32).reshape(-1, 12)
    surround = np.zeros((2, 29), np.float32)
    surround[0] = [*_row(np.eye(3), np.zeros(3)), *scene.ground.row()]
    if scene.room is not None and scene.walls is not None:
        center, half, yaw = scene.room
        surround[1] = [*_row(rotation(yaw).T / half[:, None], center), *scene.walls.row()]
    world = np.array(
        [
            scene.height,
            float(scene.room is not None),
            *scene.light,
            *scene.light_color,
            scene.lamp_reach,
            scene.shadow,
            *scene.ambient,
            scene.fog,
            scene.clouds,
            int(abs(scene.light[0])) % max(bank.count // 2, 1) * 2,
            *scene.sky.ravel(),
        ],
        np.float32,
    )
    axes = rotation(0.0, scene.pitch, scene.roll).astype(np.float32)
    focal = 0.5 / np.tan(np.radians(scene.fov) / 2) * (height * width * 4 / 3) ** 0.5
    color = np.empty((height, width, 3), np.float32)
    depth = np.empty((height, width), np.float32)
    texels = bank.texels
    _paint(
        kinds, table, materials, surround, world, axes, np.float32(focal), texels, bank.count,
        color, depth,
    )  # fmt: skip
    return color, depth
