"""Compiled: light and depth of a stage, ray by ray.

All that is compiled is in this file: Numba's cache does not see that another one has changed.
A ray's component along the optical axis is 1, so that a hit's ray parameter is its depth.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from numba import types

from ppdcli.geometry.compiled import compiled

_compiled = partial(compiled, fastmath=True)

_rtc = types.void(types.uintp, types.uintp, types.uintp)
_nearest_hit = types.ExternalFunction("rtcIntersect1", _rtc)
_any_hit = types.ExternalFunction("rtcOccluded1", _rtc)

# Places in Embree's ray and hit, in units of 4 bytes.
_NEAR, _FAR, _MASK, _NORMAL, _U, _V, _PRIMITIVE, _GEOMETRY, _INSTANCE = (
    3,
    8,
    9,
    12,
    15,
    16,
    17,
    18,
    19,
)
RAY = 32  # numbers of 4 bytes that a ray and its hit need, or more
_NOTHING = np.uint32(0xFFFFFFFF)
_LAYERS = 24  # cut-out surfaces that a ray may pass

# Columns of a material's row.
COLOR, TEXTURE, GLOSS, GLOW, GRAIN, GRAIN_GAIN, GRAIN_SCALE, CUTOUT, MATERIAL = (
    0,
    3,
    4,
    5,
    8,
    9,
    10,
    11,
    12,
)
# Columns of a light's row: a sun (direction, spread), a ball (place, radius), a panel (corner, sides).
SUN, BALL, PANEL = 0, 1, 2
KIND, PLACE, SIDE_A, SIDE_B, POWER, LIGHT = 0, 1, 4, 7, 10, 13
# The world's row.
(
    OUTDOORS, REACH, AMBIENT, SKY_LOW, SKY_HIGH, CLOUDS, CLOUD_TEXTURE, FOG, BOUNCE, SUN_AT, GLARE,
    CLOUD_SHIFT, WORLD,
) = 0, 1, 2, 5, 8, 11, 12, 13, 14, 17, 20, 21, 23  # fmt: skip
LEVELS = 9
BUFFER = 19  # numbers that a ray brings back


@_compiled
def _send(ray, ids, ox, oy, oz, dx, dy, dz, near, far):  # type: ignore[no-untyped-def]
    ray[0], ray[1], ray[2], ray[_NEAR] = ox, oy, oz, near
    ray[4], ray[5], ray[6], ray[7], ray[_FAR] = dx, dy, dz, 0.0, far
    ids[_MASK], ids[10], ids[11] = _NOTHING, 0, 0
    ids[_GEOMETRY], ids[_INSTANCE] = _NOTHING, _NOTHING


@_compiled
def _trace(scene, ray, ids, geometry, ox, oy, oz, dx, dy, dz, near, far):  # type: ignore[no-untyped-def]
    """Nearest hit that is not cut out: (found, instance, triangle); the rest is left in the ray."""
    first, first_material, material, uv, materials, texels, places = geometry
    for _ in range(_LAYERS):
        _send(ray, ids, ox, oy, oz, dx, dy, dz, near, far)
        _nearest_hit(scene, ray.ctypes.data, 0)
        if ids[_GEOMETRY] == _NOTHING:
            return False, 0, 0
        instance = np.int64(ids[_INSTANCE])
        triangle = first[instance] + np.int64(ids[_PRIMITIVE])
        row = materials[first_material[instance] + material[triangle]]
        if row[CUTOUT] == 0:
            return True, instance, triangle
        texture = int(row[TEXTURE])
        u, v = _corner_mix(uv[triangle], ray[_U], ray[_V])
        start, width, height = places[texture, 0, 0], places[texture, 0, 1], places[texture, 0, 2]
        x = int(math.floor(u * width)) & (width - 1)
        y = int(math.floor((1 - v) * height)) & (height - 1)
        if texels[start + y * width + x, 3] >= 128:
            return True, instance, triangle
        near = ray[_FAR] * 1.000001 + 1e-5
    return False, 0, 0


@_compiled
def _blocked(scene, ray, ids, geometry, cutouts, ox, oy, oz, dx, dy, dz, far):  # type: ignore[no-untyped-def]
    _send(ray, ids, ox, oy, oz, dx, dy, dz, 0.0, far)
    _any_hit(scene, ray.ctypes.data, 0)
    if ray[_FAR] >= 0:
        return False
    if not cutouts:
        return True
    return _trace(scene, ray, ids, geometry, ox, oy, oz, dx, dy, dz, 0.0, far)[0]


@_compiled
def _corner_mix(uv, b, c):  # type: ignore[no-untyped-def]
    a = 1 - b - c
    return a * uv[0] + b * uv[2] + c * uv[4], a * uv[1] + b * uv[3] + c * uv[5]


@_compiled
def _texel(texels, places, linear, texture, u, v, pixel, color):  # type: ignore[no-untyped-def]
    """Bilinear lookup in the level that fits a pixel ``pixel`` wide in texture coordinates."""
    side = max(places[texture, 0, 1], places[texture, 0, 2])
    level = int(math.floor(math.log2(max(pixel * side, 1e-6)) + 0.5))
    level = min(max(level, 0), LEVELS - 1)
    start, width, height = (
        places[texture, level, 0],
        places[texture, level, 1],
        places[texture, level, 2],
    )
    x, y = u * width - 0.5, (1 - v) * height - 0.5
    x0, y0 = math.floor(x), math.floor(y)
    fx, fy = x - x0, y - y0
    left, right = int(x0) & (width - 1), (int(x0) + 1) & (width - 1)
    top, bottom = int(y0) & (height - 1), (int(y0) + 1) & (height - 1)
    a, b = start + top * width + left, start + top * width + right
    c, d = start + bottom * width + left, start + bottom * width + right
    for k in range(3):
        upper = linear[texels[a, k]] * (1 - fx) + linear[texels[b, k]] * fx
        lower = linear[texels[c, k]] * (1 - fx) + linear[texels[d, k]] * fx
        color[k] = upper * (1 - fy) + lower * fy


@_compiled
def _sky(world, texels, places, linear, dx, dy, dz, clouded, color):  # type: ignore[no-untyped-def]
    """Light from the sky along a unit direction."""
    height = max(dy, 0.0)
    rise = 1 - math.exp(-3.0 * height)
    for k in range(3):
        color[k] = world[SKY_LOW + k] + (world[SKY_HIGH + k] - world[SKY_LOW + k]) * rise
    if not clouded:
        return
    if world[CLOUDS] > 0:
        near = max(height, 0.02) + 0.08
        u, v = dx / near * 0.11 + world[CLOUD_SHIFT], dz / near * 0.11 + world[CLOUD_SHIFT + 1]
        cover = np.empty(3)
        _texel(texels, places, linear, int(world[CLOUD_TEXTURE]), u, v, 0.002 / near, cover)
        thick = min(max((math.sqrt(cover[0]) - 1 + world[CLOUDS]) * 2.2, 0.0), 1.0)
        bright = world[SKY_LOW] + world[SKY_LOW + 1] + world[SKY_LOW + 2]
        for k in range(3):
            white = bright * (0.42 - 0.12 * thick)
            color[k] += (white - color[k]) * thick
    if world[GLARE] > 0:
        cosine = max(dx * world[SUN_AT] + dy * world[SUN_AT + 1] + dz * world[SUN_AT + 2], 0.0)
        glow = world[GLARE] * (0.15 * cosine**8 + cosine**80 + 12 * cosine**4000)
        for k in range(3):
            color[k] += glow * world[SKY_LOW + k]


@_compiled
def _fraction(x):  # type: ignore[no-untyped-def]
    return x - math.floor(x)


@_compiled
def _light_sample(lights, j, px, py, pz, a, b, to):  # type: ignore[no-untyped-def]
    """Writes the way to a point of light j into ``to``; returns its falloff, the angle apart."""
    kind = int(lights[j, KIND])
    if kind == SUN:
        angle, radius = 6.2831853 * a, math.sqrt(b) * lights[j, SIDE_A]
        x, y, z = lights[j, PLACE], lights[j, PLACE + 1], lights[j, PLACE + 2]
        # Two directions across, whichever they are.
        hx, hz = z, -x
        h = math.sqrt(hx * hx + hz * hz) + 1e-9
        hx, hz = hx / h, hz / h
        wx, wy, wz = y * hz, z * hx - x * hz, -y * hx
        c, s = radius * math.cos(angle), radius * math.sin(angle)
        to[0] = (x + c * hx + s * wx) * 1000
        to[1] = (y + s * wy) * 1000
        to[2] = (z + c * hz + s * wz) * 1000
        return 1.0
    if kind == BALL:
        angle, up = 6.2831853 * a, 2 * b - 1
        flat, r = math.sqrt(max(1 - up * up, 0.0)), lights[j, SIDE_A]
        to[0] = lights[j, PLACE] + r * flat * math.cos(angle) - px
        to[1] = lights[j, PLACE + 1] + r * up - py
        to[2] = lights[j, PLACE + 2] + r * flat * math.sin(angle) - pz
        return 1 / (0.1 + to[0] ** 2 + to[1] ** 2 + to[2] ** 2)
    for k in range(3):
        to[k] = lights[j, PLACE + k] + a * lights[j, SIDE_A + k] + b * lights[j, SIDE_B + k]
    to[0] -= px
    to[1] -= py
    to[2] -= pz
    nx = (
        lights[j, SIDE_A + 1] * lights[j, SIDE_B + 2]
        - lights[j, SIDE_A + 2] * lights[j, SIDE_B + 1]
    )
    ny = lights[j, SIDE_A + 2] * lights[j, SIDE_B] - lights[j, SIDE_A] * lights[j, SIDE_B + 2]
    nz = lights[j, SIDE_A] * lights[j, SIDE_B + 1] - lights[j, SIDE_A + 1] * lights[j, SIDE_B]
    square = to[0] ** 2 + to[1] ** 2 + to[2] ** 2
    facing = abs(nx * to[0] + ny * to[1] + nz * to[2]) / math.sqrt(square + 1e-9)
    return facing / (0.1 + square)


@_compiled
def _sample(  # type: ignore[no-untyped-def]
    scene, ray, ids, geometry, shape, lights, world, linear, cutouts,
    o, dx, dy, dz, focal, number, rays, out,
):  # fmt: skip
    """One ray of a picture: fills ``out``, returns depth (0 for the sky) and the instance.

    With ``rays`` = 0 no light is looked for, but what shines by itself.

    ``out``: albedo 0-2, direct light 3-5, ambient light 6-8, what shines by itself 9-11,
    normal 12-14, clear share of the air 15, highlights of lights 16-18.
    """
    first, first_material, material, uv, materials, texels, places = geometry
    rows, normals, density, tints = shape
    color = np.empty(3)
    length = math.sqrt(dx * dx + dy * dy + dz * dz)
    found, instance, triangle = _trace(
        scene, ray, ids, geometry, o[0], o[1], o[2], dx, dy, dz, 0.0, 1e5
    )
    if not found:
        out[:BUFFER] = 0.0
        _sky(world, texels, places, linear, dx / length, dy / length, dz / length, True, color)
        out[9:12] = color
        out[15] = 1.0
        return 0.0, -1
    t, b, c = float(ray[_FAR]), float(ray[_U]), float(ray[_V])
    px, py, pz = o[0] + t * dx, o[1] + t * dy, o[2] + t * dz
    m = rows[instance]
    # Normals turn with the instance; scales along its own axes are undone first.
    s0 = m[0] * m[0] + m[4] * m[4] + m[8] * m[8]
    s1 = m[1] * m[1] + m[5] * m[5] + m[9] * m[9]
    s2 = m[2] * m[2] + m[6] * m[6] + m[10] * m[10]
    gx, gy, gz = ray[_NORMAL] / s0, ray[_NORMAL + 1] / s1, ray[_NORMAL + 2] / s2
    fx = m[0] * gx + m[1] * gy + m[2] * gz
    fy = m[4] * gx + m[5] * gy + m[6] * gz
    fz = m[8] * gx + m[9] * gy + m[10] * gz
    norm = math.sqrt(fx * fx + fy * fy + fz * fz) + 1e-20
    if fx * dx + fy * dy + fz * dz > 0:
        norm = -norm
    fx, fy, fz = fx / norm, fy / norm, fz / norm
    q, a = normals[triangle], 1 - b - c
    gx = (a * q[0] + b * q[3] + c * q[6]) / s0
    gy = (a * q[1] + b * q[4] + c * q[7]) / s1
    gz = (a * q[2] + b * q[5] + c * q[8]) / s2
    nx = m[0] * gx + m[1] * gy + m[2] * gz
    ny = m[4] * gx + m[5] * gy + m[6] * gz
    nz = m[8] * gx + m[9] * gy + m[10] * gz
    norm = math.sqrt(nx * nx + ny * ny + nz * nz)
    if nx * fx + ny * fy + nz * fz < 0:
        norm = -norm
    if abs(norm) < 1e-9:
        nx, ny, nz = fx, fy, fz
    else:
        nx, ny, nz = nx / norm, ny / norm, nz / norm

    row = materials[first_material[instance] + material[triangle]]
    facing = max(abs(fx * dx + fy * dy + fz * dz) / length, 0.08)
    pixel = t / focal / math.sqrt(facing)
    texture = int(row[TEXTURE])
    u, v = _corner_mix(uv[triangle], b, c)
    wide = pixel * density[triangle] / math.sqrt(s0)
    if texture >= 0:
        _texel(texels, places, linear, texture, u, v, wide, color)
    else:
        for k in range(3):
            color[k] = row[COLOR + k]
    gain = 1.0
    if row[GRAIN] >= 0:
        grain = np.empty(3)
        scale = row[GRAIN_SCALE]
        _texel(texels, places, linear, int(row[GRAIN]), u * scale, v * scale, wide * scale, grain)
        gain = 1 + row[GRAIN_GAIN] * (math.sqrt(grain[0]) - 0.5)
        scale *= 0.037
        _texel(texels, places, linear, int(row[GRAIN]), u * scale, v * scale, wide * scale, grain)
        gain *= 1 + 0.8 * row[GRAIN_GAIN] * (math.sqrt(grain[0]) - 0.5)
    for k in range(3):
        out[k] = min(max(color[k] * tints[instance, k] * gain, 0.0), 0.95)
        out[9 + k] = row[GLOW + k] * (color[k] if texture >= 0 else 1.0)
    out[12], out[13], out[14] = nx, ny, nz

    # Lights: one is drawn, by how much it would give.
    lift = 1e-3 + 5e-4 * t
    sx, sy, sz = px + fx * lift, py + fy * lift, pz + fz * lift
    r1, r2 = (
        _fraction(0.5 + number * 0.7548776662466927),
        _fraction(0.5 + number * 0.5698402909980532),
    )
    out[3:6] = 0.0
    out[16:19] = 0.0
    gloss, shine = row[GLOSS], 0.0
    count = len(lights)
    if count > 0 and rays > 0:
        to = np.empty(3)
        total, chosen = 0.0, -1
        pick = _fraction(number * 0.6180339887498949)
        share = np.empty(count)
        for j in range(count):
            fall = _light_sample(lights, j, sx, sy, sz, 0.5, 0.5, to)
            d = math.sqrt(to[0] ** 2 + to[1] ** 2 + to[2] ** 2)
            cosine = (nx * to[0] + ny * to[1] + nz * to[2]) / d
            share[j] = fall * max(cosine + 0.1, 0.0) * lights[j, POWER + 1]
            total += share[j]
        if total > 1e-9:
            sum_ = 0.0
            for j in range(count):
                sum_ += share[j]
                if chosen < 0 and pick * total <= sum_ and share[j] > 0:
                    chosen = j
        if chosen >= 0:
            fall = _light_sample(lights, chosen, sx, sy, sz, r1, r2, to)
            d = math.sqrt(to[0] ** 2 + to[1] ** 2 + to[2] ** 2)
            lx, ly, lz = to[0] / d, to[1] / d, to[2] / d
            cosine = nx * lx + ny * ly + nz * lz
            if cosine > 0 and fx * lx + fy * ly + fz * lz > 0:
                if not _blocked(
                    scene, ray, ids, geometry, cutouts, sx, sy, sz, lx, ly, lz, d * 0.98
                ):
                    strength = fall * total / share[chosen]
                    hx, hy, hz = lx - dx / length, ly - dy / length, lz - dz / length
                    half = math.sqrt(hx * hx + hy * hy + hz * hz) + 1e-9
                    shine = gloss * max((nx * hx + ny * hy + nz * hz) / half, 0.0) ** 40
                    for k in range(3):
                        out[3 + k] = strength * cosine * lights[chosen, POWER + k]
                        out[16 + k] = shine * strength * lights[chosen, POWER + k]

    # Ambient light, by a few rays around the normal.
    out[6:9] = 0.0
    reach = world[REACH]
    for k in range(rays):
        n = number + 16.0 * (k + 1)
        angle = 6.2831853 * _fraction(0.5 + n * 0.7548776662466927)
        up = 2 * _fraction(0.5 + n * 0.5698402909980532) - 1
        flat = math.sqrt(max(1 - up * up, 0.0))
        ax, ay, az = (
            nx + flat * math.cos(angle) * 0.999,
            ny + up * 0.999,
            nz + flat * math.sin(angle) * 0.999,
        )
        d = math.sqrt(ax * ax + ay * ay + az * az)
        ax, ay, az = ax / d, ay / d, az / d
        if _blocked(scene, ray, ids, geometry, False, sx, sy, sz, ax, ay, az, reach):
            for j in range(3):
                out[6 + j] += world[BOUNCE + j] / rays
        elif world[OUTDOORS] > 0:
            _sky(world, texels, places, linear, ax, ay, az, False, color)
            for j in range(3):
                out[6 + j] += color[j] * world[AMBIENT + j] / rays
        else:
            for j in range(3):
                out[6 + j] += world[AMBIENT + j] * (0.85 + 0.15 * ay) / rays

    if gloss > 0:
        # What a shiny surface mirrors of the surroundings, more at grazing angles.
        along = 2 * (nx * dx + ny * dy + nz * dz)
        rx, ry, rz = (
            (dx - along * nx) / length,
            (dy - along * ny) / length,
            (dz - along * nz) / length,
        )
        grazing = (1 - facing) ** 4
        mirror = gloss * (0.12 + 0.5 * grazing)
        if world[OUTDOORS] > 0:
            _sky(world, texels, places, linear, rx, max(ry, 0.0), rz, True, color)
            if ry < 0:
                for k in range(3):
                    color[k] *= 0.3
        else:
            for k in range(3):
                color[k] = world[AMBIENT + k] * (0.6 + 0.4 * ry)
        for k in range(3):
            out[9 + k] += mirror * color[k]
    out[15] = math.exp(-world[FOG] * t)
    return t, instance


@_compiled
def trace_picture(  # type: ignore[no-untyped-def]
    scene, geometry, shape, lights, world, linear, cutouts,
    o, axes, focal, rays, buffers, depth, who,
):  # fmt: skip
    """One ray through every pixel's centre: fills ``buffers`` (H, W, BUFFER), ``depth``, ``who``."""
    height, width = depth.shape
    ray = np.zeros(RAY, np.float32)
    ids = ray.view(np.uint32)
    out = np.empty(BUFFER)
    for y in range(height):
        for x in range(width):
            right, up = (x - 0.5 * (width - 1)) / focal, (0.5 * (height - 1) - y) / focal
            dx = axes[0, 0] * right + axes[0, 1] * up + axes[0, 2]
            dy = axes[1, 0] * right + axes[1, 1] * up + axes[1, 2]
            dz = axes[2, 0] * right + axes[2, 1] * up + axes[2, 2]
            number = float((y & 3) * 4 + (x & 3))
            t, instance = _sample(
                scene, ray, ids, geometry, shape, lights, world, linear, cutouts,
                o, dx, dy, dz, focal, number, rays, out,
            )  # fmt: skip
            depth[y, x], who[y, x] = t, instance
            for k in range(BUFFER):
                buffers[y, x, k] = out[k]


@_compiled
def smooth_light(buffers, depth, reach):  # type: ignore[no-untyped-def]
    """Light that falls on each pixel, averaged over pixels of the same surface.

    Returns (H, W, 6): light to be multiplied by the albedo, then highlights. Ambient light is
    averaged over 4 x 4 pixels, direct light over ``reach`` (2 or 4) squared.
    """
    height, width = depth.shape
    falls = np.zeros((height, width, 6), np.float32)
    half = reach // 2
    sums = np.empty(9)
    for y in range(height):
        for x in range(width):
            here, z = buffers[y, x], depth[y, x]
            if z == 0:
                continue
            sums[:] = 0.0
            near, total = 0.0, 0.0
            for j in range(max(y - 2, 0), min(y + 2, height)):
                for i in range(max(x - 2, 0), min(x + 2, width)):
                    there = buffers[j, i]
                    if abs(depth[j, i] - z) > 0.05 * z:
                        continue
                    alike = here[12] * there[12] + here[13] * there[13] + here[14] * there[14]
                    if alike < 0.8:
                        continue
                    total += 1
                    for k in range(3):
                        sums[3 + k] += there[6 + k]
                    if -half <= j - y < half and -half <= i - x < half:
                        near += 1
                        for k in range(3):
                            sums[k] += there[3 + k]
                            sums[6 + k] += there[16 + k]
            for k in range(3):
                falls[y, x, k] = sums[k] / near + sums[3 + k] / total
                falls[y, x, 3 + k] = sums[6 + k] / near
    return falls


@_compiled
def compose(buffers, falls, fog):  # type: ignore[no-untyped-def]
    """The linear picture (H, W, 3): surfaces in their light, through the air."""
    height, width = falls.shape[:2]
    light = np.empty((height, width, 3), np.float32)
    for y in range(height):
        for x in range(width):
            here, fall = buffers[y, x], falls[y, x]
            for k in range(3):
                seen = here[k] * fall[k] + fall[3 + k] + here[9 + k]
                light[y, x, k] = seen * here[15] + fog[k] * (1 - here[15])
    return light


@_compiled
def soften_edges(  # type: ignore[no-untyped-def]
    scene, geometry, shape, lights, world, linear, cutouts,
    o, axes, focal, buffers, depth, who, falls, light,
):  # fmt: skip
    """Three more rays for each pixel at the border of two surfaces, as colour alone."""
    height, width = depth.shape
    ray = np.zeros(RAY, np.float32)
    ids = ray.view(np.uint32)
    out = np.empty(BUFFER)
    fog = world[SKY_LOW : SKY_LOW + 3]
    total = np.empty(3)
    for y in range(height):
        for x in range(width):
            z, n = depth[y, x], buffers[y, x]
            border = False
            for j, i in ((y, x - 1), (y, x + 1), (y - 1, x), (y + 1, x)):
                if j < 0 or i < 0 or j >= height or i >= width:
                    continue
                m = buffers[j, i]
                if who[j, i] != who[y, x] or abs(depth[j, i] - z) > 0.1 * z:
                    border = True
                elif z > 0 and n[12] * m[12] + n[13] * m[13] + n[14] * m[14] < 0.6:
                    border = True
            if not border:
                continue
            for k in range(3):
                total[k] = light[y, x, k]
            for s in range(3):
                shift_x = -0.33 if s == 0 else 0.33 if s == 1 else -0.1
                shift_y = -0.15 if s == 0 else -0.3 if s == 1 else 0.35
                right = (x + shift_x - 0.5 * (width - 1)) / focal
                up = (0.5 * (height - 1) - y - shift_y) / focal
                dx = axes[0, 0] * right + axes[0, 1] * up + axes[0, 2]
                dy = axes[1, 0] * right + axes[1, 1] * up + axes[1, 2]
                dz = axes[2, 0] * right + axes[2, 1] * up + axes[2, 2]
                t, instance = _sample(
                    scene, ray, ids, geometry, shape, lights, world, linear, cutouts,
                    o, dx, dy, dz, focal, 0.0, 0, out,
                )  # fmt: skip
                # The light on a pixel of the same surface nearby.
                best, by, bx = 1e30, y, x
                if t > 0:
                    for j in range(max(y - 1, 0), min(y + 2, height)):
                        for i in range(max(x - 1, 0), min(x + 2, width)):
                            m = buffers[j, i]
                            apart = abs(depth[j, i] - t) / t
                            apart += 0.5 * (1 - out[12] * m[12] - out[13] * m[13] - out[14] * m[14])
                            if who[j, i] != instance:
                                apart += 1.0
                            if depth[j, i] > 0 and apart < best:
                                best, by, bx = apart, j, i
                for k in range(3):
                    seen = out[k] * falls[by, bx, k] + falls[by, bx, 3 + k] + out[9 + k]
                    total[k] += seen * out[15] + fog[k] * (1 - out[15])
            for k in range(3):
                light[y, x, k] = total[k] / 4


@_compiled
def corner_normals(vertices, triangles, cosine):  # type: ignore[no-untyped-def]
    """(F, 9) int8 normals of the corners, smooth where faces meet at less than a crease's angle."""
    count = len(triangles)
    faces = np.empty((count, 3), np.float32)
    sums = np.zeros((len(vertices), 3), np.float32)
    for f in range(count):
        a, b, c = vertices[triangles[f, 0]], vertices[triangles[f, 1]], vertices[triangles[f, 2]]
        ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
        vx, vy, vz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for k in range(3):
            sums[triangles[f, k], 0] += nx
            sums[triangles[f, k], 1] += ny
            sums[triangles[f, k], 2] += nz
        norm = math.sqrt(nx * nx + ny * ny + nz * nz) + 1e-30
        faces[f, 0], faces[f, 1], faces[f, 2] = nx / norm, ny / norm, nz / norm
    result = np.empty((count, 9), np.int8)
    for f in range(count):
        for k in range(3):
            n = sums[triangles[f, k]]
            norm = math.sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]) + 1e-30
            along = (n[0] * faces[f, 0] + n[1] * faces[f, 1] + n[2] * faces[f, 2]) / norm
            for j in range(3):
                value = n[j] / norm if along > cosine else faces[f, j]
                result[f, 3 * k + j] = np.int8(round(value * 127))
    return result
