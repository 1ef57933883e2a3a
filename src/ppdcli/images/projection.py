"""Reads a photo's projection from its metadata. A panorama does not fit a pinhole camera."""

from __future__ import annotations

import re

from PIL import ExifTags, Image

PANORAMA = "panorama"
LONGEST = 1 << 20  # bytes
_XMP_IN_TIFF = 700
_PANORAMA_IN_EXIF = 6  # value of CustomRendered that phones write for panoramas
_PROJECTION = re.compile(rb"""ProjectionType\s*(?:=\s*["']|>)\s*([A-Za-z-]{3,40})""")
_PINHOLE = ("rectilinear", "perspective", "flat", "none")


def read_projection(image: Image.Image) -> str | None:
    """Returns a panorama's projection, from GPano's XMP or from EXIF; None for other photos.

    Returns:
        "equirectangular", "cylindrical" or another of GPano's names in lower case. ``PANORAMA`` if
        the file does not state which projection it is.
    """
    try:
        found = _PROJECTION.search(_xmp(image)[:LONGEST])
        if found is not None:
            name = found[1].decode("ascii").lower()
            return None if name in _PINHOLE else name
        details = image.getexif().get_ifd(ExifTags.IFD.Exif)
        rendered = details.get(ExifTags.Base.CustomRendered)
    except Exception:  # a damaged block counts as missing
        return None
    return PANORAMA if rendered == _PANORAMA_IN_EXIF else None


def _xmp(image: Image.Image) -> bytes:
    info = image.info
    for found in (
        info.get("xmp"),
        info.get("XML:com.adobe.xmp"),
        getattr(image, "tag_v2", {}).get(_XMP_IN_TIFF),
    ):
        if isinstance(found, str):
            return found[:LONGEST].encode("utf-8", "replace")
        if isinstance(found, bytes):
            return found
    return b""
