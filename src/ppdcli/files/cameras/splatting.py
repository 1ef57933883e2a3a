"""Reads cameras.json of 3D Gaussian splatting: a list of training images with their cameras.

The file states no principal point, because the training uses the image's centre. The first pixel
centre is at (0, 0).
"""

from __future__ import annotations

from typing import Any

from ppdcli.errors import InputError, shown
from ppdcli.files.cameras.content import Content
from ppdcli.files.cameras.lens import FIRST
from ppdcli.files.cameras.matrix import checked_focal
from ppdcli.files.cameras.names import COEFFICIENT, lenses, unknown_lenses
from ppdcli.files.cameras.stated import Contents, Pair, StatedCamera, image_size, number

_ENTRIES = {"img_name", "fx", "fy", "width", "height"}


def fits(content: Content) -> bool:
    """Whether it is a list of images with focal lengths and sizes."""
    images = _images(content)
    return bool(images) and isinstance(images[0], dict) and images[0].keys() >= _ENTRIES


def read(content: Content) -> Contents:
    """Reads a camera for each image.

    Raises:
        InputError: an image lacks an entry, or a value makes no sense.
    """
    cameras: dict[StatedCamera, int] = {}
    images: list[tuple[str, int]] = []
    for index, entry in enumerate(_images(content)):
        where = f"{content.where}: image {index}"
        name = entry.get("img_name") if isinstance(entry, dict) else None
        if not isinstance(name, str):
            raise InputError(f"{where}: has no img_name; export it again")
        where = f"{content.where}: image {shown(name)!r}"
        fx, fy = (number(entry.get(key), key, where) for key in ("fx", "fy"))
        size = image_size(entry, "width", "height", where)
        camera = StatedCamera("", checked_focal(fx, fy, where), _centre(entry, where), size)
        _require_pinhole(entry, where)
        images.append((name, cameras.setdefault(camera, len(cameras))))
    return Contents("3D Gaussian splatting", tuple(cameras), tuple(images))


def _centre(entry: dict[str, Any], where: str) -> Pair | None:
    """Returns the principal point, which some newer programs add; None for the image's centre."""
    if entry.get("cx") is None and entry.get("cy") is None:
        return None
    return number(entry.get("cx"), "cx", where), number(entry.get("cy"), "cy", where)


def _require_pinhole(entry: dict[str, Any], where: str) -> None:
    """Refuses a lens: the images are undistorted, and no convention says what one would mean."""
    bent = [key for key, value in entry.items() if COEFFICIENT.fullmatch(key) and value]
    for key in [*bent, *unknown_lenses(entry), *lenses(entry, "")]:
        raise InputError(f"{where}: its lens ({shown(key, 40)}) cannot be undistorted; {FIRST}")


def _images(content: Content) -> list[Any]:
    documents = content.documents
    return documents[0] if len(documents) == 1 and isinstance(documents[0], list) else []
