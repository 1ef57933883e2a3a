"""Focal lengths from EXIF: as stated, from the sensor's size, zoomed, cut and turned."""

from __future__ import annotations

import io
import math

import pytest
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from ppdcli.geometry.camera import Camera
from ppdcli.images.exif import read_exif

Base = ExifTags.Base
DIAGONAL = math.hypot(36, 24)
# A full-frame camera that states no focal length at 35 mm: 600 pixels on 1.409 inches.
SENSOR: dict[int, object] = {
    Base.FocalLength: IFDRational(50, 1),
    Base.FocalPlaneXResolution: IFDRational(600_000, 1409),
    Base.FocalPlaneYResolution: IFDRational(400_000, 941),
    Base.FocalPlaneResolutionUnit: 2,
    Base.ExifImageWidth: 600,
    Base.ExifImageHeight: 400,
}
PHONE: dict[int, object] = {
    Base.FocalLengthIn35mmFilm: 26,
    Base.ExifImageWidth: 1600,
    Base.ExifImageHeight: 1200,
}


def photo(size: tuple[int, int], details: dict[int, object], orientation: int = 1) -> Image.Image:
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    exif.get_ifd(ExifTags.IFD.Exif).update(details)
    stream = io.BytesIO()
    Image.new("RGB", size).save(stream, "JPEG", exif=exif)
    return Image.open(stream)


def focal(size: tuple[int, int], details: dict[int, object]) -> float | None:
    return read_exif(photo(size, details))[1]


def test_as_stated() -> None:
    assert read_exif(photo((160, 120), PHONE, orientation=6)) == (6, 26)
    assert focal((160, 120), {}) is None
    for unknown in (0, 1, 65535):
        assert focal((160, 120), {Base.FocalLengthIn35mmFilm: unknown}) is None
    assert focal((600, 400), SENSOR | {Base.FocalLengthIn35mmFilm: 65535}) == focal(
        (600, 400), SENSOR
    )


def test_from_the_sensor() -> None:
    found = focal((600, 400), SENSOR)
    assert found is not None
    width = 1.409 * 25.4
    camera = Camera.from_focal_35mm(found, 600, 400)
    assert camera.fx == pytest.approx(50 / width * 600, rel=0.002)
    assert focal((300, 200), SENSOR) == pytest.approx(found)  # made smaller
    assert focal((400, 600), SENSOR) == pytest.approx(found)  # turned
    in_centimetres = SENSOR | {
        Base.FocalPlaneXResolution: IFDRational(600 * 100, 358),
        Base.FocalPlaneYResolution: IFDRational(400 * 100, 239),
        Base.FocalPlaneResolutionUnit: 3,
    }
    assert focal((600, 400), in_centimetres) == pytest.approx(found, rel=0.01)


def test_digital_zoom_counts() -> None:
    whole, zoomed = (
        focal((600, 400), SENSOR | {Base.DigitalZoomRatio: IFDRational(zoom, 1)}) for zoom in (0, 2)
    )
    assert whole is not None and zoomed == pytest.approx(2 * whole)


@pytest.mark.parametrize(
    "changed",
    [
        {Base.FocalPlaneXResolution: IFDRational(72, 1)},  # of a print
        {Base.FocalPlaneXResolution: IFDRational(0, 1)},
        {Base.FocalPlaneXResolution: IFDRational(1, 0)},
        {Base.FocalPlaneResolutionUnit: 9},
        {Base.FocalLength: IFDRational(0, 1)},
        {Base.FocalLength: IFDRational(99_999, 1)},
    ],
)
def test_what_makes_no_sense_counts_for_nothing(changed: dict[int, object]) -> None:
    assert focal((600, 400), SENSOR | {Base.FocalPlaneYResolution: 0} | changed) is None


@pytest.mark.parametrize("size", [(400, 600), (1600, 600), (500, 500)])
def test_a_cut_out_keeps_the_focal_length_in_pixels(size: tuple[int, int]) -> None:
    whole = Camera.from_focal_35mm(26, 1600, 1200)
    found = focal(size, PHONE)
    assert found is not None
    assert Camera.from_focal_35mm(found, *size).fx == pytest.approx(whole.fx)


@pytest.mark.parametrize(
    "size", [(1600, 1200), (800, 600), (1200, 1600), (3200, 2400), (2000, 900)]
)
def test_what_is_not_cut_out_stays(size: tuple[int, int]) -> None:
    assert focal(size, PHONE) == 26


def test_an_assumed_camera_is_the_same_however_the_photo_is_turned() -> None:
    lying, upright = Camera.assumed(60, 160, 120), Camera.assumed(60, 120, 160)
    assert lying.fx == upright.fx
    assert lying.fov_degrees == pytest.approx(60)
