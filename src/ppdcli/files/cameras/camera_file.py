"""Camera files: whatever the format, the pinhole and the lens of a given photo come out."""

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

NEAR_CENTRE = 0.025  # of a side: real lenses are off by less


@dataclass(frozen=True)
class ImageCamera:
    """The camera of one photo, as it stands upright.

    Attributes:
        camera: of the photo's own grid.
        distortion: of the same photo; None for a pinhole.
        source: where it is from, for reports and file comments.
        warnings: lines for the user, which name the photo where they are of one photo.
    """

    camera: Camera
    distortion: Distortion | None
    source: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class CameraFile:
    """The cameras of a file; ``for_image`` gives that of a photo.

    Attributes:
        name: what messages call it: the path.
        contents: what it holds.
    """

    name: str
    contents: Contents

    @property
    def is_typed(self) -> bool:
        """Whether it is no file, but numbers of the command line."""
        return self.contents.format == "numbers"

    def digest(self) -> str:
        """16 hex digits that tell its cameras from others."""
        return hashlib.sha256(repr(self.contents).encode(errors="replace")).hexdigest()[:16]

    def for_image(self, name: str, width: int, height: int, orientation: int = 1) -> ImageCamera:
        """The camera of a photo.

        A file with one camera serves every photo; see ``Chooser`` for several.

        A camera for another size is scaled if its image has the same shape, within the rounding
        of a pixel a side: the photo was resized. Camera files are of the image as it is stored,
        which EXIF may turn by a quarter: a camera of the stored shape is turned with the photo,
        one of the upright shape is taken as it is. Where the shape cannot tell (a square, a half
        turn, a mirror image), it is taken as of the stored image. A format without a size takes
        the photo's; which way up is told by the nearer centre to the principal point. Numbers that
        were typed are of the upright photo.

        Args:
            name: the photo's path, as the user gave it.
            width, height: of the upright photo, in pixels.
            orientation: EXIF orientation 1..8 that was applied to make it upright.

        Raises:
            InputError: no camera or several for this photo, one for an image of another shape or
                size, or a lens that cannot be undistorted.
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
        return ImageCamera(upright, distortion, self._source(stated, turned), tuple(warnings))

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
        """The camera of the upright photo, and whether it was turned for that."""
        sides = (width, height)
        stored = (height, width) if orientation >= 5 else sides
        if stated.size is None:
            turned = stated.of_image(*stored).rotated(orientation)
            as_it_is = stated.of_image(*sides)
            nearer = stored != sides and max(as_it_is.offset) < max(turned.offset)
            if self.is_typed or nearer:  # typed by who has seen the photo upright
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
    """What a user may give as intrinsics: a camera file, a COLMAP folder, or fx,fy,cx,cy.

    Raises:
        UsageError: neither a file that exists nor four numbers.
        InputError: as ``read_cameras``.
    """
    try:
        exists = Path(text).exists()
    except (OSError, ValueError):  # too long for a name, or impossible as one
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
    """Read a camera file of one of the formats in ``table``; it is recognised by its content.

    A format that states no convention has its first pixel centre at (0, 0).

    Raises:
        InputError: the file is missing, empty, not one of these, damaged, too large, or without
            any camera that can be used.
    """
    contents = read_contents(Path(path))
    first = contents.cameras[0]
    if all(camera.problem for camera in contents.cameras):
        raise InputError(f"{_named(str(path), first)}: {first.problem}")
    return CameraFile(str(path), _checked(contents, str(path)))


def _named(file: str, stated: StatedCamera) -> str:
    return f"{file} {stated.label}" if stated.label else file


def _checked(contents: Contents, path: str) -> Contents:
    """Image names once each, and for one camera each."""
    named: dict[str, int] = {}
    for name, index in contents.images:
        if contents.cameras[named.setdefault(name, index)] != contents.cameras[index]:
            raise InputError(
                f"{path}: names the image {shown(name)!r} twice, with different cameras; export it "
                "again"
            )
    return replace(contents, images=tuple(named.items()))


def _another_size(camera: Camera) -> str | None:
    """A line for the user where numbers without an image size may be of another size than this.

    They are taken for pixels of the photo as it is. A lens's axis meets the image near its centre,
    so a principal point beside it is a sign that they are not.
    """
    if max(camera.offset) <= NEAR_CENTRE:
        return None
    return (
        f"the intrinsics state no image size and are taken as of this photo of "
        f"{camera.width}x{camera.height}, but their principal point {camera.cx:g},{camera.cy:g} is "
        f"the centre of {2 * camera.cx + 1:.0f}x{2 * camera.cy + 1:.0f}; if they are of another "
        "size, scale them to the photo's"
    )


def _same_shape(size: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether one could be the other one resized, with each side rounded by up to a pixel."""
    ratio = (size[0] * other[1]) / (size[1] * other[0])
    return abs(ratio - 1) <= sum(1 / min(pair) for pair in zip(size, other, strict=True))
