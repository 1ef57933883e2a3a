"""Reads camera matrices (3x3, or padded to 3x4 or 4x4), and checks focal length and centre."""

from __future__ import annotations

from ppdcli.errors import InputError
from ppdcli.files.cameras.stated import Pair

SKEW_ALLOWED = 1e-6  # of the focal length: numerical noise, far below a pixel
LONGEST_NORMALISED = 10.0  # image widths; a field of view of 5.7 degrees

_PATTERN = "its pattern is fx 0 cx / 0 fy cy / 0 0 1"


def checked_focal(fx: float, fy: float, where: str) -> Pair:
    """Returns (fx, fy).

    Raises:
        InputError: one of them is not positive.
    """
    if fx <= 0 or fy <= 0:
        raise InputError(
            f"{where}: the focal lengths are {fx:g} and {fy:g}, but must be positive; "
            "give the intrinsics in pixels"
        )
    return fx, fy


def checked_pinhole(fx: float, fy: float, cx: float, cy: float, where: str) -> tuple[Pair, Pair]:
    """Returns focal lengths and principal point, in pixels.

    Raises:
        InputError: a focal length is not positive, or the numbers are fractions of the image size.
    """
    focal = checked_focal(fx, fy, where)
    if max(abs(cx), abs(cy)) <= 1 and max(focal) < LONGEST_NORMALISED:
        raise InputError(
            f"{where}: {fx:g},{fy:g},{cx:g},{cy:g} are parts of the image's size, not pixels; "
            "multiply fx and cx by its width, fy and cy by its height"
        )
    return focal, (cx, cy)


def from_matrix(values: list[float], where: str) -> tuple[Pair, Pair]:
    """Returns focal lengths and principal point from a camera matrix, row by row or transposed.

    The position of ``0 0 1`` shows whether it is transposed. A 3x4 matrix must end in a column of
    zeros, a 4x4 matrix in the row and the column ``0 0 0 1``.

    Raises:
        InputError: the number of values is wrong, it is not a camera matrix, or it has a skew.
    """
    nine = _without_padding(values, where)
    if nine[2] == nine[5] == 0 and nine[6:8] != [0, 0]:
        nine = [nine[3 * column + row] for row in range(3) for column in range(3)]
    fx, skew, cx, below, fy, cy, *last = nine
    if below != 0 or last[:2] != [0, 0] or abs(last[2] - 1) > 1e-9:
        raise InputError(f"{where}: the 3x3 matrix is no camera matrix; {_PATTERN}")
    focal = checked_focal(fx, fy, where)
    if abs(skew) > SKEW_ALLOWED * fx:
        raise InputError(
            f"{where}: the camera matrix has a skew of {skew:g}, which is not supported; "
            "calibrate without skew"
        )
    if cx == cy == 0:
        raise InputError(f"{where}: the camera matrix has no principal point (zeros); {_PATTERN}")
    return checked_pinhole(*focal, cx, cy, where)


def from_projection(values: list[float], where: str) -> tuple[Pair, Pair]:
    """Returns ``from_matrix`` of a 3x4 projection matrix of rectified images.

    Its last column is a shift to the side, which is left out.

    Raises:
        InputError: see ``from_matrix``.
    """
    if len(values) != 12:
        raise InputError(
            f"{where}: the projection matrix has {len(values)} numbers instead of 12; "
            "export it again"
        )
    return from_matrix([*values[0:3], *values[4:7], *values[8:11]], where)


def _without_padding(values: list[float], where: str) -> list[float]:
    """Returns the 3x3 matrix in a 3x3, 3x4, 4x3 or 4x4 matrix."""
    if len(values) == 9:
        return values
    rest = "give the 3x3 matrix alone"
    if len(values) == 12:
        if not any(values[9:]):  # 4x3, columns first
            return values[:9]
        if not any(values[3::4]):
            return [*values[0:3], *values[4:7], *values[8:11]]
        raise InputError(
            f"{where}: the 3x4 matrix has a last column that is not zero, so it is not the camera "
            f"matrix alone; {rest}"
        )
    if len(values) == 16:
        unit = [0, 0, 0, 1]
        if values[3::4] != unit or values[12:] != unit:
            raise InputError(
                f"{where}: the 4x4 matrix does not end in the row and the column 0 0 0 1, so it is "
                f"not the camera matrix alone; {rest}"
            )
        return [*values[0:3], *values[4:7], *values[8:11]]
    raise InputError(
        f"{where}: the camera matrix has {len(values)} numbers instead of 9 (or 12 or 16, padded); "
        "correct it"
    )
