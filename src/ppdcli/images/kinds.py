"""Recognises kinds of files by their first bytes, for messages about files that are not photos."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from ppdcli.images import tiff

HEAD = 256  # bytes that are enough to recognise a file

HEIF_BRANDS = re.compile(rb"ftyp(?:he(?:ic|ix|im|is|vc|vx|vm|vs)|mif1|msf1)")
AVIF_BRANDS = re.compile(rb"ftyp(?:avif|avis|mif1|msf1)")

_RAW = (  # position, bytes at this position, and name of the format
    (4, b"ftypcrx ", "CR3"),
    (8, b"CR\x02", "CR2"),
    (0, b"FUJIFILMCCD-RAW", "RAF"),
    (0, b"IIRO", "ORF"),
    (0, b"IIRS", "ORF"),
    (0, b"MMOR", "ORF"),
    (0, b"IIU\0", "RW2"),
    (0, b"FOVb", "X3F"),
    (0, b"\0MRM", "MRW"),
    (6, b"HEAPCCDR", "CRW"),
    (8, b"IIII", "IIQ"),
)
_MAKERS = {"NIKON": "NEF", "SONY": "ARW", "PENTAX": "PEF", "SAMSUNG": "SRW", "RICOH": "PEF"}
_PHOTOS = (
    *(b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a"),
    *(b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"),  # JPEG 2000
)
_PNM = re.compile(rb"P[1-6][ \t\r\n]\s*[#\d]")
_VIDEOS = (
    (0, b"\x1a\x45\xdf\xa3"),  # Matroska, WebM
    (8, b"AVI "),
    (0, b"OggS"),
    (0, b"FLV\x01"),
    (0, b"\0\0\x01\xba"),  # MPEG
    (0, b"\0\0\x01\xb3"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),  # Windows Media
    (0, b"YUV4MPEG2"),
    (4, b"moov"),
    (4, b"mdat"),
    (4, b"wide"),
)
_OTHERS = (
    (0, b"\x76\x2f\x31\x01", "an OpenEXR file"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"8BPS", "a Photoshop file"),
    (0, b"%PDF", "a PDF"),
    (0, b"\xff\x0a", "a JPEG XL"),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL"),
    (0, b"\0\x05\x16\x07", "macOS's notes on another file, not the photo itself"),
)
_TS_PACKET = 188  # bytes in a packet of an MPEG transport stream; all begin with the same byte


def raw_kind(data: bytes, found: Sequence[tiff.Directory]) -> str | None:
    """Returns the format of a camera's raw file; None for any other file.

    A TIFF is a raw file if a picture of full size holds the sensor's values.

    Args:
        data: the file.
        found: its directories, if it is a TIFF.
    """
    for start, sign, name in _RAW:
        if data.startswith(sign, start) and (name != "IIQ" or data.startswith(tiff.SIGNS)):
            return name
    if not any(directory.is_raw and not directory.is_reduced for directory in found):
        return None
    if tiff.DNG_VERSION in found[0].values:
        return "DNG"
    maker = found[0].text(tiff.MAKE).upper()
    return next((name for make, name in _MAKERS.items() if maker.startswith(make)), "TIFF")


def start_of_jpeg(head: bytes) -> int:
    """Returns where a JPEG begins after line ends or zeros, which some servers add; else 0."""
    rest = head.lstrip(b"\r\n\0 ")
    return len(head) - len(rest) if rest.startswith(b"\xff\xd8\xff") else 0


def looks_like_photo(head: bytes, size: int) -> bool:
    """Whether a file begins like one of the formats that photos are read from.

    Args:
        head: the first ``HEAD`` bytes.
        size: the file's size in bytes, which a BMP states.
    """
    if any(head.startswith(sign, start) for start, sign, _ in _RAW):
        return False
    if head.startswith(b"BM"):
        return int.from_bytes(head[2:6], "little") == size
    brand = head[4:12]
    return bool(
        head.startswith((*_PHOTOS, *tiff.SIGNS))
        or (head.startswith(b"RIFF") and head[8:12] == b"WEBP")
        or HEIF_BRANDS.fullmatch(brand)
        or AVIF_BRANDS.fullmatch(brand)
        or _PNM.match(head)
    )


def is_video(head: bytes) -> bool:
    """Whether a file begins like a video."""
    if head[4:8] == b"ftyp":
        brand = head[4:12]
        of_image = HEIF_BRANDS.fullmatch(brand) or AVIF_BRANDS.fullmatch(brand)
        return not of_image and head[8:12] not in (b"crx ", b"jp2 ", b"jpx ", b"M4A ")
    if head[:1] == head[_TS_PACKET : _TS_PACKET + 1] == b"\x47" and not head.startswith(b"GIF8"):
        return True
    return any(head.startswith(sign, start) for start, sign in _VIDEOS)


def other_kind(head: bytes) -> str | None:
    """Returns what a file is, with its article, for some kinds that users take for photos."""
    return next((name for start, sign, name in _OTHERS if head.startswith(sign, start)), None)


def refusal_of_a_video(head: bytes, name: str) -> str | None:
    """Returns the line for a video that is given as a photo; None for any other file."""
    if not is_video(head):
        return None
    file = "VIDEO" if name == "stdin" else shlex.quote(name)
    return (
        f"{name}: is a video; `ppd video {file}` computes its depth; or extract frames, and give "
        f"their folder: mkdir frames && ffmpeg -i {file} frames/%05d.png"
    )


def way_of_raw(kind: str) -> str:
    """Returns the rest of the line for a raw file, after its name."""
    return (
        f"is a camera's raw file ({kind}), of which only a thumbnail could be read; develop it "
        "first, for example with darktable, RawTherapee or Lightroom, and give the TIFF or JPEG"
    )
