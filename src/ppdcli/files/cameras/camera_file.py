"""Reads camera files of any format, and gives the pinhole camera and the lens of a photo."""

from __future__ import annotations

import hashlib
import operator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from ppdcli.errors import InputError, UsageError, shown
from ppdcli.files.cameras.choosing import Chooser
from ppdcli.files.cameras.stated import Contents, StatedCamera
from ppdcli.files.cameras.table import read_contents
from ppdcli.geometry.camera import Camera, parse_intrinsics
from ppdcli.geometry.distortion import Distortion

NEAR_CENTRE = 0.025  # of a side; the principal point of real lenses is nearer to the centre


@dataclass(frozen=True)
class ImageCamera:
    """The camera of one upright photo.

    Attributes:
        camera: the pinhole camera of the photo's grid.
        distortion: the lens of the same photo; None for a pinhole.
        source: where the camera is from, for reports and file comments.
        warnings: lines for the user. They name the photo if they are about this photo alone.
        turned: whether it was turned as EXIF turns the photo.
    """

    camera: Camera
    distortion: Distortion | None
    source: str
    warnings: tuple[str, ...] = ()
    turned: bool = False


@dataclass(frozen=True)
class CameraFile:
    """The cameras of a file; ``for_image`` gives the camera of a photo.

    Attributes:
        name: the path, for messages.
        contents: the cameras and images in the file.
    """

    name: str
    contents: Contents

    @property
    def is_typed(self) -> bool:
        """Whether the camera was typed on the command line instead of read from a file."""
        return self.contents.format == "numbers"

    def digest(self) -> str:
        """Returns 16 hexadecimal digits that identify its cameras."""
        return hashlib.sha256(repr(self.contents).encode(errors="replace")).hexdigest()[:16]

    def for_image(self, name: str, width: int, height: int, orientation: int = 1) -> ImageCamera:
        """Returns the camera of a photo.

        A file with one camera serves every photo. ``Chooser`` chooses one of several.

        If the camera's image has another size but the same shape (within the rounding of one pixel
        per side), the photo was resized, and the camera is scaled. Camera files describe the image
        as it is stored, and EXIF may turn it by a quarter. A camera with the stored shape is turned
        with the photo; one with the upright shape is taken as it is. If the shape cannot tell (a
        square, a half turn, a mirror image), the camera counts as one of the stored image. A camera
        without a size gets the photo's size. It counts as upright if the principal point is then
        nearer to the centre. Typed numbers describe the upright photo.

        Args:
            name: the photo's path, as the user gave it.
            width, height: size of the upright photo, in pixels.
            orientation: EXIF orientation 1..8 that was applied to the photo.

        Raises:
            InputError: the file has no camera or several for this photo, its camera is for an image
                of another shape or size, or the lens cannot be undistorted.
        """
        stated = self._chooser.chosen(name, (width, height))
        if stated.problem:
            raise InputError(f"{_named(self.name, stated)}: {stated.problem}")
        upright, turned = self._fitted(stated, name, width, height, orientation)
        distortion = stated.distortion
        if distortion is not None and turned:
            distortion = distortion.rotated(orientation)
        warnings = []
        if stated.rectified is not None:
            other, _ = self._fitted(stated.rectified, name, width, height, orientation)
            values = ",".join(f"{v:.9g}" for v in (other.fx, other.fy, other.cx, other.cy))
            warnings.append(
                f"{self.name} is taken for the raw image's camera (K, D); if the image is a "
                f"rectified one (image_rect), give the intrinsics {values} (P) instead"
            )
        doubt = upright.warning() or (None if stated.size else _another_size(upright))
        if doubt:
            warnings.append(f"{name}: {doubt}")
        source = self._source(stated, turned)
        return ImageCamera(upright, distortion, source, tuple(warnings), turned)

    @cached_property
    def _chooser(self) -> Chooser:
        return Chooser(self.contents, self.name)

    def _source(self, stated: StatedCamera, turned: bool) -> str:
        if self.is_typed:
            return "given intrinsics"
        source = _named(f"{self.contents.format} file {self.name}", stated)
        return f"{source}, turned with the photo" if turned else source

    def _fitted(
        self, stated: StatedCamera, name: str, width: int, height: int, orientation: int
    ) -> tuple[Camera, bool]:
        """Returns the camera of the upright photo, and whether it was turned."""
        sides = (width, height)
        stored = (height, width) if orientation >= 5 else sides
        if stated.size is None:
            turned = stated.of_image(*stored).rotated(orientation)
            as_it_is = stated.of_image(*sides)
            nearer = stored != sides and max(as_it_is.offset) < max(turned.offset)
            if self.is_typed or nearer:  # a user types what fits the upright photo
                camera, is_turned = as_it_is, False
            else:
                camera, is_turned = turned, orientation > 1
            if max(camera.offset) > 0.5:
                raise InputError(
                    f"{self.name}: the principal point {camera.cx:g},{camera.cy:g} lies outside "
                    f"the image {name} of {width}x{height}, as of one of "
                    f"{2 * camera.cx + 1:.0f}x{2 * camera.cy + 1:.0f}; give the intrinsics of this "
                    "image size"
                )
            return camera, is_turned
        camera = stated.of_image(*stated.size)
        for same in (operator.eq, _same_shape):
            if same(stated.size, stored):
                return camera.resized(*stored).rotated(orientation), orientation > 1
            if same(stated.size, sides):
                return camera.resized(*sides), False
        raise InputError(
            f"{self.name}: a camera of {camera.width}x{camera.height} does not fit the image "
            f"{name} of {width}x{height}, which has another shape; give the camera of this image"
        )


def given_cameras(text: str) -> CameraFile:
    """Returns what a user gives as intrinsics: a camera file, a COLMAP folder, or fx,fy,cx,cy.

    Raises:
        UsageError: it is neither an existing file nor four numbers.
        InputError: see ``read_cameras``.
    """
    try:
        exists = Path(text).exists()
    except (OSError, ValueError):  # it is no possible name
        exists = False
    if exists:
        return read_cameras(text)
    if "," not in text:
        raise UsageError(
            f"intrinsics {shown(text)!r}: no such file; give a camera file, or fx,fy,cx,cy in "
            "pixels"
        )
    return typed_camera(text)


def typed_camera(text: str) -> CameraFile:
    """fx,fy,cx,cy in pixels of the upright photo, whatever its size.

    Raises:
        UsageError: they are not four numbers.
    """
    camera = parse_intrinsics(text, 1, 1)
    stated = StatedCamera("", (camera.fx, camera.fy), (camera.cx, camera.cy))
    return CameraFile(f"intrinsics {shown(text)!r}", Contents("numbers", (stated,)))


def read_cameras(path: str | Path) -> CameraFile:
    """Reads a camera file of one of the formats in ``table``. Its content shows the format.

    If a format has no convention, its first pixel centre is at (0, 0).

    Raises:
        InputError: the file is missing, empty, damaged, too large or of no known format, or none
            of its cameras can be used.
    """
    contents = read_contents(Path(path))
    first = contents.cameras[0]
    if all(camera.problem for camera in contents.cameras):
        raise InputError(f"{_named(str(path), first)}: {first.problem}")
    return CameraFile(str(path), _checked(contents, str(path)))


def _named(file: str, stated: StatedCamera) -> str:
    return f"{file} {stated.label}" if stated.label else file


def _checked(contents: Contents, path: str) -> Contents:
    """Keeps each image name once. Refuses a name with two different cameras."""
    named: dict[str, int] = {}
    for name, index in contents.images:
        if contents.cameras[named.setdefault(name, index)] != contents.cameras[index]:
            raise InputError(
                f"{path}: names the image {shown(name)!r} twice, with different cameras; export it "
                "again"
            )
    return replace(contents, images=tuple(named.items()))


def _another_size(camera: Camera) -> str | None:
    """Returns a line for the user if numbers without an image size may be for another size.

    They are taken for pixels of this photo. The principal point of a real lens is near the image's
    centre; if it is not, the numbers may be for another size.
    """
    if max(camera.offset) <= NEAR_CENTRE:
        return None
    return (
        f"the intrinsics state no image size and are taken for those of this photo of "
        f"{camera.width}x{camera.height}, but their principal point {camera.cx:g},{camera.cy:g} is "
        f"the centre of {2 * camera.cx + 1:.0f}x{2 * camera.cy + 1:.0f}; if they are of another "
        "size, scale them to the photo's"
    )


def _same_shape(size: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether one size is the other one resized, with each side rounded by up to a pixel."""
    ratio = (size[0] * other[1]) / (size[1] * other[0])
    return abs(ratio - 1) <= sum(1 / min(pair) for pair in zip(size, other, strict=True))
