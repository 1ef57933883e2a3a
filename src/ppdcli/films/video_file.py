"""Reads the frames of a video, whatever FFmpeg's libraries decode, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ppdcli.errors import InputError, shown
from ppdcli.films.deinterlacing import Deinterlacer
from ppdcli.films.frames import FilmInfo, Frame, Selection
from ppdcli.films.pixels import depth_in_bits, has_alpha, is_hdr, upright_rgb, upright_size
from ppdcli.films.pyav import address, import_av
from ppdcli.wording import counted

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

MICROSECONDS = 1_000_000  # the unit of a container's times
EARLY_END = 0.9  # of the stated length; less is worth a note
IN_ORDER = "a pipe must be readable in order, as Matroska and MPEG-TS are; or give a file"
LARGEST = 250_000_000  # pixels, as for photos


class VideoFile:
    """A video that can be read several times, or once if it is a stream.

    Attributes:
        info: what is known of it.
    """

    def __init__(self, source: Path | BinaryIO, name: str) -> None:
        """Opens it for a look.

        Raises:
            InputError: it is missing, no video, or damaged so that nothing can be decoded.
            UsageError: PyAV is not installed.
        """
        self._source, self._name = source, name
        self._container: InputContainer | None = None
        if isinstance(source, Path):
            with self._opened() as container:
                self.info = self._look(container)
        else:
            self._container = self._open()
            self.info = self._look(self._container)
        self._size: tuple[int, int] | None = None
        self._sizes: set[tuple[int, int]] = set()  # of all frames so far

    @property
    def path(self) -> Path | None:
        """The file; None for a stream."""
        return self._source if isinstance(self._source, Path) else None

    def frames(self, selection: Selection, skip: int = 0) -> Iterator[Frame]:
        """The wanted frames, in their order, without the first ``skip`` of them.

        A damaged part is left out, and a note says so. A frame of another size than the first one
        is resized to that.

        Raises:
            InputError: no frame could be decoded, or a frame is too large.
        """
        for index, (frame, aspect, time) in enumerate(self._chosen(selection)):
            self._fix_size(frame, aspect, time)  # also of skipped ones, so that a resumed film has
            if index >= skip:  # the same size
                yield Frame(self._converted(frame, aspect), time)

    def times(self, selection: Selection) -> Iterator[Fraction]:
        """The times of the wanted frames; see ``films.frames.Film``."""
        return (time for _, _, time in self._chosen(selection))

    def _chosen(self, selection: Selection) -> Iterator[tuple[VideoFrame, Fraction, Fraction]]:
        """The wanted frames, the aspect of their pixels, and their times."""
        if self._container is not None:
            yield from self._chosen_in(self._container, selection)
            return
        with self._opened() as container:
            yield from self._chosen_in(container, selection)

    def _chosen_in(
        self, container: InputContainer, selection: Selection
    ) -> Iterator[tuple[VideoFrame, Fraction, Fraction]]:
        chooser = selection.chooser()
        stream = self._stream(container)
        aspect = _pixel_aspect(stream)
        last = Fraction(-1)
        for frame in self._decoded(container, stream):
            time = self._time(frame, container, last)
            last = time
            if chooser.is_over(time):
                return
            if chooser.take(time):
                yield frame, aspect, time
        if last < 0:
            way_on = "copy or convert it again" if self.path else IN_ORDER
            raise InputError(f"{self._name}: no frame can be decoded; {way_on}")
        length = self.info.duration
        if length is not None and last + 1 / self.info.rate < length * Fraction(EARLY_END):
            self.info.note(
                f"ends after {float(last):.1f} of {float(length):.1f} s; it may be cut short"
            )

    def _fix_size(self, frame: VideoFrame, aspect: Fraction, time: Fraction) -> None:
        """Takes the film's size from its first wanted frame."""
        if frame.width * frame.height > LARGEST:
            size = f"{frame.width}x{frame.height}"
            raise InputError(f"{self._name}: a frame is {size}; scale it down")
        height, width = upright_size(frame, aspect)
        if self._size is None:
            self._size = self.info.height, self.info.width = height, width
            self._sizes = {self._size}
        if (height, width) not in self._sizes:
            self._sizes.add((height, width))
            self.info.note(
                f"changes to {width}x{height} at {float(time):.2f} s; these frames are resized to "
                f"{self._size[1]}x{self._size[0]}"
            )

    def _converted(self, frame: VideoFrame, aspect: Fraction) -> Any:
        try:
            return upright_rgb(frame, aspect, self._size)
        except (import_av().FFmpegError, ValueError, MemoryError) as error:
            raise InputError(
                f"{self._name}: its pixels ({frame.format.name}) cannot be converted "
                f"({shown(error)}); convert it first"
            ) from error

    def _time(self, frame: VideoFrame, container: InputContainer, last: Fraction) -> Fraction:
        stamp = frame.pts if frame.pts is not None else frame.dts
        begin = Fraction(container.start_time or 0, MICROSECONDS)
        if stamp is None or frame.time_base is None:
            return last + 1 / self.info.rate if last >= 0 else Fraction(0)
        time = max(stamp * frame.time_base - begin, Fraction(0))
        # Times that do not grow, as in damaged files, would put two frames into one moment.
        return time if time > last else last + 1 / self.info.rate

    def _decoded(self, container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
        """All frames, deinterlaced; what cannot be decoded is left out."""
        stream.thread_type = "AUTO"
        deinterlacer = Deinterlacer()
        damaged = corrupt = 0
        try:
            for frame, bad in self._packets(container, stream):
                damaged += bad
                if frame is None:
                    continue
                self._note_kind(frame)
                corrupt += frame.is_corrupt
                yield from deinterlacer.add(frame)
                if deinterlacer.is_active:
                    self.info.note("is interlaced; each frame is put together from both its fields")
            yield from deinterlacer.rest()
        finally:
            if damaged:
                self.info.note(f"{counted(damaged, 'damaged part')} left out")
            if corrupt:
                self.info.note(f"{counted(corrupt, 'damaged frame')} kept as it could be decoded")

    def _packets(
        self, container: InputContainer, stream: VideoStream
    ) -> Iterator[tuple[VideoFrame | None, int]]:
        """Frames, and how many damaged parts there were before each."""
        av = import_av()
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except (av.FFmpegError, OSError):  # the file ends in the middle of a part
                yield None, 1
                packet = None
            try:
                decoded = stream.codec_context.decode(packet)
            except av.FFmpegError:
                yield None, 1
                decoded = []
            for frame in decoded:
                yield frame, 0
            if packet is None:
                return

    def _note_kind(self, frame: VideoFrame) -> None:
        if is_hdr(frame):
            self.info.note("is HDR; its brightness is mapped to that of sRGB")
        elif depth_in_bits(frame) > 8:
            self.info.note(f"has {depth_in_bits(frame)} bits a colour; 8 are used")
        if has_alpha(frame):
            self.info.note("has transparent parts; they are shown over white")

    def _stream(self, container: InputContainer) -> VideoStream:
        """The first video stream that is no cover picture of a song."""
        av = import_av()
        cover = av.stream.Disposition.attached_pic
        for stream in container.streams.video:
            if not stream.disposition & cover:
                return stream
        raise InputError(f"{self._name}: has no video stream; give a video")

    def _look(self, container: InputContainer) -> FilmInfo:
        stream = self._stream(container)
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        duration = None
        if container.duration:
            duration = Fraction(container.duration, MICROSECONDS)
        elif stream.duration and stream.time_base:
            duration = stream.duration * stream.time_base
        width = round(stream.codec_context.width * _pixel_aspect(stream))
        height = stream.codec_context.height
        sound = bool(container.streams.audio)
        return FilmInfo(self._name, width, height, Fraction(rate), duration, sound)

    @contextmanager
    def _opened(self) -> Iterator[InputContainer]:
        container = self._open()
        try:
            yield container
        finally:
            container.close()

    def _open(self) -> InputContainer:
        av = import_av()
        name = self._name
        source = self._source
        if isinstance(source, Path):
            if source.is_dir():
                raise InputError(f"{name}: is a folder, not a video")
            if not source.exists():
                raise InputError(f"{name}: no such file; check the path")
        try:
            opened = address(source) if isinstance(source, Path) else source
            return av.open(opened, metadata_errors="replace")
        except (av.FFmpegError, OSError, ValueError) as error:
            why = shown(getattr(error, "strerror", None) or error)
            way_on = "check it with a player, or copy it again" if self.path else IN_ORDER
            raise InputError(
                f"{name}: is no video that FFmpeg can read, or it is damaged ({why}); {way_on}"
            ) from error


def _pixel_aspect(stream: VideoStream) -> Fraction:
    aspect = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio
    return Fraction(aspect) if aspect else Fraction(1)
