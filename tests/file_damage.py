"""Ways to damage a file, for the tests that feed readers with damaged ones."""

from __future__ import annotations

import random
import re
import struct
import zlib
from collections.abc import Callable

Damage = Callable[[random.Random, bytearray, bytes], bytes]
"""(random numbers, content of a sound file, content of another one) -> damaged content."""

NUMBERS = (0, 1, 2, 255, 256, 15000, 32767, 32768, 65535, 1 << 24, (1 << 31) - 1, (1 << 32) - 1)


# --- of bytes ----------------------------------------------------------------------------------


def flipped_bits(rng: random.Random, data: bytearray, other: bytes) -> bytes:
    for _ in range(rng.choice((1, 2, 8, 40))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def flipped_in_front(rng: random.Random, data: bytearray, other: bytes) -> bytes:
    for _ in range(rng.choice((1, 2, 4))):
        data[rng.randrange(min(len(data), 300))] ^= 1 << rng.randrange(8)
    return data


def overwritten(rng: random.Random, data: bytearray, other: bytes) -> bytes:
    start, length = rng.randrange(len(data)), rng.randint(1, 64)
    run = rng.choice((bytes(length), b"\xff" * length, rng.randbytes(length)))
    data[start : start + length] = run
    return data


def truncated(rng: random.Random, data: bytearray, other: bytes) -> bytes:
    return data[: rng.randrange(len(data))]


def cut_out(rng: random.Random, data: bytearray, other: bytes) -> bytes:
    start = rng.randrange(len(data))
    del data[start : start + rng.choice((1, 2, 4, 100))]
    return data


def inserted(rng: random.Random, data: bytearray, other: bytes) -> bytes:
    start = rng.randrange(len(data))
    data[start:start] = rng.choice((rng.randbytes(rng.randint(1, 64)), bytes(1000), data[:500]))
    return data


def numbers_changed(rng: random.Random, data: bytearray, other: bytes) -> bytes:
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(max(1, min(len(data), 400) - 4))
        form = rng.choice(("<H", ">H", "<L", ">L"))
        number = rng.choice(NUMBERS) % (1 << 8 * struct.calcsize(form))
        data[at : at + struct.calcsize(form)] = struct.pack(form, number)
    return data


def spliced(rng: random.Random, data: bytearray, other: bytes) -> bytes:
    return data[: rng.randrange(len(data))] + other[rng.randrange(len(other)) :]


OF_BYTES: tuple[Damage, ...] = (
    flipped_bits,
    flipped_in_front,
    overwritten,
    truncated,
    cut_out,
    inserted,
    numbers_changed,
    spliced,
)


# --- of text -----------------------------------------------------------------------------------

WORDS = (
    b"1e999999", b"9" * 5000, b"-" + b"9" * 1_000_000, b"0x" + b"f" * 100_000, b"1" + b"_1" * 3000,
    b"nan", b"-inf", b"-1", b"0", b"1e-400", b"1e308", b"null", b"true", b'"text"', b"{}", b"[]",
    b"[" * 100_000, b'{"a":' * 50_000, b"(" * 20_000, b"*a", b"&a [*a]", b"!!python/none",
    b"\x1b[2J", b"\xff\xfe", b"\0", "\u202e\u2028".encode(), b"x" * 1_000_000, b"0:0" * 1000,
    b"2001-99-99", b"9999:" * 5000 + b"1", b"12:30:45.0", b"<<", b"=", b"? ", b"- - - -", b"0o9",
    b"0b",
)  # fmt: skip
LAUGHS = b"a: &a [l,l,l,l,l,l,l,l,l]\n" + b"".join(
    b"%c: &%c [%s]\n" % (k + 1, k + 1, b",".join([b"*%c" % k] * 9)) for k in b"abcdefghi"
)


def word_changed(rng: random.Random, data: bytearray, other: bytes) -> bytes:
    """A number, name or sign becomes something that parsers stumble over."""
    words = list(re.finditer(rb"[-+.\w]+|[\[\]{}:,]", data))
    chosen = rng.sample(words, min(len(words), rng.choice((1, 1, 3))))
    for word in sorted(chosen, key=lambda word: -word.start()):
        data[word.start() : word.end()] = rng.choice(WORDS)
    return data


def lines_changed(rng: random.Random, data: bytearray, other: bytes) -> bytes:
    """A line is lost, doubled, moved or repeated very often."""
    lines = bytes(data).split(b"\n")
    at = rng.randrange(len(lines))
    match rng.randrange(4):
        case 0:
            del lines[at]
        case 1:
            lines[at:at] = [lines[rng.randrange(len(lines))]]
        case 2:
            rng.shuffle(lines)
        case _:
            lines[at:at] = [lines[at]] * rng.choice((1000, 50_000))
    return b"\n".join(lines)


def laughing(rng: random.Random, data: bytearray, other: bytes) -> bytes:
    """YAML whose aliases unfold to billions of entries."""
    last = re.findall(rb"[-+.\w]+", data)[-1]
    return LAUGHS + bytes(data).replace(last, b"*j" if rng.random() < 0.5 else b"[*j, *j]")


def recoded(rng: random.Random, data: bytearray, other: bytes) -> bytes:
    return bytes(data).decode("latin-1").encode(rng.choice(("utf-16", "utf-32", "utf-16-be")))


OF_TEXT: tuple[Damage, ...] = (word_changed, word_changed, lines_changed, laughing, recoded)


# --- of what keeps checksums -------------------------------------------------------------------


def with_right_checksums(png: bytes) -> bytes:
    """Else nearly every damage would be found by a checksum, before a decoder sees it."""
    out, at = bytearray(png), 8
    while at + 12 <= len(out):
        end = at + 8 + int.from_bytes(out[at : at + 4], "big")
        if end + 4 > len(out):
            break
        out[end : end + 4] = struct.pack(">L", zlib.crc32(out[at + 4 : end]))
        at = end + 4
    return bytes(out)
