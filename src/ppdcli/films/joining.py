"""Puts the encoded parts of a film together, with its sound, without encoding pictures again."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from ppdcli.films.encoding import CLOCK, new_video, ticks
from ppdcli.films.pyav import address, import_av
from ppdcli.films.video_file import MICROSECONDS

IN_MP4 = frozenset(("aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"))
"""Sound that is copied into MP4 as it is; other sound becomes AAC."""


class Sound(NamedTuple):
    """The sound of a film.

    Attributes:
        path: the file that has it.
        start, stop: seconds since the film's beginning that are wanted; None: its end.
    """

    path: Path
    start: Fraction
    stop: Fraction | None


def join(
    path: Path,
    container_format: str,
    parts: Sequence[Path],
    times: Sequence[Fraction],
    rate: Fraction,
    tags: Mapping[str, str],
    sound: Sound | None = None,
) -> None:
    """Writes a video from its parts.

    Args:
        path: of the video.
        container_format: as FFmpeg calls it.
        parts: videos of one codec and size.
        times: of all their frames, from 0.
        rate: frames a second, for the length of the last frame.
        tags: what the file says of itself.
        sound: put beside the pictures.

    Raises:
        OutputError: it cannot be written.
    """
    av = import_av()
    # A tag that a container does not know is kept too; a web browser needs the index first.
    options = {"movflags": "+faststart+use_metadata_tags"} if container_format == "mp4" else {}
    with new_video(path, container_format, options) as container:
        container.metadata.update(tags)
        with av.open(address(parts[0])) as first:
            video = container.add_stream_from_template(first.streams.video[0])
        video.time_base = CLOCK
        packets = [_pictures(parts, times, rate, video)]
        source = None
        try:
            if sound is not None:
                source = av.open(address(sound.path), metadata_errors="replace")
                packets.append(_sound(source, sound, container))
            for _, _, packet in heapq.merge(*packets, key=lambda item: item[:2]):
                container.mux_one(packet)
        finally:
            if source is not None:
                source.close()


Timed = tuple[Fraction, int, Any]  # seconds, which stream, packet


def _pictures(
    parts: Sequence[Path], times: Sequence[Fraction], rate: Fraction, stream: Any
) -> Iterator[Timed]:
    av = import_av()
    index = 0
    for part in parts:
        with av.open(address(part)) as container:
            for packet in container.demux(video=0):
                if packet.size == 0:
                    continue
                time = times[index]
                after = times[index + 1] if index + 1 < len(times) else time + 1 / rate
                packet.time_base = CLOCK
                packet.pts = packet.dts = ticks(time)
                packet.duration = ticks(after) - ticks(time)
                packet.stream = stream
                index += 1
                yield time, 0, packet


def _sound(source: Any, sound: Sound, target: Any) -> Iterator[Timed]:
    """The packets of the first sound track between start and stop."""
    stream = source.streams.audio[0]
    copied = stream.codec_context.name in IN_MP4
    if copied:
        out = target.add_stream_from_template(stream)
    else:
        out = target.add_stream("aac", rate=stream.codec_context.sample_rate or 48000)
    base = Fraction(source.start_time or 0, MICROSECONDS) + sound.start
    return (
        _copied(source, stream, out, base, sound)
        if copied
        else _encoded(source, stream, out, base, sound)
    )


def _copied(source: Any, stream: Any, out: Any, base: Fraction, sound: Sound) -> Iterator[Timed]:
    av = import_av()
    last = Fraction(-1)
    packets = source.demux(stream)
    while True:
        try:
            packet: Any = next(packets)
        except (StopIteration, av.FFmpegError):
            return
        if packet.pts is None or packet.size == 0:
            continue
        time = packet.pts * packet.time_base - base
        if sound.stop is not None and time >= sound.stop - sound.start:
            return
        if time < 0 or time <= last:
            continue
        last = time
        shift = round(base / packet.time_base)
        packet.pts -= shift
        packet.dts = packet.pts
        packet.stream = out
        yield time, 1, packet


def _encoded(source: Any, stream: Any, out: Any, base: Fraction, sound: Sound) -> Iterator[Timed]:
    av = import_av()
    rate = out.codec_context.sample_rate
    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=rate)
    done: int | None = None  # samples, the first one's time included

    def encoded(frame: Any) -> Iterator[Timed]:
        for packet in out.encode(frame):
            yield max(Fraction(0), (packet.pts or 0) * packet.time_base), 1, packet

    try:
        for frame in source.decode(stream):
            if frame.pts is None:
                continue
            time = frame.pts * frame.time_base - base
            if sound.stop is not None and time >= sound.stop - sound.start:
                break
            if time < 0:
                continue
            for piece in resampler.resample(frame):
                done = round(time * rate) if done is None else done
                piece.pts, piece.time_base = done, Fraction(1, rate)
                done += piece.samples
                yield from encoded(piece)
    except av.FFmpegError:
        pass  # the sound ends where the file is damaged
    yield from encoded(None)
