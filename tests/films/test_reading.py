"""Films of all kinds are read: turned, deep, interlaced, transparent, cut short, or none at all."""

from __future__ import annotations

import io
import os
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from films.film_samples import picture, pictures, write_video
from PIL import Image

from ppdcli.errors import InputError
from ppdcli.films.frame_folder import FrameFolder
from ppdcli.films.frames import Frame, Selection
from ppdcli.films.pixels import HLG, PQ
from ppdcli.films.video_file import VideoFile

ALL = Selection()
LOSSLESS = {"codec": "ffv1", "pixels": "bgr0"}


def read(path: Path, selection: Selection = ALL, skip: int = 0) -> tuple[VideoFile, list[Frame]]:
    film = VideoFile(path, path.name)
    return film, list(film.frames(selection, skip))


def times(frames: list[Frame]) -> list[float]:
    return [float(frame.time) for frame in frames]


def test_frames_and_times(tmp_path: Path) -> None:
    film, frames = read(write_video(tmp_path / "a.mkv", pictures(5), **LOSSLESS))
    assert [f.rgb.shape for f in frames] == [(48, 64, 3)] * 5
    assert all(np.array_equal(f.rgb, picture(k)) for k, f in enumerate(frames))
    assert times(frames) == pytest.approx([0, 0.04, 0.08, 0.12, 0.16])
    assert (film.info.width, film.info.height, film.info.notes) == (64, 48, [])
    assert float(film.info.duration or 0) == pytest.approx(0.2, abs=0.01)


def test_variable_rates_are_kept(tmp_path: Path) -> None:
    stamps = [0, 0.02, 0.1, 0.5, 0.6]
    _, frames = read(write_video(tmp_path / "a.mkv", pictures(5), times=stamps, **LOSSLESS))
    assert times(frames) == pytest.approx(stamps)


@pytest.mark.parametrize(
    ("selection", "kept"),
    [
        (Selection(start=Fraction("0.1")), [3, 4, 5, 6, 7, 8, 9]),
        (Selection(stop=Fraction("0.1")), [0, 1, 2]),
        (Selection(start=Fraction("0.04"), every=3), [1, 4, 7]),
        (Selection(most_rate=Fraction(10)), [0, 3, 5, 8]),
        (Selection(most_rate=Fraction(100)), list(range(10))),
    ],
    ids=["from", "to", "every", "fps", "more fps than there are"],
)
def test_selections(tmp_path: Path, selection: Selection, kept: list[int]) -> None:
    path = write_video(tmp_path / "a.mkv", pictures(10), **LOSSLESS)
    film, frames = read(path, selection)
    assert times(frames) == pytest.approx([0.04 * k for k in kept])
    assert selection.expected(film.info) == pytest.approx(len(kept), abs=1)
    assert times(read(path, selection, skip=2)[1]) == times(frames)[2:]


def test_a_turned_film_is_upright(tmp_path: Path) -> None:
    """What a phone writes: rows as the sensor has them, and a matrix that turns them."""
    path = write_video(tmp_path / "a.mp4", pictures(2), codec="mpeg4", qscale="1")
    data = bytearray(path.read_bytes())
    identity = b"".join(n.to_bytes(4, "big") for n in (1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30))
    turned = b"".join(
        n.to_bytes(4, "big", signed=True)
        for n in (0, 1 << 16, 0, -(1 << 16), 0, 0, 48 << 16, 0, 1 << 30)
    )
    place = data.index(identity, data.index(b"tkhd"))
    data[place : place + 36] = turned
    path.write_bytes(data)
    _, frames = read(path)
    assert frames[0].rgb.shape == (64, 48, 3)
    clockwise = np.rot90(picture(0), -1).astype(int)
    assert np.abs(frames[0].rgb - clockwise).mean() < 25


@pytest.mark.parametrize("pixels", ["yuv420p10le", "yuv444p", "yuv422p", "gray"])
def test_other_pixels(tmp_path: Path, pixels: str) -> None:
    codec = "ffv1"
    film, frames = read(write_video(tmp_path / "a.mkv", pictures(2), codec=codec, pixels=pixels))
    grey = cv2.cvtColor(frames[1].rgb, cv2.COLOR_RGB2GRAY).astype(int)
    assert np.abs(grey - cv2.cvtColor(picture(1), cv2.COLOR_RGB2GRAY)).mean() < 6
    assert any("10 bits" in note for note in film.info.notes) == ("10" in pixels)


@pytest.mark.parametrize("curve", [PQ, HLG])
def test_hdr_is_mapped(tmp_path: Path, curve: int) -> None:
    """Mid grey of HDR is a bright grey in sRGB, and the order of brightness stays."""
    ramp = np.repeat(np.linspace(0, 200, 64).astype(np.uint8)[None, :, None], 3, axis=2)
    ramp = np.repeat(ramp, 48, axis=0)

    def adapt(stream: object) -> None:
        context = stream.codec_context  # type: ignore[attr-defined]
        context.color_trc, context.color_primaries, context.colorspace = curve, 9, 9

    path = tmp_path / "a.mkv"
    write_video(path, [ramp] * 2, codec="ffv1", pixels="yuv420p10le", adapt=adapt)
    film, frames = read(path)
    row = frames[0].rgb[24].mean(axis=-1)
    assert any("HDR" in note for note in film.info.notes)
    assert row[0] < 30 and row[-1] > 180 and (np.diff(row[4:-4:6]) > 0).all()


def test_transparent_parts_are_white(tmp_path: Path) -> None:
    path = tmp_path / "a.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "rgba"
        rgba = np.zeros((48, 64, 4), np.uint8)
        rgba[:, 32:] = 10, 20, 30, 255
        container.mux(stream.encode(av.VideoFrame.from_ndarray(rgba, "rgba")))
        container.mux(stream.encode(None))
    film, (frame,) = read(path)
    assert (frame.rgb[:, :32] == 255).all()
    assert (frame.rgb[:, 32:] == (10, 20, 30)).all()
    assert "transparent" in film.info.notes[0]


def test_interlaced_frames_are_put_together(tmp_path: Path) -> None:
    flags = {"x264-params": "tff=1"}
    path = write_video(tmp_path / "a.mkv", pictures(8), **flags)
    film, frames = read(path)
    assert "interlaced" in film.info.notes[0]
    assert len(frames) == 8
    assert len(set(times(frames))) == 8


def test_oblong_pixels_become_square(tmp_path: Path) -> None:
    def adapt(stream: object) -> None:
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)  # type: ignore[attr-defined]

    film, frames = read(write_video(tmp_path / "a.mp4", pictures(2), adapt=adapt))
    assert frames[0].rgb.shape == (48, 85, 3)
    assert (film.info.width, film.info.height) == (85, 48)


def test_odd_sizes(tmp_path: Path) -> None:
    frames = [picture(k, width=63, height=47)[:47, :63] for k in range(2)]
    _, found = read(write_video(tmp_path / "a.mkv", frames, **LOSSLESS))
    assert all(np.array_equal(f.rgb, rgb) for f, rgb in zip(found, frames, strict=True))


def test_a_change_of_size_is_resized_and_told(tmp_path: Path) -> None:
    """MPEG-TS parts one after another, as recorders write them."""
    large = [picture(k, width=128, height=96) for k in range(3)]
    parts = [
        write_video(tmp_path / "1.ts", pictures(3)),
        write_video(tmp_path / "2.ts", large, times=[0.12, 0.16, 0.2]),
    ]
    path = tmp_path / "both.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    film, frames = read(path)
    assert {f.rgb.shape for f in frames} == {(48, 64, 3)} and len(frames) == 6
    (note,) = [note for note in film.info.notes if "changes to" in note]
    assert "changes to 128x96 at 0.12 s" in note
    resumed, later = read(path, skip=4)
    assert [f.time for f in later] == [f.time for f in frames[4:]]
    assert all(np.array_equal(f.rgb, g.rgb) for f, g in zip(later, frames[4:], strict=True))
    assert resumed.info.notes == film.info.notes
    assert list(film.times(Selection())) == [f.time for f in frames]


def test_damaged_frames_are_counted(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.ts", pictures(30), g="30", crf="1")
    data = bytearray(path.read_bytes())
    for place in np.random.default_rng(0).integers(len(data) // 3, len(data), 20):
        data[place] ^= 0xFF
    path.write_bytes(data)
    film, frames = read(path)
    assert len(frames) > 20
    assert any("damaged frame" in note for note in film.info.notes)


def test_a_film_that_is_cut_short_is_read_to_its_end(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "a.mp4", pictures(40), movflags="faststart", g="5")
    with (
        av.open(str(whole)) as container,
        av.open(str(tmp_path / "b.mp4"), "w", options={"movflags": "faststart"}) as target,
    ):
        stream = target.add_stream_from_template(container.streams.video[0])
        for packet in container.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    path = tmp_path / "b.mp4"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    film, frames = read(path)
    assert 10 < len(frames) < 40
    assert any("may be cut short" in note for note in film.info.notes)


def test_damaged_parts_are_left_out(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", pictures(20), g="4")
    data = bytearray(path.read_bytes())
    rng = np.random.default_rng(0)
    middle = slice(len(data) // 3, len(data) // 2)
    data[middle] = rng.integers(0, 256, middle.stop - middle.start, np.uint8).tobytes()
    path.write_bytes(data)
    _, frames = read(path)
    assert 5 <= len(frames) <= 20
    assert times(frames) == sorted(set(times(frames)))


class Pipe(io.RawIOBase):
    """Can be read once, and in order."""

    def __init__(self, data: bytes) -> None:
        self._left = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._left.read(size)


def test_a_stream_is_read_once(tmp_path: Path) -> None:
    data = write_video(tmp_path / "a.mkv", pictures(3)).read_bytes()
    film = VideoFile(Pipe(data), "stdin")  # type: ignore[arg-type]
    assert film.path is None
    assert len(list(film.frames(ALL))) == 3


def test_a_pipe_with_its_index_at_the_end_is_told(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (30, 120, 160, 3)).astype(np.uint8)
    data = write_video(tmp_path / "a.mp4", list(noise), crf="1").read_bytes()
    assert len(data) > 500_000 and data.index(b"mdat") < data.index(b"moov")
    with pytest.raises(InputError, match="must be readable in order"):
        list(VideoFile(Pipe(data), "stdin").frames(ALL))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file"),
        (b"", "no video that FFmpeg can read"),
        (b"hello, I am a text\n" * 50, "no video that FFmpeg can read"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(500), "no video that FFmpeg can read"),
    ],
    ids=["missing", "empty", "text", "no index"],
)
def test_what_is_no_video_is_named(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "a.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=rf"a\.mp4: .*{words}") as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_sound_alone_is_no_film(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        tone = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), "fltp", "mono")
        tone.sample_rate = 16000
        container.mux(stream.encode(tone))
        container.mux(stream.encode(None))
    with pytest.raises(InputError, match="has no video stream"):
        read(path)


def test_the_cover_of_a_song_is_no_film(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        cover = container.add_stream("png", rate=1)
        cover.height, cover.width, cover.pix_fmt = 48, 64, "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        container.mux(cover.encode(av.VideoFrame.from_ndarray(picture(0), "rgb24")))
        container.mux(cover.encode(None))
    with pytest.raises(InputError, match="has no video stream"):
        read(path)


@pytest.mark.skipif(os.name != "posix", reason="names are bytes there alone")
def test_a_name_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.mkv"))
    path.write_bytes(write_video(tmp_path / "a.mkv", pictures(1)).read_bytes())
    with pytest.raises(InputError, match="not UTF-8"):
        read(path)


@pytest.mark.parametrize("name", ["a:b.mkv", "-x.mkv", "%03d.mkv", "http:x.mkv"])
def test_odd_names(tmp_path: Path, name: str) -> None:
    path = write_video(tmp_path / "a.mkv", pictures(1)).rename(tmp_path / name)
    assert len(read(path)[1]) == 1


def save(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for index, name in enumerate(names):
        Image.fromarray(picture(index)).save(folder / name)
    return folder


def test_a_folder_of_numbered_pictures(tmp_path: Path) -> None:
    folder = save(tmp_path / "f", "shot1_8.png", "shot1_9.png", "shot1_10.png", "shot1_12.png")
    (folder / "notes.txt").write_text("")
    film = FrameFolder(folder, Fraction(10))
    frames = list(film.frames(ALL))
    assert times(frames) == pytest.approx([0, 0.1, 0.2, 0.4])
    assert all(np.array_equal(f.rgb, picture(k)) for k, f in enumerate(frames))
    assert film.info.notes == [f"{folder}: 1 number missing; the times keep the gap"]
    assert "25 frames a second" in FrameFolder(folder, None).info.notes[0]
    assert times(list(film.frames(Selection(every=2), 1))) == pytest.approx([0.2])


def test_folders_that_are_no_film(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no numbered pictures"):
        FrameFolder(save(tmp_path / "a", "photo.png"), None)
    with pytest.raises(InputError, match=r"1\.png and 01\.png|01\.png and 1\.png"):
        FrameFolder(save(tmp_path / "b", "1.png", "01.png"), None)
    broken = save(tmp_path / "c", "1.png", "2.png")
    (broken / "2.png").write_bytes((broken / "2.png").read_bytes()[:200])
    with pytest.raises(InputError, match=r"2\.png"):
        list(FrameFolder(broken, Fraction(25)).frames(ALL))


def test_pictures_of_other_sizes_are_resized(tmp_path: Path) -> None:
    folder = save(tmp_path / "f", "1.png")
    Image.fromarray(picture(0, width=128, height=96)).save(folder / "2.png")
    film = FrameFolder(folder, Fraction(25))
    assert [f.rgb.shape for f in film.frames(ALL)] == [(48, 64, 3)] * 2
    assert "resized" in film.info.notes[-1]
