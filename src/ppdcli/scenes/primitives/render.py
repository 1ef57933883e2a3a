"""A ray-caster for small scenes, compiled by Numba: exact depth, sharp edges, light and shadow.

A ray's component along the optical axis is 1, so that the ray parameter of a hit is its depth Z.

All compiled code is in this file, because Numba's cache does not notice changes in another one.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from ppdcli.geometry.compiled import compiled
from ppdcli.scenes.natural_textures import SIZE
from ppdcli.scenes.primitives.shapes import (
    BLADES,
    BLOB,
    BOX,
    CONE,
    ELLIPSOID,
    GRID,
    LEAFY,
    LEAVES,
    MATERIAL,
    RIDGE,
    Scene,
    Shape,
    rotation,
)
from ppdcli.scenes.primitives.textures import LEVELS, TextureBank
from ppdcli.scenes.samples import SKY_DEPTH

_NEAR = 0.02
_NOTHING = 1e9
_SKY, _GROUND, _ROOM = -1, -2, -3  # what a ray can hit besides shape 0, 1, ...
_TILE = 8  # side in pixels of the squares that share a list of shapes in reach
_compiled = partial(compiled, fastmath=True)


@_compiled
def texel(texels, count, texture, u, v, footprint):  # type: ignore[no-untyped-def]
    """Bilinear lookup at (u, v) in tiles, in the mip level for a pixel ``footprint`` wide."""
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
    """Returns a divisor that is never zero."""
    return x if abs(x) > 1e-9 else 1e-9


@_compiled
def _slab(ox, oy, oz, dx, dy, dz):  # type: ignore[no-untyped-def]
    """Returns where a line enters and leaves the unit cube."""
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
def _chance(i, j, k):  # type: ignore[no-untyped-def]
    """Returns a fixed pseudo-random number in [0, 1) for a cell of a grid."""
    mixed = (i * 73_471) ^ (j * 19_219_189) ^ (k * 83_611_033)
    mixed = ((mixed ^ (mixed >> 13)) * 1_103_515_245) & 0x7FFFFFFF
    return ((mixed ^ (mixed >> 15)) & 0xFFFF) / 65536


@_compiled
def _leaf(x, y, z, cells):  # type: ignore[no-untyped-def]
    """Returns the random number of the round leaf at a point, 1 between the leaves.

    The leaves are on a distorted lattice. On bare twigs they are rarer.
    """
    x, y, z = x * cells, y * cells, z * cells
    x, y, z = x + 0.6 * math.sin(1.3 * y), y + 0.6 * math.sin(1.3 * z), z + 0.6 * math.sin(1.3 * x)
    i, j, k = math.floor(x), math.floor(y), math.floor(z)
    ex, ey, ez = x - i - 0.5, y - j - 0.5, z - k - 0.5
    if ex * ex + ey * ey + ez * ez > 0.36:
        return 1.0
    twig = _chance(math.floor(0.3 * x), math.floor(0.3 * y), math.floor(0.3 * z))
    return 0.6 * _chance(i, j, k) + 0.4 * twig


@_compiled
def _hit_leafy(ox, oy, oz, dx, dy, dz, cells, cover):  # type: ignore[no-untyped-def]
    """Hits the unit ball's front if there is a leaf, or its back through a gap."""
    a = dx * dx + dy * dy + dz * dz
    b = ox * dx + oy * dy + oz * dz
    c = ox * ox + oy * oy + oz * oz - 1
    disc = b * b - a * c
    if disc <= 0:
        return _NOTHING
    for sign in (-1.0, 1.0):
        t = (-b + sign * math.sqrt(disc)) / a
        if t > _NEAR and _leaf(ox + t * dx, oy + t * dy, oz + t * dz, cells) < cover:
            return t
    return _NOTHING


@_compiled
def _hit_cone(ox, oy, oz, dx, dy, dz, taper):  # type: ignore[no-untyped-def]
    """Hits a capped cone along y with radius 1 at y = -1 and 1 - taper at y = 1."""
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
    """Hits a card in z = 0, |x|, |y| <= 1, or what remains of it after its cut-out."""
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
    elif mode == LEAVES:
        if _leaf(x, y, 0.5 / amount, amount) > extra * (1.4 - x * x - y * y):
            return _NOTHING
    elif mode == BLADES:
        u = (x + 1) * 0.5 * amount
        i = math.floor(u)
        height = 1 - extra * _chance(i, 1, 2)
        tip = 0.2 + 0.6 * _chance(i, 3, 4)
        share = (y + 1) * 0.5 / height
        if abs(u - i - 0.5 - (tip - 0.5) * share) > 0.3 * (1 - share):
            return _NOTHING
    elif mode == RIDGE:
        u = (x + 1) * 0.5 * abs(extra) * SIZE
        i = math.floor(u)
        row = int(amount) * SIZE
        here, after = texels[row + (i & (SIZE - 1))], texels[row + ((i + 1) & (SIZE - 1))]
        if (y + 1) * 0.5 > here + (after - here) * ((u - i) if extra > 0 else 0.0):
            return _NOTHING
    return t


@_compiled
def _trace(chosen, kinds, table, texels, ox, oy, oz, dx, dy, dz, limit, any_hit):  # type: ignore[no-untyped-def]
    """Returns the nearest (or any) chosen shape before ``limit`` along a ray: parameter, number."""
    best, which = limit, _SKY
    square = dx * dx + dy * dy + dz * dz
    for j in chosen:
        cx, cy, cz = ox - table[j, 9], oy - table[j, 10], oz - table[j, 11]
        along = cx * dx + cy * dy + cz * dz
        # Test the bounding ball first: most rays miss most shapes.
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
        elif kind == LEAFY:
            t = _hit_leafy(lox, loy, loz, ldx, ldy, ldz, table[j, 13], table[j, 14])
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
    """Returns the normal of a unit shape at its surface point, not normalised."""
    if kind in (ELLIPSOID, LEAFY):
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
    """Returns the colour of a surface point, in metres along the shape's axes, and its normal."""
    u = z if abs(nx) > abs(ny) and abs(nx) > abs(nz) else x
    v = z if abs(ny) >= abs(nx) and abs(ny) > abs(nz) else y
    u, v, pixel = u / material[8], v / material[8], pixel / material[8]
    mix = texel(texels, count, int(material[6]), u + 0.37, v + 0.61, pixel)
    grain = texel(texels, count, int(material[7]), u * 5.3, v * 5.3, pixel * 5.3) - 0.5
    gain = 1 + 1.6 * grain * material[9]
    r = (material[0] + (material[3] - material[0]) * mix) * gain
    g = (material[1] + (material[4] - material[1]) * mix) * gain
    b = (material[2] + (material[5] - material[2]) * mix) * gain
    if material[14] > 0:
        u, v = u * material[12], v * material[13]
        i, j = math.floor(u), math.floor(v)
        edge = min(u - i, i + 1 - u, v - j, j + 1 - v)
        # Cells smaller than a pixel average out.
        share = material[14] * max(0.0, 1 - pixel * max(material[12], material[13]))
        shade = (0.4 if edge < 0.05 else 1.0) * 0.9
        r += share * (shade * _chance(i, j, 1) - r)
        g += share * (shade * _chance(i, j, 2) - g)
        b += share * (shade * _chance(i, j, 3) - b)
    return r, g, b


@_compiled
def _in_reach(table, eye, ax, ay, az, sine, chosen):  # type: ignore[no-untyped-def]
    """Writes the numbers of the shapes that rays from the eye can hit, returns how many.

    The rays are within a cone around the unit vector (ax, ay, az); ``sine`` is that of half its
    opening angle. A shape is in reach if its bounding ball touches the cone.
    """
    cosine, found = math.sqrt(1 - sine * sine), 0
    for j in range(len(table)):
        cx, cy, cz = table[j, 9], table[j, 10] - eye, table[j, 11]
        along = cx * ax + cy * ay + cz * az
        aside = math.sqrt(max(0.0, cx * cx + cy * cy + cz * cz - along * along))
        reach = math.sqrt(table[j, 12]) * 1.001 + 1e-4
        # A lower bound of the distance from the ball's centre to the cone, if not behind it.
        if aside * cosine - along * sine <= reach and along > -reach:
            chosen[found] = j
            found += 1
    return found


@_compiled
def _in_between(table, low, high, lamp_x, lamp_y, lamp_z, chosen):  # type: ignore[no-untyped-def]
    """Writes the numbers of shapes that can be between a lamp and the points of a box.

    These are the shapes whose bounding ball touches the volume that a ball around the box sweeps on
    its way to the lamp. Returns how many.
    """
    mx, my, mz = 0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1]), 0.5 * (low[2] + high[2])
    radius = math.sqrt((high[0] - mx) ** 2 + (high[1] - my) ** 2 + (high[2] - mz) ** 2)
    wx, wy, wz = lamp_x - mx, lamp_y - my, lamp_z - mz
    square, found = max(wx * wx + wy * wy + wz * wz, 1e-12), 0
    for j in range(len(table)):
        cx, cy, cz = table[j, 9] - mx, table[j, 10] - my, table[j, 11] - mz
        share = min(max((cx * wx + cy * wy + cz * wz) / square, 0.0), 1.0)
        cx, cy, cz = cx - share * wx, cy - share * wy, cz - share * wz
        reach = (math.sqrt(table[j, 12]) + radius) * 1.001 + 0.01
        if cx * cx + cy * cy + cz * cz <= reach * reach:
            chosen[found] = j
            found += 1
    return found


@_compiled
def _direction(axes, focal, height, width, row, column):  # type: ignore[no-untyped-def]
    right = (column - 0.5 * (width - 1)) / focal
    up = (0.5 * (height - 1) - row) / focal
    dx = axes[0, 0] * right + axes[0, 1] * up + axes[0, 2]
    dy = axes[1, 0] * right + axes[1, 1] * up + axes[1, 2]
    dz = axes[2, 0] * right + axes[2, 1] * up + axes[2, 2]
    return dx, dy, dz


@_compiled
def _meet(chosen, kinds, table, surround, eye, has_room, texels, dx, dy, dz):  # type: ignore[no-untyped-def]
    """Returns the first hit of a ray from the eye: its parameter and the number of the shape."""
    t, which = _trace(chosen, kinds, table, texels, 0.0, eye, 0.0, dx, dy, dz, SKY_DEPTH, False)
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
    if dy < 0 and 0 < ground <= t * 1.0001 and ground < SKY_DEPTH:
        t, which = ground, _GROUND
    return t, which


@_compiled
def _sky(world, texels, count, dx, dy, dz, color):  # type: ignore[no-untyped-def]
    """Paints one pixel of sky."""
    clouds, length = world[14], math.sqrt(dx * dx + dy * dy + dz * dz)
    elevation = max(dy, 0.0) / length
    rise = 1 - math.exp(-3.5 * elevation)
    near = max(elevation, 0.03)
    cover = texel(texels, count, int(world[15]), dx / near * 0.08, dz / near * 0.08, 2e-3 / near)
    cover = min(max((cover + clouds - 1) * 2.5, 0.0), 1.0) * min(elevation / 0.15, 1.0)
    for c in range(3):
        blue = world[16 + c] + (world[19 + c] - world[16 + c]) * rise
        color[c] = blue + (0.95 - blue) * cover


@_compiled
def _surface(  # type: ignore[no-untyped-def]
    between, kinds, table, materials, surround, world, focal, texels, count, t, which,
    dx, dy, dz, color,
):  # fmt: skip
    """Paints one pixel of a surface at ``t`` along its ray; ``between`` can cast shadows on it."""
    eye, length = world[0], math.sqrt(dx * dx + dy * dy + dz * dz)
    lamp_x, lamp_y, lamp_z, reach = world[2], world[3], world[4], world[8]
    shadow, fog = world[9], world[13]
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

    # Metres along the shape's own axes: rows of the transform have length 1 / half extent.
    sx = 1 / math.sqrt(shape[0] ** 2 + shape[1] ** 2 + shape[2] ** 2)
    sy = 1 / math.sqrt(shape[3] ** 2 + shape[4] ** 2 + shape[5] ** 2)
    sz = 1 / math.sqrt(shape[6] ** 2 + shape[7] ** 2 + shape[8] ** 2)
    pixel = t / focal / math.sqrt(max(abs(facing), 0.05))
    albedo = _albedo(
        material, texels, count, lx * sx, ly * sy, lz * sz, x * sx, y * sy, z * sz, pixel
    )

    if kind == LEAFY:
        i, j, k = x * shape[13], y * shape[13], z * shape[13]
        tone = 0.6 + 0.8 * _chance(math.floor(i), math.floor(j), math.floor(k) + 7)
        albedo = albedo[0] * tone, albedo[1] * tone, albedo[2] * tone

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
        found = _trace(
            between, kinds, table, texels, qx, qy, qz, wx, wy, wz, distance * 0.98, True
        )[1]
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
        color[c] = seen * clear + world[16 + c] * (1 - clear)


@_compiled
def _paint(kinds, table, materials, surround, world, axes, focal, texels, count, color, depth):  # type: ignore[no-untyped-def]
    """Fills ``color`` (H, W, 3) and ``depth`` (H, W), tile by tile.

    ``surround`` (2, 17 + MATERIAL) is ground and room, each a table row and a material row.
    ``world`` is the scene's numbers as packed by ``render``.
    """
    height, width = depth.shape
    eye, has_room = world[0], world[1] > 0
    numbers = np.empty(len(kinds), np.int64)
    reached, met = np.empty((_TILE, _TILE)), np.empty((_TILE, _TILE), np.int64)
    low, high = np.empty(3), np.empty(3)
    # No ray of a tile is farther from its middle than a corner of a central tile.
    sine = min(0.75 * _TILE / focal, 1.0)
    across, down = (width + _TILE - 1) // _TILE, (height + _TILE - 1) // _TILE
    for tile in range(across * down):
        top, left = tile // across * _TILE, tile % across * _TILE
        bottom, end = min(top + _TILE, height), min(left + _TILE, width)
        half = 0.5 * (_TILE - 1)
        dx, dy, dz = _direction(axes, focal, height, width, top + half, left + half)
        length = math.sqrt(dx * dx + dy * dy + dz * dz)
        found = _in_reach(table, eye, dx / length, dy / length, dz / length, sine, numbers)
        chosen = numbers[:found]
        low[:], high[:] = 1e9, -1e9
        for row in range(top, bottom):
            for column in range(left, end):
                dx, dy, dz = _direction(axes, focal, height, width, row, column)
                t, which = _meet(chosen, kinds, table, surround, eye, has_room, texels, dx, dy, dz)
                depth[row, column] = t
                reached[row - top, column - left], met[row - top, column - left] = t, which
                if which != _SKY:
                    low[0], high[0] = min(low[0], t * dx), max(high[0], t * dx)
                    low[1], high[1] = min(low[1], eye + t * dy), max(high[1], eye + t * dy)
                    low[2], high[2] = min(low[2], t * dz), max(high[2], t * dz)
        found = _in_between(table, low, high, world[2], world[3], world[4], numbers)
        between = numbers[:found]
        for row in range(top, bottom):
            for column in range(left, end):
                dx, dy, dz = _direction(axes, focal, height, width, row, column)
                t, which = reached[row - top, column - left], met[row - top, column - left]
                if which == _SKY:
                    _sky(world, texels, count, dx, dy, dz, color[row, column])
                else:
                    _surface(
                        between, kinds, table, materials, surround, world, focal, texels, count,
                        t, which, dx, dy, dz, color[row, column],
                    )  # fmt: skip


@_compiled
def _cast(kinds, table, surround, eye, has_room, texels, directions, depth, met):  # type: ignore[no-untyped-def]
    """Fills ``depth`` and ``met`` (N,): what rays from the eye along ``directions`` (N, 3) hit."""
    everything = np.arange(len(kinds))
    for k in range(len(directions)):
        dx, dy, dz = directions[k, 0], directions[k, 1], directions[k, 2]
        depth[k], met[k] = _meet(
            everything, kinds, table, surround, eye, has_room, texels, dx, dy, dz
        )


def _rows(shapes: list[Shape], below: np.ndarray) -> np.ndarray:
    """Returns (shapes, 17): transform to the unit shape, centre, squared bounding radius, cut.

    ``below`` (3,) is the point of the ground below the camera; centres are relative to it.
    """
    table = np.zeros((len(shapes), 17), np.float32)
    if not shapes:
        return table
    half = np.array([s.half for s in shapes])
    table[:, :9] = (np.array([s.axes.T for s in shapes]) / half[:, :, None]).reshape(-1, 9)
    table[:, 9:12] = np.array([s.center for s in shapes]) - below
    is_round = np.isin([s.kind for s in shapes], (ELLIPSOID, LEAFY))
    table[:, 12] = np.where(is_round, half.max(1) ** 2, (half**2).sum(1)) * 1.0001
    table[:, 13:16] = [s.cut for s in shapes]
    return table


def focal_length(fov: float, height: int, width: int) -> float:
    """Returns pixels; ``fov`` degrees is the width of a 4:3 picture of the same area."""
    return float(0.5 / np.tan(np.radians(fov) / 2) * (height * width * 4 / 3) ** 0.5)


def _geometry(scene: Scene) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns the kinds and the rows of the shapes, and ``surround`` of ``_paint``."""
    below = np.array([scene.x, 0.0, scene.z])
    kinds = np.array([s.kind for s in scene.shapes], np.int64)
    ground = Shape(BOX, np.zeros(3), np.ones(3), np.eye(3), scene.ground)
    surround = np.zeros((2, 17 + MATERIAL), np.float32)
    surround[0] = [*_rows([ground], below)[0], *scene.ground.row()]
    if scene.room is not None and scene.walls is not None:
        center, half, yaw = scene.room
        walls = Shape(BOX, center, half, rotation(yaw), scene.walls)
        surround[1] = [*_rows([walls], below)[0], *scene.walls.row()]
    return kinds, _rows(scene.shapes, below), surround


def cast(scene: Scene, bank: TextureBank, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Casts rays from the scene's camera.

    Args:
        scene: The scene.
        bank: The textures that the scene's materials refer to; some cut-outs need them.
        directions: (N, 3) float64 in the world, of length 1 along the optical axis.

    Returns:
        Depth along the optical axis (N,) float32 metres, SKY_DEPTH for the sky; the number of the
        shape hit (N,) int64, negative for ground, room and sky.
    """
    kinds, table, surround = _geometry(scene)
    depth, met = np.empty(len(directions), np.float32), np.empty(len(directions), np.int64)
    eye, has_room = np.float32(scene.height), scene.room is not None
    _cast(kinds, table, surround, eye, has_room, bank.texels, directions, depth, met)
    return depth, met


def render(
    scene: Scene, height: int, width: int, bank: TextureBank
) -> tuple[np.ndarray, np.ndarray]:
    """Renders one scene with one ray per pixel.

    Args:
        scene: The scene.
        height, width: Size of the picture; any aspect, at the scene's field of view.
        bank: The textures that the scene's materials refer to.

    Returns:
        Linear light (H, W, 3) float32, before exposure, >= 0; and exact depth along the optical
        axis (H, W) float32 in metres, in (0, SKY_DEPTH], SKY_DEPTH for the sky.
    """
    kinds, table, surround = _geometry(scene)
    materials = np.array([s.material.row() for s in scene.shapes], np.float32).reshape(-1, MATERIAL)
    world = np.array(
        [
            scene.height,
            float(scene.room is not None),
            *(scene.light - [scene.x, 0.0, scene.z]),
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
    axes = rotation(scene.yaw, scene.pitch, scene.roll).astype(np.float32)
    focal = focal_length(scene.fov, height, width)
    color = np.empty((height, width, 3), np.float32)
    depth = np.empty((height, width), np.float32)
    texels = bank.texels
    _paint(
        kinds, table, materials, surround, world, axes, np.float32(focal), texels, bank.count,
        color, depth,
    )  # fmt: skip
    return color, depth
