"""Pictures that no pinhole camera has taken, or that look like it."""

from __future__ import annotations

import shlex

from ppdcli.errors import InputError
from ppdcli.images.projection import PANORAMA
from ppdcli.photo import Photo

SWEEP = 4.0  # times as long as wide: no camera's photo is
WIDE = 512  # pixels of a panorama: smaller ones are samples
EQUIRECTANGULAR = "equirectangular"


def require_pinhole(
    photo: Photo, camera_is_given: bool, how: str = "its field of view or its intrinsics"
) -> None:
    """Refuse a photo of which no pinhole cloud can be made.

    What merely looks like a panorama passes with a camera that the user gave.

    Args:
        photo: the photo.
        camera_is_given: whether the user gave one.
        how: what to give for one, in the words of the user's interface.

    Raises:
        InputError: it is a panorama, or looks like one.
    """
    way_on = "cut pinhole views out of it first, "
    if photo.projection is None or photo.projection == EQUIRECTANGULAR:
        file = shlex.quote(photo.name)
        way_on += (
            f"for example with ffmpeg -i {file} -vf v360=e:flat:h_fov=90:v_fov=90:yaw=0 view.png"
        )
    else:
        way_on += "for example with Hugin, or take single photos"
    if photo.projection is not None:
        raise InputError(
            f"{photo.name}: is {_named(photo.projection)}, whose cloud a pinhole camera would "
            f"bend; {way_on}"
        )
    if camera_is_given or (looks := _looks(photo)) is None:
        return
    if "360" not in looks:
        way_on = "take single photos"
    raise InputError(
        f"{photo.name}: {looks}, whose cloud a pinhole camera would bend; if it is a usual photo, "
        f"give {how}; if not, {way_on}"
    )


def panorama_note(photo: Photo) -> str | None:
    """A line for the user on depth of a panorama, or of what looks like one."""
    if photo.projection is not None:
        what = f"is {_named(photo.projection)}"
    elif (looks := _looks(photo)) is not None:
        what = f"{looks}; if it is one"
    else:
        return None
    return (
        f"{photo.name}: {what}: the models know pinhole photos, so its depth is bent, and its left "
        "and right edges do not meet"
    )


def _named(projection: str) -> str:
    if projection == PANORAMA:
        return "a sweep panorama, by its EXIF"
    article = "an" if projection[0] in "aeiou" else "a"
    return f"{article} {projection} panorama, by its XMP"


def _looks(photo: Photo) -> str | None:
    """What a photo looks like that states no projection."""
    height, width = photo.rgb.shape[:2]
    if width == 2 * height and width >= WIDE and photo.focal_35mm is None:
        return "is twice as wide as high without a focal length, as 360 degree panoramas are"
    longer = max(height, width)
    if longer >= WIDE and longer >= SWEEP * min(height, width):
        return f"is {longer / min(height, width):.1f} times as long as wide, as sweep panoramas are"
    return None
