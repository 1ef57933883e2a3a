"""Ways to damage a file, equal on every machine: by bytes, and by values of JSON and TOML."""

from __future__ import annotations

import copy
import json
import random
import re
import struct
from collections.abc import Callable
from typing import Any

Damage = Callable[[random.Random, bytes, bytes], bytes]

NUMBERS = (0, 1, 2, 255, 256, 32767, 65535, 1 << 24, (1 << 31) - 1, (1 << 32) - 1, (1 << 63) - 1)
DEEP = 20_000

VALUES: tuple[Any, ...] = (
    *(None, True, False, -1, 0, 1, 3, 2.5, -0.0, 1e308, float("nan"), float("inf")),
    *(
        100_000,
        1 << 31,
        10**18,
        10**30,
        -(10**30),
        "",
        "x",
        "1",
        "0",
        " ",
        "\n",
        "a\nb",
        "\x1b[31m",
    ),
    *("\0", "\ud800", "\u202e", "é😀", "../../etc/passwd", "/dev/zero", "=1+1", "[red]", "<b>"),
    *("y" * 200_000, [], {}, [1], [None] * 3, ["x"] * 1000, {"a": {"b": [1, 2]}}, [[[[1]]]]),
    list(range(100_000)),
)


# --- bytes -------------------------------------------------------------------------------------


def flipped_bits(rng: random.Random, data: bytes, other: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 2, 8, 40))):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def flipped_in_front(rng: random.Random, data: bytes, other: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 2, 4))):
        out[rng.randrange(min(len(out), 400))] ^= 1 << rng.randrange(8)
    return bytes(out)


def flipped_at_end(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Where a zip has its directory."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 2, 4))):
        out[-1 - rng.randrange(min(len(out), 600))] ^= 1 << rng.randrange(8)
    return bytes(out)


def overwritten(rng: random.Random, data: bytes, other: bytes) -> bytes:
    start, length = rng.randrange(len(data)), rng.randint(1, 64)
    run = rng.choice((bytes(length), b"\xff" * length, rng.randbytes(length)))
    return data[:start] + run + data[start + length :]


def truncated(rng: random.Random, data: bytes, other: bytes) -> bytes:
    return data[: rng.randrange(len(data))]


def cut_out(rng: random.Random, data: bytes, other: bytes) -> bytes:
    start = rng.randrange(len(data))
    return data[:start] + data[start + rng.choice((1, 2, 4, 100)) :]


def inserted(rng: random.Random, data: bytes, other: bytes) -> bytes:
    start = rng.randrange(len(data))
    extra = rng.choice((rng.randbytes(rng.randint(1, 64)), bytes(1000), data[:500]))
    return data[:start] + extra + data[start:]


def numbers_changed(rng: random.Random, data: bytes, other: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        form = rng.choice(("<H", "<L", "<Q", ">L"))
        size = struct.calcsize(form)
        at = rng.randrange(max(1, len(out) - size))
        out[at : at + size] = struct.pack(form, rng.choice(NUMBERS) % (1 << 8 * size))
    return bytes(out)


def spliced(rng: random.Random, data: bytes, other: bytes) -> bytes:
    return data[: rng.randrange(len(data))] + other[rng.randrange(len(other)) :]


BYTES: tuple[Damage, ...] = (
    flipped_bits,
    flipped_in_front,
    flipped_at_end,
    overwritten,
    truncated,
    cut_out,
    inserted,
    numbers_changed,
    spliced,
)


# --- values ------------------------------------------------------------------------------------


def another_value(rng: random.Random, tree: Any) -> Any:
    """A copy of lists and tables with a value replaced, renamed, doubled or taken away."""
    tree = copy.deepcopy(tree)
    places = list(_places(tree))
    if not places:
        return rng.choice(VALUES)
    holder, key = rng.choice(places)
    match rng.randrange(6):
        case 0:
            del holder[key]
        case 1 if isinstance(holder, dict):
            holder[rng.choice(("x", "", "\x1b", "k" * 50_000, "a b"))] = holder.pop(key)
        case 2:
            holder[key] = [holder[key]]
        case _:
            holder[key] = rng.choice(VALUES)
    return tree


def _places(tree: Any) -> Any:
    items = list(tree.items() if isinstance(tree, dict) else enumerate(tree))
    for key, value in items:
        yield tree, key
        if isinstance(value, dict | list) and len(value) < 1000:
            yield from _places(value)


def damaged_json(rng: random.Random, data: bytes) -> bytes:
    """JSON with a value that nobody expects."""
    if rng.random() < 0.1:
        return deep_json(rng, data)
    return json.dumps(another_value(rng, json.loads(data))).encode()


def deep_json(rng: random.Random, data: bytes) -> bytes:
    """A value nested too deep, or a number of thousands of digits, in place of another."""
    found = list(re.finditer(rb'(?<=[:,\[])\s*("[^"]*"|[\d.]+)', data))
    extra = rng.choice(
        (b"[" * DEEP + b"]" * DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP, b"9" * DEEP)
    )
    if not found:
        return extra
    place = rng.choice(found)
    return data[: place.start()] + extra + data[place.end() :]


def damaged_lines(rng: random.Random, data: bytes) -> bytes:
    """One of the lines of JSON."""
    lines = data.split(b"\n")
    index = rng.randrange(len(lines) - 1)
    lines[index] = damaged_json(rng, lines[index])
    return b"\n".join(lines)


def damaged_toml(rng: random.Random, data: bytes) -> bytes:
    """A key or a value of TOML, replaced."""
    lines = data.decode().split("\n")
    rows = [k for k, line in enumerate(lines) if "=" in line or line.startswith("[")]
    index = rng.choice(rows)
    key, equals, _ = lines[index].partition("=")
    values = (
        *('""', "''", "-1", "0", "1e400", "nan", "true", "[]", "{}", "1979-05-27", "[1, [2]]"),
        *(
            '"\\u001b[31m"',
            '"\\u0000"',
            '"\\u202e"',
            '"=1+1"',
            '"a\\nb"',
            '"' + "y" * 200_000 + '"',
        ),
        *(
            "[" * DEEP + "]" * DEEP,
            "9" * DEEP,
            "1000000000000000000000",
            '"[red]x"',
            "{a = {b = 1}}",
        ),
        *("[" + "1," * 100_000 + "]", "9223372036854775807"),
    )
    if not equals:
        lines[index] = rng.choice(
            ("", "[files]", "[[files]]", "[models.x]", '[files."\\u001b[31m"]', "[files.a.b]")
            + (f"[files.{'x' * 50_000}]", f"[{'a.' * 20_000}a]", lines[index] * 2)
        )
    elif rng.random() < 0.3:
        lines[index] = rng.choice(("x", '"\\u001b"', f"{'a.' * 20_000}a", key + ".x")) + " = 1"
    else:
        lines[index] = f"{key}= {rng.choice(values)}"
    return "\n".join(lines).encode()
