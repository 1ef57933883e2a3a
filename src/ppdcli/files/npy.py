"""NumPy files: the float32 values as they are. The files state no unit."""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np

from ppdcli.depth_data import DepthData, Kind
from ppdcli.errors import InputError
from ppdcli.files.atomic import atomic_path
from ppdcli.files.choices import Scale
from ppdcli.files.decoding import decoding, require_size
from ppdcli.files.depth_scale import metres_per_step, require_no_step
from ppdcli.files.foreign import open_regular

SUFFIX = ".npy"
_MAGIC = b"\x93NUMPY\x01\x00"
_OWN_HEADER = 192  # bytes; NumPy's own have 128 for two dimensions


def write(path: Path, depth_map: DepthData) -> None:
    """Writes the (H, W) values as float32: metres, or the network's own output.

    The header ends in more spaces than NumPy's own. Readers ignore them. They identify our files,
    because the format has no place for a program's name.

    Raises:
        OutputError: the file cannot be written.
    """
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        values = depth_map.values.astype(np.float32, copy=False)
        np.save(_WithOurHeader(stream), values, allow_pickle=False)


class _WithOurHeader:
    """Passes on to a file what NumPy writes, but adds spaces at the end of the header."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._begun = stream, False

    def write(self, data: bytes) -> int:
        first, self._begun = not self._begun, True
        if first and data.startswith(_MAGIC):
            fields = data[len(_MAGIC) + 2 :].rstrip().ljust(_OWN_HEADER - len(_MAGIC) - 3) + b"\n"
            data = _MAGIC + struct.pack("<H", len(fields)) + fields
        return self._stream.write(data)


def read(path: Path, kind: Kind, scale: Scale | None = None) -> DepthData:
    """Reads an (H, W) array of numbers. The caller states their kind, because the file cannot.

    Args:
        path: the file.
        kind: the kind of the values.
        scale: the step of whole numbers. They are never taken for metres.

    Raises:
        InputError: the file is missing, damaged, a pickle or too large, or is not a two-dimensional
            array of real numbers.
    """

    def require(header: Header) -> None:
        require_map(path, header, map_shape(header))

    values = read_array(path, require)
    depth_map = in_metres(values.reshape(_without_ones(values.shape)), path, kind, scale)
    return replace(depth_map, as_shown=is_ours(path))


def in_metres(values: np.ndarray, path: Path, kind: Kind, scale: Scale | None) -> DepthData:
    """Returns the (H, W) values of an array as depth. Whole numbers are steps, never metres.

    Raises:
        InputError: whole numbers have no scale, or floating-point numbers have one.
    """
    if kind == "metric" and values.dtype.kind in "iu":
        step = metres_per_step(scale)
        if step is None:
            raise InputError(
                f"{path}: holds whole numbers ({values.dtype}), whose unit it does not state; "
                "give a depth scale: mm, kitti, tum or the metres of a step"
            )
        with np.errstate(over="ignore"):  # too large values become infinite: no depth
            values = (values * np.float64(step)).astype(np.float32)
    elif kind == "metric":
        require_no_step(path, scale)
    return DepthData(values.astype(np.float32, copy=False), kind, as_shown=False)


def holds_steps(path: Path) -> bool:
    """Returns whether a depth map holds whole numbers, whose unit the file cannot state.

    Raises:
        InputError: The file is missing, damaged, or not a depth map.
    """
    with decoding(path, ".npy"), open_regular(path) as stream:
        header = read_header(stream)
    require_map(path, header, map_shape(header))
    return header.dtype.kind in "iu"


def is_ours(path: Path) -> bool:
    """Whether ``write`` has written a file. The length of the header shows it.

    Raises:
        InputError: the file is missing, is not a regular file, or is damaged.
    """
    with decoding(path, ".npy"), open_regular(path) as stream:
        read_header(stream)
        return stream.tell() == _OWN_HEADER


def map_shape(header: Header) -> tuple[int, ...]:
    """Returns a map's shape without the axes of length one that networks add, as in (1, H, W)."""
    return _without_ones(header.shape)


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    sides = tuple(side for side in shape if side != 1)
    return sides if len(shape) > 2 and len(sides) == 2 else shape


@dataclass(frozen=True)
class Header:
    """What an array's header states.

    Attributes:
        shape: the array's shape; no number is negative.
        columns_first: whether the first index changes fastest ("Fortran order").
        dtype: the type of the values.
    """

    shape: tuple[int, ...]
    columns_first: bool
    dtype: np.dtype

    @property
    def bytes(self) -> int:
        """The size of the values."""
        return math.prod(self.shape) * self.dtype.itemsize

    def describe(self) -> str:
        """Returns type and shape, for messages."""
        return f"{self.dtype} of shape {self.shape}"


def read_array(path: Path, require: Callable[[Header], None]) -> np.ndarray:
    """Reads the array of a .npy file.

    Args:
        path: the file.
        require: gets the header before the values are read. It raises InputError for an array that
            is not wanted.

    Raises:
        InputError: the file is missing, not a regular file, damaged, a pickle, or shorter than its
            header states; or ``require`` raises it.
    """
    with decoding(path, ".npy"), open_regular(path) as stream:
        header = read_header(stream)
        require(header)
        left = os.fstat(stream.fileno()).st_size - stream.tell()
        return read_values(stream, header, left)


def require_map(path: Path, header: Header, shape: tuple[int, ...] | None = None) -> None:
    """Requires the header of a depth map: (H, W) real numbers of an allowed size.

    Args:
        path: the file, for the message.
        header: the array's header.
        shape: a shape to check instead of the header's own.

    Raises:
        InputError: the array is not a depth map.
    """
    shape = header.shape if shape is None else shape
    if len(shape) != 2 or header.dtype.kind not in "fiu" or 0 in shape:
        raise InputError(f"{path}: holds {header.describe()}; a depth map is (H, W) numbers")
    with decoding(path, ".npy"):
        require_size(*shape)


def read_header(stream: IO[bytes]) -> Header:
    """Reads the header of an array from a stream. The stream is then at the first value.

    Raises:
        Exception: of any kind, because NumPy parses headers as Python. Call it inside ``decoding``.
    """
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        read = np.lib.format.read_array_header_1_0
    elif version in ((2, 0), (3, 0)):  # 3.0 only differs in the names of fields
        read = np.lib.format.read_array_header_2_0
    else:
        raise ValueError(f"its version {version} is unknown")
    shape, columns_first, dtype = read(stream)
    if dtype.hasobject:
        raise ValueError("it holds Python objects")
    if any(side < 0 for side in shape):
        raise ValueError(f"its shape is {shape}")
    return Header(shape, columns_first, dtype)


def read_values(stream: IO[bytes], header: Header, left: int) -> np.ndarray:
    """Reads the values that follow a header.

    Args:
        stream: a stream at the first value.
        header: the array's header.
        left: number of bytes that are left in the stream.

    Raises:
        ValueError: there are fewer bytes than the header states.
    """
    if header.bytes > left:
        raise ValueError(f"it states {header.bytes} bytes of values and has {left}")
    values = np.empty(math.prod(header.shape), header.dtype)
    target, done = values.view(np.uint8).data, 0
    while done < header.bytes:
        count = stream.readinto(target[done:])  # type: ignore[attr-defined]
        if not count:
            raise ValueError(f"it ends after {done} of {header.bytes} bytes of values")
        done += count
    return values.reshape(header.shape, order="F" if header.columns_first else "C")
