"""Writes frames as video: lossless 16-bit grey, and previews that play everywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ppdcli.errors import OutputError, UsageError
from ppdcli.files.atomic import atomic_path, not_written
from ppdcli.films.pyav import address, import_av

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

TICKS = 90_000
"""Units of a second in which times are written: MPEG's. Matroska rounds them to milliseconds."""
CLOCK = Fraction(1, TICKS)
TOP = 65535
BT709, LIMITED = 1, 1  # FFmpeg's numbers
REPEATABLE = {"fflags": "+bitexact"}  # no date and no random number in the file


def ticks(time: Fraction) -> int:
    """A time in units of ``CLOCK``."""
    return round(time * TICKS)


@contextmanager
def new_video(
    path: Path, container_format: str, options: Mapping[str, str] | None = None
) -> Iterator[OutputContainer]:
    """A video file that gets its name when it is complete.

    Raises:
        OutputError: it cannot be written.
    """
    av = import_av()
    with atomic_path(path) as temporary:
        try:
            try:
                place = address(temporary)
            except ValueError as error:
                raise OutputError(f"{path}: is not written, since {error}") from None
            container = av.open(
                place,
                "w",
                format=container_format,
                container_options={**REPEATABLE, **(options or {})},
            )
            try:
                yield container
            finally:
                container.close()
        except av.FFmpegError as error:
            raise not_written(path, _as_os_error(error)) from error


class VideoWriter:
    """Encodes frames into a container's only stream."""

    def __init__(
        self, container: OutputContainer, height: int, width: int, rate: Fraction, lossless: bool
    ) -> None:
        """Adds the stream.

        Args:
            container: from ``new_video``.
            height, width: of the frames.
            rate: frames a second, on average.
            lossless: FFV1 of (H, W) uint16; otherwise H.264 of (H, W, 3) uint8 RGB.

        Raises:
            UsageError: this FFmpeg has no such encoder.
        """
        self._container, self._lossless = container, lossless
        self._size = (height, width)
        self._stream = _lossless(container, rate) if lossless else _h264(container, rate)
        odd = (0, 0) if lossless else (height % 2, width % 2)  # H.264 in 4:2:0 has even sides
        self._stream.height, self._stream.width = height + odd[0], width + odd[1]
        self._stream.time_base = self._stream.codec_context.time_base = CLOCK

    def add(self, picture: np.ndarray, time: Fraction) -> None:
        """Encodes a frame.

        Raises:
            av.FFmpegError: the system refuses.
        """
        av = import_av()
        if self._lossless:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "gray16le")
        else:
            height, width = self._size
            odd = ((0, height % 2), (0, width % 2), (0, 0))
            padded = np.pad(picture, odd, mode="edge") if height % 2 or width % 2 else picture
            rgb = av.VideoFrame.from_ndarray(np.ascontiguousarray(padded), "rgb24")
            frame = rgb.reformat(format="yuv420p", dst_colorspace=BT709)
        frame.pts, frame.time_base = ticks(time), CLOCK
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Encodes what is left."""
        self._container.mux(self._stream.encode(None))


def in_steps(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """(H, W) uint16: round((d - low) / (high - low) * 65535), cut at both ends."""
    steps = (values.astype(np.float64) - low) * (TOP / (high - low))
    return np.clip(np.rint(steps, out=steps), 0, TOP, out=steps).astype(np.uint16)


def _lossless(container: OutputContainer, rate: Fraction) -> VideoStream:
    # Version 3 has a checksum for each slice, so that damage is noticed.
    options = {"level": "3", "slicecrc": "1", "g": "1", "threads": "1"}
    stream = _stream(container, "ffv1", rate, options)
    stream.pix_fmt = "gray16le"
    return stream


def _h264(container: OutputContainer, rate: Fraction) -> VideoStream:
    # Without B-frames packets have the order of the frames, so that parts can be joined. One number
    # of threads everywhere: the bytes depend on it.
    options = {"preset": "veryfast", "crf": "18", "bf": "0", "threads": "2"}
    stream = _stream(container, "libx264", rate, options)
    stream.pix_fmt = "yuv420p"
    context: Any = stream.codec_context
    context.colorspace = context.color_primaries = context.color_trc = BT709
    context.color_range = LIMITED
    return stream


def _stream(
    container: OutputContainer, codec: str, rate: Fraction, options: dict[str, str]
) -> VideoStream:
    av = import_av()
    try:
        stream: Any = container.add_stream(codec, rate=rate, options=options)
    except (av.codec.codec.UnknownCodecError, av.FFmpegError) as error:
        raise UsageError(
            f"this FFmpeg has no encoder {codec}; install PyAV from its wheel, or choose png, exr "
            "or npy"
        ) from error
    added: VideoStream = stream
    return added


def _as_os_error(error: Any) -> OSError:
    return OSError(error.errno, error.strerror or str(error))
