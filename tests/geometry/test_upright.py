"""Arrays are turned as Pillow turns pictures by EXIF."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageOps

from ppdcli.geometry.upright import turned_upright


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation(orientation: int) -> None:
    stored = np.arange(6, dtype=np.uint8).reshape(2, 3)
    image = Image.fromarray(stored)
    image.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(turned_upright(stored, orientation), expected)
