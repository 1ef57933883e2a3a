"""Reads OpenCV's FileStorage in YAML, JSON and XML, written by its samples and many programs.

Such a file may have a pair of cameras: M1 and D1, M2 and D2. The first pixel centre is at (0, 0).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ppdcli.errors import InputError
from ppdcli.files.cameras.content import Content
from ppdcli.files.cameras.named import read_cameras_of
from ppdcli.files.cameras.names import flat, matrices
from ppdcli.files.cameras.stated import Contents

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_ROOT = "opencv_storage"


def fits(content: Content) -> bool:
    """Whether a camera matrix is stored with rows, cols and data."""
    if content.xml is not None:
        return content.xml.tag == _ROOT
    data = content.mapping
    return any(_is_stored(data[key]) for key in matrices(data).values())


def read(content: Content) -> Contents:
    """Reads the cameras of the file.

    Raises:
        InputError: there is no camera matrix, or a value makes no sense.
    """
    data = content.mapping if content.xml is None else _of_xml(content.xml)
    where = content.where
    if not matrices(data):
        raise InputError(
            f"{where}: is OpenCV's, but has no camera matrix; give a file with camera_matrix"
        )
    return replace(read_cameras_of(data, where), format="OpenCV")


def _is_stored(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(flat(value), list)


def _of_xml(root: Element) -> dict[str, Any]:
    """Returns the entries in the form that YAML gives."""
    data: dict[str, Any] = {}
    for entry in root:
        inside = entry.find("data")
        text = (entry.text if inside is None else inside.text) or ""
        words = text.split()
        if inside is not None or len(words) > 1:
            data[entry.tag] = {"data": words}
        else:
            data[entry.tag] = text.strip().strip('"')
    return data
