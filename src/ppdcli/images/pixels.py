"""Converts decoded images of any pixel type to upright 8-bit sRGB, and finds transparent pixels."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms, TiffImagePlugin

from ppdcli.errors import InputError

BAND = 1 << 18  # pixels that are converted at a time, so that they stay in the cache

# For each EXIF orientation, the operation that turns the stored picture upright.
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_LAST_ROW_FIRST = (3, 4, 6, 7)  # orientations whose first stored row ends at the bottom or right
_SIDEWAYS = (5, 6, 7, 8)  # orientations in which rows become columns


def to_rgb(image: Image.Image, orientation: int, name: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Converts an image to upright 8-bit sRGB, band by band.

    Args:
        image: a loaded image, as it is stored.
        orientation: EXIF orientation 1..8 to apply.
        name: the image's name for messages.

    Returns:
        (H, W, 3) uint8 sRGB, with transparent pixels over white; and (H, W) bool, False where alpha
        is 0, or None if alpha is 0 nowhere.

    Raises:
        InputError: the brightness of the pixels is not defined, or their mode cannot be converted.
    """
    width, height = image.size
    to_srgb, grey = _srgb_transform(image), _Grey.of(image)
    sideways = orientation in _SIDEWAYS
    shape = (width, height) if sideways else (height, width)
    rgb = np.empty((*shape, 3), np.uint8)
    opaque: np.ndarray | None = None
    rows = max(1, BAND // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        band, alpha = _converted(image.crop((0, top, width, bottom)), to_srgb, grey, name)
        backwards = orientation in _LAST_ROW_FIRST
        place = slice(height - bottom, height - top) if backwards else slice(top, bottom)
        where = (slice(None), place) if sideways else (place,)
        rgb[where] = np.asarray(_turned(band, orientation))
        if alpha is not None and alpha.getextrema()[0] == 0:
            if opaque is None:
                opaque = np.ones(shape, bool)
            opaque[where] = np.asarray(_turned(alpha, orientation)) != 0
    return rgb, opaque


def _turned(band: Image.Image, orientation: int) -> Image.Image:
    return band.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else band


def _converted(
    band: Image.Image, to_srgb: ImageCms.ImageCmsTransform | None, deep: _Grey, name: str
) -> tuple[Image.Image, Image.Image | None]:
    """Returns the band as RGB, and its alpha channel in mode L if it has one."""
    if band.mode.startswith("I") or band.mode == "F":
        pixels = np.asarray(band)
        rgb = Image.fromarray(deep.to_8bit(pixels, name)).convert("RGB")
        if deep.transparent is None:
            return rgb, None
        clear = pixels == deep.transparent
        rgb.paste("white", mask=Image.fromarray(clear))
        return rgb, Image.fromarray(np.where(clear, 0, 255).astype(np.uint8))
    try:
        alpha = None
        if band.has_transparency_data:
            rgba = band.convert("RGBA")
            alpha = rgba.getchannel("A")
            band = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
        if to_srgb is None:
            return band.convert("RGB"), alpha
        return to_srgb.apply(band.convert(to_srgb.input_mode)), alpha
    except ValueError as error:
        raise InputError(
            f"{name}: colour mode {band.mode} is not supported; save it as RGB"
        ) from error


@dataclass(frozen=True)
class _Grey:
    """The meaning of grey values of more than 8 bits, which Pillow's own conversion would clip.

    Attributes:
        most: the largest possible value.
        white_is_zero: whether 0 is white.
        transparent: the value of a PNG's transparent pixels; None if there are none.
    """

    most: int
    white_is_zero: bool
    transparent: int | None

    @classmethod
    def of(cls, image: Image.Image) -> _Grey:
        """Returns 16 bits with black at zero, unless a TIFF states something else."""
        tags = getattr(image, "tag_v2", {})
        bits = tags.get(TiffImagePlugin.BITSPERSAMPLE, (16,))[0]
        inverted = tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0
        transparent = image.info.get("transparency")
        return cls(
            2 ** min(bits, 16) - 1, inverted, transparent if isinstance(transparent, int) else None
        )

    def to_8bit(self, grey: np.ndarray, name: str) -> np.ndarray:
        """Converts the pixels to uint8; 0 is black."""
        if grey.dtype.kind == "f":
            if not (grey.min() >= 0 and grey.max() <= 1):
                raise InputError(
                    f"{name}: float pixels outside 0..1 have no agreed brightness; save it as 8 or"
                    " 16 bit"
                )
            return np.rint((1 - grey if self.white_is_zero else grey) * 255).astype(np.uint8)
        if grey.min() < 0 or grey.max() > self.most:
            raise InputError(
                f"{name}: 32-bit or signed pixels have no agreed brightness; save it as 8 or 16 bit"
            )
        value = grey.astype(np.uint32)
        if self.white_is_zero:
            value = self.most - value
        return ((value * 255 + self.most // 2) // self.most).astype(np.uint8)


def _srgb_transform(image: Image.Image) -> ImageCms.ImageCmsTransform | None:
    """Returns the conversion from an embedded ICC profile; None if there is no usable profile."""
    profile = image.info.get("icc_profile")
    if not profile:
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        # If the profile is called sRGB, the pixels stay exactly as they are.
        if "srgb" in ImageCms.getProfileDescription(source).lower():
            return None
        mode = "CMYK" if image.mode == "CMYK" else "RGB"
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return None
