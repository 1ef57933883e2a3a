"""Panoramas say what they are in XMP or EXIF."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from pillow_heif import register_heif_opener

from ppdcli.photo import Photo, load_photo

register_heif_opener()


def xmp(kind: str, as_element: bool = False) -> bytes:
    name = "GPano:ProjectionType"
    attribute = "" if as_element else f' {name}="{kind}"'
    element = f"<{name}>{kind}</{name}>" if as_element else ""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description '
        f'xmlns:GPano="http://ns.google.com/photos/1.0/panorama/"{attribute}>{element}'
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def loaded(format: str, **options: object) -> Photo:
    stream = io.BytesIO()
    Image.new("RGB", (64, 32), "red").save(stream, format, **options)
    stream.seek(0)
    return load_photo(stream, "x")


@pytest.mark.parametrize("as_element", [False, True])
@pytest.mark.parametrize("format", ["JPEG", "WEBP", "HEIF", "AVIF"])
def test_xmp_of_every_format(format: str, as_element: bool) -> None:
    for kind in ("equirectangular", "cylindrical"):
        assert loaded(format, xmp=xmp(kind, as_element)).projection == kind


def test_xmp_of_png_and_tiff() -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp("Equirectangular").decode())
    assert loaded("PNG", pnginfo=info).projection == "equirectangular"
    assert loaded("TIFF", tiffinfo={700: xmp("equirectangular")}).projection == "equirectangular"


def test_what_is_no_panorama() -> None:
    assert loaded("JPEG").projection is None
    assert loaded("JPEG", xmp=xmp("rectilinear")).projection is None
    assert loaded("JPEG", xmp=b"ProjectionType=").projection is None


def test_a_phones_sweep_says_so_in_exif() -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA401] = 6
    assert loaded("JPEG", exif=exif.tobytes()).projection == "panorama"
    exif.get_ifd(0x8769)[0xA401] = 2  # HDR
    assert loaded("JPEG", exif=exif.tobytes()).projection is None
