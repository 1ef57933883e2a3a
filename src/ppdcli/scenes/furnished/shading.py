"""Compiled code: light and depth of a scene, ray by ray.

All compiled code is in this file, because Numba's cache does not notice changes in another one. A
ray's component along the optical axis is 1, so that the ray parameter of a hit is its depth.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from numba import types

from ppdcli.geometry.compiled import compiled

_compiled = partial(compiled, fastmath=True)

_rtc = types.void(types.uintp, types.uintp, types.uintp)
_nearest_hit: Any = types.ExternalFunction("rtcIntersect1", _rtc)
_any_hit: Any = types.ExternalFunction("rtcOccluded1", _rtc)

# Offsets in Embree's ray and hit, in units of 4 bytes.
_NEAR, _FAR, _MASK, _NORMAL, _U, _V = 3, 8, 9, 12, 15, 16
_PRIMITIVE, _GEOMETRY, _INSTANCE = 17, 18, 19
RAY = 32  # size of a ray and its hit in units of 4 bytes, rounded up
_NOTHING = np.uint32(0xFFFFFFFF)
_LAYERS = 24  # cut-out surfaces that a ray can pass

# Columns of a material's row.
COLOR, TEXTURE, GLOSS, GLOW, GRAIN, GRAIN_GAIN, GRAIN_SCALE, CUTOUT = 0, 3, 4, 5, 8, 9, 10, 11
MATERIAL = 12
# Kinds of light: a sun (direction, spread), a ball (place, radius), a panel (corner, two sides).
SUN, BALL, PANEL = 0, 1, 2
# Columns of a light's row.
KIND, PLACE, SIDE_A, SIDE_B, POWER, LIGHT = 0, 1, 4, 7, 10, 13
# Columns of the world's row.
OUTDOORS, REACH, AMBIENT, SKY_LOW, SKY_HIGH, CLOUDS, CLOUD_TEXTURE = 0, 1, 2, 5, 8, 11, 12
FOG, BOUNCE, SUN_AT, GLARE, CLOUD_SHIFT, WORLD = 13, 14, 17, 20, 21, 23
LEVELS = 9
BUFFER = 19  # values that a ray returns


@_compiled
def _send(ray, ids, ox, oy, oz, dx, dy, dz, near, far):  # type: ignore[no-untyped-def]
    ray[0], ray[1], ray[2], ray[_NEAR] = ox, oy, oz, near
    ray[4], ray[5], ray[6], ray[7], ray[_FAR] = dx, dy, dz, 0.0, far
    ids[_MASK], ids[10], ids[11] = _NOTHING, 0, 0
    ids[_GEOMETRY], ids[_INSTANCE] = _NOTHING, _NOTHING


@_compiled
def _trace(scene, ray, ids, geometry, ox, oy, oz, dx, dy, dz, near, far):  # type: ignore[no-untyped-def]
    """Finds the nearest hit that is not cut out: (found, instance, triangle); the ray has more."""
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
        x = math.floor(u * width) & (width - 1)
        y = math.floor((1 - v) * height) & (height - 1)
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
def _texel(texels, places, linear, texture, u, v, pixel):  # type: ignore[no-untyped-def]
    """Bilinear lookup in the level for a pixel that is ``pixel`` wide in texture coordinates."""
    side = max(places[texture, 0, 1], places[texture, 0, 2])
    level = math.floor(math.log2(max(pixel * side, 1e-6)) + 0.5)
    level = min(max(level, 0), LEVELS - 1)
    start, width = places[texture, level, 0], places[texture, level, 1]
    height = places[texture, level, 2]
    x, y = u * width - 0.5, (1 - v) * height - 0.5
    x0, y0 = math.floor(x), math.floor(y)
    fx, fy = x - x0, y - y0
    left, right = x0 & (width - 1), (x0 + 1) & (width - 1)
    top, bottom = start + (y0 & (height - 1)) * width, start + ((y0 + 1) & (height - 1)) * width
    a, b, c, d = (
        texels[top + left],
        texels[top + right],
        texels[bottom + left],
        texels[bottom + right],
    )
    wa, wb, wc, wd = (1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy
    red = linear[a[0]] * wa + linear[b[0]] * wb + linear[c[0]] * wc + linear[d[0]] * wd
    green = linear[a[1]] * wa + linear[b[1]] * wb + linear[c[1]] * wc + linear[d[1]] * wd
    blue = linear[a[2]] * wa + linear[b[2]] * wb + linear[c[2]] * wc + linear[d[2]] * wd
    return red, green, blue


@_compiled
def _sky(world, texels, places, linear, dx, dy, dz, clouded):  # type: ignore[no-untyped-def]
    """Returns the light from the sky along a unit direction."""
    height = max(dy, 0.0)
    rise = 1 - math.exp(-3.0 * height)
    low0, low1, low2 = world[SKY_LOW], world[SKY_LOW + 1], world[SKY_LOW + 2]
    red = low0 + (world[SKY_HIGH] - low0) * rise
    green = low1 + (world[SKY_HIGH + 1] - low1) * rise
    blue = low2 + (world[SKY_HIGH + 2] - low2) * rise
    if not clouded:
        return red, green, blue
    if world[CLOUDS] > 0:
        near = max(height, 0.02) + 0.08
        u, v = dx / near * 0.11 + world[CLOUD_SHIFT], dz / near * 0.11 + world[CLOUD_SHIFT + 1]
        texture = int(world[CLOUD_TEXTURE])
        cover = _texel(texels, places, linear, texture, u, v, 0.002 / near)[0]
        thick = min(max((math.sqrt(cover) - 1 + world[CLOUDS]) * 2.2, 0.0), 1.0)
        white = (low0 + low1 + low2) * (0.42 - 0.12 * thick)
        red += (white - red) * thick
        green += (white - green) * thick
        blue += (white - blue) * thick
    if world[GLARE] > 0:
        cosine = max(dx * world[SUN_AT] + dy * world[SUN_AT + 1] + dz * world[SUN_AT + 2], 0.0)
        glow = world[GLARE] * (0.15 * cosine**8 + cosine**80 + 12 * cosine**4000)
        red, green, blue = red + glow * low0, green + glow * low1, blue + glow * low2
    return red, green, blue


@_compiled
def _fraction(x):  # type: ignore[no-untyped-def]
    return x - math.floor(x)


@_compiled
def _towards(lights, j, px, py, pz, a, b):  # type: ignore[no-untyped-def]
    """Returns the vector to a point of light j, chosen by a and b in [0, 1), and its falloff."""
    kind = int(lights[j, KIND])
    lx, ly, lz = lights[j, PLACE], lights[j, PLACE + 1], lights[j, PLACE + 2]
    if kind == SUN:
        angle, radius = 6.2831853 * a, math.sqrt(b) * lights[j, SIDE_A]
        # Two directions perpendicular to the sun's.
        flat = math.sqrt(lx * lx + lz * lz) + 1e-9
        hx, hz = lz / flat, -lx / flat
        wx, wy, wz = ly * hz, lz * hx - lx * hz, -ly * hx
        c, s = radius * math.cos(angle), radius * math.sin(angle)
        return 1e3 * (lx + c * hx + s * wx), 1e3 * (ly + s * wy), 1e3 * (lz + c * hz + s * wz), 1.0
    if kind == BALL:
        angle, up = 6.2831853 * a, 2 * b - 1
        flat, r = math.sqrt(max(1 - up * up, 0.0)), lights[j, SIDE_A]
        x = lx + r * flat * math.cos(angle) - px
        y = ly + r * up - py
        z = lz + r * flat * math.sin(angle) - pz
        return x, y, z, 1 / (0.1 + x * x + y * y + z * z)
    ax, ay, az = lights[j, SIDE_A], lights[j, SIDE_A + 1], lights[j, SIDE_A + 2]
    bx, by, bz = lights[j, SIDE_B], lights[j, SIDE_B + 1], lights[j, SIDE_B + 2]
    x, y, z = lx + a * ax + b * bx - px, ly + a * ay + b * by - py, lz + a * az + b * bz - pz
    nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    square = x * x + y * y + z * z
    facing = abs(nx * x + ny * y + nz * z) / math.sqrt(square + 1e-9)
    return x, y, z, facing / (0.1 + square)


@_compiled
def _turned(m, x, y, z):  # type: ignore[no-untyped-def]
    """Transforms a model's normal to the scene; scales along the model's axes are undone first."""
    x /= m[0] * m[0] + m[4] * m[4] + m[8] * m[8]
    y /= m[1] * m[1] + m[5] * m[5] + m[9] * m[9]
    z /= m[2] * m[2] + m[6] * m[6] + m[10] * m[10]
    nx = m[0] * x + m[1] * y + m[2] * z
    ny = m[4] * x + m[5] * y + m[6] * z
    nz = m[8] * x + m[9] * y + m[10] * z
    norm = math.sqrt(nx * nx + ny * ny + nz * nz) + 1e-20
    return nx / norm, ny / norm, nz / norm


@_compiled
def _albedo(row, texels, places, linear, u, v, wide):  # type: ignore[no-untyped-def]
    """Returns a material's colour at texture coordinates, and the brightness factor of grain."""
    color = row[COLOR], row[COLOR + 1], row[COLOR + 2]
    if row[TEXTURE] >= 0:
        color = _texel(texels, places, linear, int(row[TEXTURE]), u, v, wide)
    gain = 1.0
    if row[GRAIN] >= 0:
        scale, grain = row[GRAIN_SCALE], int(row[GRAIN])
        fine = _texel(texels, places, linear, grain, u * scale, v * scale, wide * scale)[0]
        scale *= 0.037
        broad = _texel(texels, places, linear, grain, u * scale, v * scale, wide * scale)[0]
        gain = 1 + row[GRAIN_GAIN] * (math.sqrt(fine) - 0.5)
        gain *= 1 + 0.8 * row[GRAIN_GAIN] * (math.sqrt(broad) - 0.5)
    return color, gain


@_compiled
def _sample(  # type: ignore[no-untyped-def]
    scene, ray, ids, geometry, shape, lights, world, linear, cutouts,
    o, dx, dy, dz, focal, number, spot, rays, share, out,
):  # fmt: skip
    """Traces one ray of a picture: fills ``out``, returns depth (0 for the sky) and the instance.

    ``number`` and ``spot`` choose the directions of the ambient rays and the point of a light.
    With ``rays`` = 0 only emitted light is computed.

    ``out``: albedo 0-2, direct light 3-5, ambient light 6-8, emitted light 9-11, normal 12-14,
    clear share of the air 15, highlights of lights 16-18.
    """
    first_material, material, uv, materials = geometry[1], geometry[2], geometry[3], geometry[4]
    texels, places = geometry[5], geometry[6]
    rows, normals, density, tints = shape
    length = math.sqrt(dx * dx + dy * dy + dz * dz)
    found, instance, triangle = _trace(
        scene, ray, ids, geometry, o[0], o[1], o[2], dx, dy, dz, 0.0, 1e5
    )
    if not found:
        out[:BUFFER] = 0.0
        ux, uy, uz = dx / length, dy / length, dz / length
        out[9], out[10], out[11] = _sky(world, texels, places, linear, ux, uy, uz, True)
        out[15] = 1.0
        return 0.0, -1
    t, b, c = float(ray[_FAR]), float(ray[_U]), float(ray[_V])
    px, py, pz = o[0] + t * dx, o[1] + t * dy, o[2] + t * dz
    m = rows[instance]
    fx, fy, fz = _turned(m, ray[_NORMAL], ray[_NORMAL + 1], ray[_NORMAL + 2])
    if fx * dx + fy * dy + fz * dz > 0:
        fx, fy, fz = -fx, -fy, -fz
    q, a = normals[triangle], 1 - b - c
    nx, ny, nz = _turned(
        m,
        a * q[0] + b * q[3] + c * q[6],
        a * q[1] + b * q[4] + c * q[7],
        a * q[2] + b * q[5] + c * q[8],
    )
    if nx * fx + ny * fy + nz * fz < 0:
        nx, ny, nz = -nx, -ny, -nz
    if nx * nx + ny * ny + nz * nz < 0.5:
        nx, ny, nz = fx, fy, fz

    row = materials[first_material[instance] + material[triangle]]
    facing = max(abs(fx * dx + fy * dy + fz * dz) / length, 0.08)
    u, v = _corner_mix(uv[triangle], b, c)
    size = math.sqrt(m[0] * m[0] + m[4] * m[4] + m[8] * m[8])
    wide = t / focal / math.sqrt(facing) * density[triangle] / size
    color, gain = _albedo(row, texels, places, linear, u, v, wide)
    glow = color if row[TEXTURE] >= 0 else (1.0, 1.0, 1.0)
    for k in range(3):
        out[k] = min(max(color[k] * tints[instance, k] * gain, 0.0), 0.95)
        out[3 + k], out[6 + k], out[16 + k] = 0.0, 0.0, 0.0
        out[9 + k] = row[GLOW + k] * glow[k]
    out[12], out[13], out[14] = nx, ny, nz
    out[15] = math.exp(-world[FOG] * t)

    gloss = row[GLOSS]
    if gloss > 0:
        # A shiny surface reflects the surroundings, more at grazing angles.
        along = 2 * (nx * dx + ny * dy + nz * dz)
        rx, ry, rz = dx - along * nx, dy - along * ny, dz - along * nz
        rx, ry, rz = rx / length, ry / length, rz / length
        mirror = gloss * (0.12 + 0.5 * (1 - facing) ** 4)
        if world[OUTDOORS] > 0:
            seen = _sky(world, texels, places, linear, rx, max(ry, 0.0), rz, True)
            mirror *= 0.3 if ry < 0 else 1.0
        else:
            dim = 0.6 + 0.4 * ry
            seen = world[AMBIENT] * dim, world[AMBIENT + 1] * dim, world[AMBIENT + 2] * dim
        for k in range(3):
            out[9 + k] += mirror * seen[k]
    if rays == 0:
        return t, instance

    # One light is drawn, with a probability in proportion to its contribution.
    lift = 1e-3 + 5e-4 * t
    sx, sy, sz = px + fx * lift, py + fy * lift, pz + fz * lift
    total = 0.0
    for j in range(len(lights)):
        x, y, z, fall = _towards(lights, j, sx, sy, sz, 0.5, 0.5)
        cosine = (nx * x + ny * y + nz * z) / math.sqrt(x * x + y * y + z * z)
        share[j] = fall * max(cosine + 0.1, 0.0) * lights[j, POWER + 1]
        total += share[j]
    if total > 1e-9:
        pick, chosen = _fraction(spot * 0.6180339887498949) * total, 0
        for j in range(len(lights)):
            if share[j] > 0:
                chosen = j
                pick -= share[j]
                if pick <= 0:
                    break
        r1 = _fraction(0.5 + spot * 0.7548776662466927)
        r2 = _fraction(0.5 + spot * 0.5698402909980532)
        x, y, z, fall = _towards(lights, chosen, sx, sy, sz, r1, r2)
        d = math.sqrt(x * x + y * y + z * z)
        x, y, z = x / d, y / d, z / d
        cosine = nx * x + ny * y + nz * z
        lit = cosine > 0 and fx * x + fy * y + fz * z > 0
        if lit and not _blocked(scene, ray, ids, geometry, cutouts, sx, sy, sz, x, y, z, d * 0.98):
            strength = fall * total / share[chosen]
            hx, hy, hz = x - dx / length, y - dy / length, z - dz / length
            half = math.sqrt(hx * hx + hy * hy + hz * hz) + 1e-9
            shine = gloss * max((nx * hx + ny * hy + nz * hz) / half, 0.0) ** 40
            for k in range(3):
                out[3 + k] = strength * cosine * lights[chosen, POWER + k]
                out[16 + k] = shine * strength * lights[chosen, POWER + k]

    # Ambient light from a few rays around the normal.
    for k in range(rays):
        n = number + 16.0 * (k + 1)
        angle = 6.2831853 * _fraction(0.5 + n * 0.7548776662466927)
        up = 2 * _fraction(0.5 + n * 0.5698402909980532) - 1
        flat = math.sqrt(max(1 - up * up, 0.0)) * 0.999
        x, y, z = nx + flat * math.cos(angle), ny + up * 0.999, nz + flat * math.sin(angle)
        d = math.sqrt(x * x + y * y + z * z)
        x, y, z = x / d, y / d, z / d
        if _blocked(scene, ray, ids, geometry, False, sx, sy, sz, x, y, z, world[REACH]):
            come = world[BOUNCE], world[BOUNCE + 1], world[BOUNCE + 2]
        else:
            come = world[AMBIENT], world[AMBIENT + 1], world[AMBIENT + 2]
            if world[OUTDOORS] > 0:
                sky = _sky(world, texels, places, linear, x, y, z, False)
                come = come[0] * sky[0], come[1] * sky[1], come[2] * sky[2]
            else:
                dim = 0.85 + 0.15 * y
                come = come[0] * dim, come[1] * dim, come[2] * dim
        for j in range(3):
            out[6 + j] += come[j] / rays
    return t, instance


@_compiled
def trace_picture(  # type: ignore[no-untyped-def]
    scene, geometry, shape, lights, world, linear, cutouts,
    o, axes, focal, rays, reach, buffers, depth, who,
):  # fmt: skip
    """Traces one ray per pixel, through its centre: fills ``buffers`` (H, W, BUFFER), depth and
    instance.

    ``reach`` (2 or 4) is the side in pixels over which direct light will be averaged.
    """
    height, width = depth.shape
    ray = np.zeros(RAY, np.float32)
    ids = ray.view(np.uint32)
    out, share = np.empty(BUFFER), np.empty(len(lights))
    for y in range(height):
        for x in range(width):
            right, up = (x - 0.5 * (width - 1)) / focal, (0.5 * (height - 1) - y) / focal
            dx = axes[0, 0] * right + axes[0, 1] * up + axes[0, 2]
            dy = axes[1, 0] * right + axes[1, 1] * up + axes[1, 2]
            dz = axes[2, 0] * right + axes[2, 1] * up + axes[2, 2]
            number = float((y & 3) * 4 + (x & 3))
            # Pixels that will be averaged sample different points of a light.
            spot = float((y & 1) * 2 + (x & 1)) if reach == 2 else number
            t, instance = _sample(
                scene, ray, ids, geometry, shape, lights, world, linear, cutouts,
                o, dx, dy, dz, focal, number, spot, rays, share, out,
            )  # fmt: skip
            depth[y, x], who[y, x] = t, instance
            for k in range(BUFFER):
                buffers[y, x, k] = out[k]


@_compiled
def _slope(before, here, after):  # type: ignore[no-untyped-def]
    """Returns the smaller of two steps, or 0 if they point different ways."""
    a, b = here - before, after - here
    if a * b <= 0:
        return 0.0
    return a if abs(a) < abs(b) else b


@_compiled
def smooth_light(buffers, depth, reach):  # type: ignore[no-untyped-def]
    """Averages the light on each pixel over pixels of the same surface.

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
            # A plane through the pixel: points on it belong to the same surface.
            down = _slope(depth[max(y - 1, 0), x], z, depth[min(y + 1, height - 1), x])
            along = _slope(depth[y, max(x - 1, 0)], z, depth[y, min(x + 1, width - 1)])
            sums[:] = 0.0
            near, total = 0.0, 0.0
            for j in range(max(y - 2, 0), min(y + 2, height)):
                for i in range(max(x - 2, 0), min(x + 2, width)):
                    there = buffers[j, i]
                    if abs(depth[j, i] - z - down * (j - y) - along * (i - x)) > 0.05 * z:
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
    """Returns the linear picture (H, W, 3): surfaces in their light, seen through the air."""
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
    """Traces three more rays for each pixel at the border of two surfaces, for colour only."""
    height, width = depth.shape
    ray = np.zeros(RAY, np.float32)
    ids = ray.view(np.uint32)
    out, share = np.empty(BUFFER), np.empty(len(lights))
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
                alike = n[12] * m[12] + n[13] * m[13] + n[14] * m[14]
                apart = who[j, i] != who[y, x] or abs(depth[j, i] - z) > 0.1 * z
                border = border or apart or (z > 0 and alike < 0.6)
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
                    o, dx, dy, dz, focal, 0.0, 0.0, 0, share, out,
                )  # fmt: skip
                # Use the light of a nearby pixel on the same surface.
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
def cast_rays(scene, geometry, o, directions, depth, who):  # type: ignore[no-untyped-def]
    """Fills ``depth`` (N,), 0 for nothing, and ``who`` (N,), the instance or -1, with what rays
    from ``o`` along ``directions`` (N, 3) hit."""
    ray = np.zeros(RAY, np.float32)
    ids = ray.view(np.uint32)
    for k in range(len(directions)):
        dx, dy, dz = directions[k, 0], directions[k, 1], directions[k, 2]
        found, instance, _ = _trace(
            scene, ray, ids, geometry, o[0], o[1], o[2], dx, dy, dz, 0.0, 1e5
        )
        depth[k] = ray[_FAR] if found else 0.0
        who[k] = instance if found else -1
