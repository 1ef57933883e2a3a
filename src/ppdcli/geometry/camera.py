"""The pinhole camera, in one convention for the whole program."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ppdcli.errors import UsageError, shown

USUAL_FOV_DEGREES = (5.0, 150.0)
USUAL_OFFSET = 0.15  # of the image's side: distance of the principal point from the centre
DIAGONAL_35MM = math.hypot(36.0, 24.0)


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without distortion, in pixels of a ``width`` x ``height`` image.

    Pixel centres are integers, as in OpenCV: the centre of the first pixel is (0, 0), and the image
    spans -0.5..width-0.5. Axes: x right, y down, z forward. Readers of files that put the first
    centre at (0.5, 0.5) subtract 0.5 from ``cx`` and ``cy``.

    Raises:
        UsageError: A value is not finite, a focal length is not positive, or the size is empty.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int

    def __post_init__(self) -> None:
        if not all(math.isfinite(value) for value in (self.fx, self.fy, self.cx, self.cy)):
            raise UsageError(f"camera {self.describe()}: a value is not finite; give numbers")
        if self.fx <= 0 or self.fy <= 0:
            raise UsageError(
                f"camera {self.describe()}: focal lengths must be positive; "
                "give fx,fy,cx,cy in pixels"
            )
        if self.width < 1 or self.height < 1:
            raise UsageError(f"camera {self.describe()}: the image size must be at least 1x1")

    @classmethod
    def from_fov(cls, degrees_horizontal: float, width: int, height: int) -> Camera:
        """A camera with square pixels and a central principal point; the angle spans ``width``.

        Raises:
            UsageError: The angle is not between 0 and 180 degrees.
        """
        if not 0 < degrees_horizontal < 180:
            raise UsageError(
                f"field of view {degrees_horizontal:g}: it must be between 0 and 180 degrees"
            )
        focal = width / 2 / math.tan(math.radians(degrees_horizontal) / 2)
        return cls(focal, focal, (width - 1) / 2, (height - 1) / 2, width, height)

    @classmethod
    def assumed(cls, degrees: float, width: int, height: int) -> Camera:
        """Like ``from_fov``, but the angle spans the longer side, in portrait and in landscape."""
        focal = max(width, height) / 2 / math.tan(math.radians(degrees) / 2)
        return cls(focal, focal, (width - 1) / 2, (height - 1) / 2, width, height)

    @classmethod
    def from_focal_35mm(cls, focal_35mm: float, width: int, height: int) -> Camera:
        """Estimates the camera from EXIF FocalLengthIn35mmFilm, by the diagonal.

        f = f35 * hypot(width, height) / hypot(36, 24), as CIPA DCG-001 defines it. Using the width
        instead differs by 4 % at 4:3.
        """
        focal = focal_35mm * math.hypot(width, height) / DIAGONAL_35MM
        return cls(focal, focal, (width - 1) / 2, (height - 1) / 2, width, height)

    @property
    def fov_degrees(self) -> float:
        """Horizontal field of view between the left and right border of the image, in degrees."""
        left = math.atan2(self.cx + 0.5, self.fx)
        right = math.atan2(self.width - 0.5 - self.cx, self.fx)
        return math.degrees(left + right)

    def resized(self, width: int, height: int) -> Camera:
        """Returns this camera for its image resized to ``width`` x ``height``."""
        sx, sy = width / self.width, height / self.height
        return Camera(
            fx=self.fx * sx,
            fy=self.fy * sy,
            cx=(self.cx + 0.5) * sx - 0.5,
            cy=(self.cy + 0.5) * sy - 0.5,
            width=width,
            height=height,
        )

    def cropped(self, left: int, top: int, width: int, height: int) -> Camera:
        """Returns this camera for a crop of ``width`` x ``height`` pixels from (left, top) on.

        Raises:
            UsageError: The crop is empty or extends beyond the image.
        """
        inside = 0 <= left <= self.width - width and 0 <= top <= self.height - height
        if not inside or width < 1 or height < 1:
            raise UsageError(
                f"crop {width}x{height} at {left},{top}: not inside an image of "
                f"{self.width}x{self.height}"
            )
        return replace(self, cx=self.cx - left, cy=self.cy - top, width=width, height=height)

    def rotated(self, orientation: int) -> Camera:
        """Returns the camera of the upright image, from that of the stored image.

        Args:
            orientation: EXIF orientation 1..8, how to turn the stored image. From 5 on the sides
                are swapped.

        Raises:
            UsageError: The orientation is not 1..8.
        """
        swap, mirror_x, mirror_y = exif_turn(orientation)
        fx, fy, cx, cy = self.fx, self.fy, self.cx, self.cy
        width, height = self.width, self.height
        if swap:
            fx, fy, cx, cy, width, height = fy, fx, cy, cx, height, width
        if mirror_x:
            cx = width - 1 - cx
        if mirror_y:
            cy = height - 1 - cy
        return Camera(fx, fy, cx, cy, width, height)

    @property
    def offset(self) -> tuple[float, float]:
        """Distance of the principal point from the image centre, in widths and in heights."""
        x = self.cx - (self.width - 1) / 2
        y = self.cy - (self.height - 1) / 2
        return abs(x) / self.width, abs(y) / self.height

    def warning(self) -> str | None:
        """Returns a line for the user if the intrinsics are implausible, else None.

        They are implausible if the field of view is outside 5..150 degrees, or if the principal
        point is more than 15 % of a side from the image centre. Lenses stay within a few per cent.
        """
        low, high = USUAL_FOV_DEGREES
        if not low <= self.fov_degrees <= high:
            return (
                f"camera {self.describe()} sees {self.fov_degrees:.1f} degrees, outside "
                f"{low:g}..{high:g}: the focal length may be in millimetres (pixels are needed), "
                "or the intrinsics may belong to another image size"
            )
        if max(self.offset) > USUAL_OFFSET:
            return (
                f"camera {self.describe()} has its principal point {max(self.offset):.0%} of a "
                "side away from the image's centre: unless the image is a crop, the intrinsics "
                "belong to another image size"
            )
        return None

    def describe(self) -> str:
        """Returns ``fx fy cx cy of WxH`` for messages and file comments."""
        return (
            f"{self.fx:.9g} {self.fy:.9g} {self.cx:.9g} {self.cy:.9g} of {self.width}x{self.height}"
        )


def exif_turn(orientation: int) -> tuple[bool, bool, bool]:
    """Returns how a stored image becomes upright: (swap x and y, then mirror x, then mirror y).

    Args:
        orientation: EXIF orientation 1..8 (EXIF 2.3, tag 0x0112).

    Raises:
        UsageError: The orientation is not 1..8.
    """
    if not 1 <= orientation <= 8:
        raise UsageError(f"EXIF orientation {orientation}: it must be 1 to 8")
    return orientation >= 5, orientation in (2, 3, 6, 7), orientation in (3, 4, 7, 8)


def parse_intrinsics(text: str, width: int, height: int) -> Camera:
    """Reads ``fx,fy,cx,cy`` in pixels of the given image size, first pixel centre at (0, 0).

    Raises:
        UsageError: The text is not four finite numbers, or a focal length is not positive.
    """
    name = f"intrinsics {shown(text)!r}"
    way_on = "give four numbers fx,fy,cx,cy in pixels, such as 800,800,511.5,383.5"
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f"{name}: not numbers; {way_on}") from None
    if len(numbers) != 4:
        raise UsageError(f"{name}: {len(numbers)} numbers instead of 4; {way_on}")
    if not all(math.isfinite(number) for number in numbers):
        raise UsageError(f"{name}: a number is not finite; {way_on}")
    fx, fy, cx, cy = numbers
    if fx <= 0 or fy <= 0:
        raise UsageError(f"{name}: focal lengths must be positive; {way_on}")
    return Camera(fx, fy, cx, cy, width, height)
