"""From a film to its files: videos, sequences, clouds, and what is kept when it is stopped."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from films.film_samples import Grey, contents, decoded, order, pictures, write_video
from PIL import Image

from ppdcli.depth_reading import read_depth
from ppdcli.errors import InputError, OutputError
from ppdcli.films import making
from ppdcli.films.consistency import Consistency
from ppdcli.films.frame_files import DepthFrame, ForVideo, FrameMaker
from ppdcli.films.frames import Selection
from ppdcli.films.making import make_film
from ppdcli.films.orders import FilmReport
from ppdcli.films.video_file import VideoFile


def test_the_lossless_video_gives_the_depth_back(tmp_path: Path) -> None:
    film = VideoFile(write_video(tmp_path / "a.mp4", pictures(20)), "a.mp4")
    make_film(film, order(tmp_path / "out", "mkv", "npy"), FilmReport())
    path = tmp_path / "out/film_depth.mkv"
    frames, times = decoded(path, "gray16le")
    assert times == pytest.approx([index / 25 for index in range(20)], abs=1e-3)
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == "ffv1"
        tags = {key.lower(): value for key, value in container.metadata.items()}
    assert tags["kind"] == "relative"
    scale, offset = float(tags["scale"]), float(tags["offset"])
    for index, steps in enumerate(frames):
        depth = np.load(tmp_path / f"out/film_depth_npy/{index + 1:06d}.npy")
        assert np.abs(steps * scale + offset - depth).max() <= 0.51 * scale
    assert {steps.min() for steps in frames} >= {0} and max(f.max() for f in frames) == 65535


def make(
    film: Path, out: Path, *formats: str, report: FilmReport | None = None, **options: Any
) -> FilmReport:
    report = report or FilmReport()
    make_film(VideoFile(film, film.name), order(out, *formats, **options), report)
    return report


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """40 frames with a scene cut at number 21, and sound."""
    frames = [*pictures(20), *(p // 3 for p in pictures(20, seed=7))]
    return write_video(tmp_path / "clip.mp4", frames, sound=True, crf="1")


def test_the_preview_has_photo_depth_and_sound(clip: Path, tmp_path: Path) -> None:
    make(clip, tmp_path / "out", "mp4")
    path = tmp_path / "out/film_preview.mp4"
    frames, times = decoded(path, "rgb24")
    assert [f.shape for f in frames] == [(48, 128, 3)] * 40
    assert times == pytest.approx([k / 25 for k in range(40)], abs=1e-4)
    assert np.abs(frames[5][:, :64].astype(int) - pictures(6)[5]).mean() < 25
    with av.open(str(path)) as container:
        video, sound = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert sound.codec_context.name == "aac"
        length = float(sum(f.samples for f in container.decode(sound))) / 16000
    assert length == pytest.approx(1.6, abs=0.1)


def test_sound_is_cut_with_the_pictures(clip: Path, tmp_path: Path) -> None:
    part = Selection(Fraction("0.4"), Fraction("1.2"))
    make(clip, tmp_path / "out", "mp4", selection=part)
    path = tmp_path / "out/film_preview.mp4"
    assert decoded(path, "rgb24")[1] == pytest.approx([k / 25 for k in range(20)], abs=1e-4)
    with av.open(str(path)) as container:
        times = [float(p.pts * p.time_base) for p in container.demux(audio=0) if p.size]
    assert 0 <= times[0] < 0.1 and 0.65 < times[-1] < 0.8


def test_sound_that_mp4_does_not_take_becomes_aac(tmp_path: Path) -> None:
    film = write_video(tmp_path / "a.mkv", pictures(10))
    with av.open(str(film)) as source, av.open(str(tmp_path / "b.mkv"), "w") as target:
        video = target.add_stream_from_template(source.streams.video[0])
        voice: Any = target.add_stream("pcm_s16le", rate=8000)
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = video
                target.mux(packet)
        tone = av.AudioFrame.from_ndarray(np.zeros((1, 3200), np.int16), "s16", "mono")
        tone.sample_rate, tone.pts = 8000, 0
        target.mux(voice.encode(tone))
        target.mux(voice.encode(None))
    make(tmp_path / "b.mkv", tmp_path / "out", "mp4")
    with av.open(str(tmp_path / "out/film_preview.mp4")) as container:
        assert container.streams.audio[0].codec_context.name == "aac"


@pytest.mark.parametrize(("width", "height"), [(63, 47), (1, 1), (2000, 30)])
def test_previews_of_any_size(tmp_path: Path, width: int, height: int) -> None:
    frames = [np.full((height, width, 3), 90 + k, np.uint8) for k in range(2)]
    film = write_video(tmp_path / "a.mkv", frames, codec="ffv1", pixels="bgr0")
    make(film, tmp_path / "out", "mp4", "mkv", choices={"preview": "depth"})
    (picture, _), _ = decoded(tmp_path / "out/film_preview.mp4", "rgb24")
    assert picture.shape[0] % 2 == picture.shape[1] % 2 == 0
    assert decoded(tmp_path / "out/film_depth.mkv", "gray16le")[0][0].shape == (height, width)


def test_sequences_have_one_range_and_time_codes(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    make(clip, out, "png", "exr", "npy", selection=Selection(every=3))
    names = [f"{number:06d}" for number in range(1, 15)]
    for kind in ("png", "exr", "npy"):
        assert sorted(p.stem for p in (out / f"film_depth_{kind}").iterdir()) == names
    texts = []
    for name in names:
        with Image.open(out / f"film_depth_png/{name}.png") as image:
            texts.append(image.text)  # type: ignore[attr-defined]
    assert len({(text["scale"], text["offset"]) for text in texts}) == 1
    assert (texts[2]["time"], texts[2]["timecode"]) == ("0.240000 s", "00:00:00.240")
    for name in names[::5]:
        depth = np.load(out / f"film_depth_npy/{name}.npy")
        exr = read_depth(out / f"film_depth_exr/{name}.exr")
        assert np.array_equal(exr.values, depth)
        png = read_depth(out / f"film_depth_png/{name}.png")
        assert np.abs(png.values - depth).max() <= 0.51 * float(texts[0]["scale"])
    card = json.loads((out / "film_film.json").read_text())
    assert [row["timecode"] for row in card["frames"]][:2] == ["00:00:00.000", "00:00:00.120"]
    assert card["scenes"] == [1, 8]


def test_clouds_of_scenes_and_of_chosen_frames(clip: Path, tmp_path: Path) -> None:
    make(clip, tmp_path / "a", "ply", choices={"near_far": (1.0, 9.0)})
    assert sorted(p.name for p in (tmp_path / "a/film_ply").iterdir()) == [
        "000001.ply",
        "000021.ply",
    ]
    make(clip, tmp_path / "b", "html", choices={"frames": frozenset((3,)), "fov": 60.0})
    assert [p.name for p in (tmp_path / "b/film_html").iterdir()] == ["000003.html"]


class StoppedError(Exception):
    pass


class Stopping(Grey):
    """Stops the run at some frame, as a kill does."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def predict_batch(self, photos: Any, **options: Any) -> Any:
        if any(photo.name.endswith(f"frame {self.at}") for photo in photos):
            raise StoppedError
        return super().predict_batch(photos, **options)


def stopped_at(number: int | None) -> Callable[..., ForVideo]:
    """In place of ``FrameMaker.make``: stops at this frame; None: in place of anything, at once."""
    made = FrameMaker.make

    def stop(maker: FrameMaker, item: DepthFrame, *_: object) -> ForVideo:
        if number is None or item.number == number:
            raise StoppedError
        return made(maker, item)

    return stop


EVERYTHING = ("mkv", "mp4", "png", "exr", "npy", "ply")


@pytest.mark.parametrize(
    ("live", "warm"),
    [(False, False), (True, False), (False, True)],
    ids=["two passes", "live", "warm"],
)
def test_a_stopped_film_goes_on_to_the_same_bytes(
    clip: Path, tmp_path: Path, live: bool, warm: bool
) -> None:
    options = {"consistency": Consistency(warm_start=warm), "choices": {"live": live}}
    make(clip, tmp_path / "whole", *EVERYTHING, **options)
    part = tmp_path / "part"
    with pytest.raises(StoppedError):
        make(clip, part, *EVERYTHING, model=Stopping(35), **options)
    assert not (part / "film_depth.mkv").exists()
    played = sorted((part / "film.ppd-parts").rglob("*.mkv"))
    assert played and all(len(decoded(path, "gray16le")[0]) == 16 for path in played)
    again = Grey()
    report = make(clip, part, *EVERYTHING, model=again, **options)
    assert report.resumed == 32
    assert len(again.names) == 8
    assert contents(part) == contents(tmp_path / "whole")


def test_a_film_stopped_while_files_are_written_goes_on(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(clip, tmp_path / "whole", "mkv", "mp4", "png")

    with monkeypatch.context() as patched, pytest.raises(StoppedError):
        patched.setattr(FrameMaker, "make", stopped_at(20))
        make(clip, tmp_path / "part", "mkv", "mp4", "png")
    again = Grey()
    make(clip, tmp_path / "part", "mkv", "mp4", "png", model=again)
    assert not again.names
    assert contents(tmp_path / "part") == contents(tmp_path / "whole")


def test_other_settings_begin_anew(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(StoppedError):
        make(clip, tmp_path, "mkv", model=Stopping(35))
    again = Grey()
    report = make(clip, tmp_path, "mkv", model=again, card={"settings": 2})
    assert report.resumed == 0 and len(again.names) == 40


def test_a_damaged_part_is_computed_again(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(StoppedError):
        make(clip, tmp_path, "npy", model=Stopping(35))
    part = tmp_path / "film.ppd-parts/000001.npz"
    part.write_bytes(part.read_bytes()[:1000])
    assert make(clip, tmp_path, "npy").resumed == 16


def test_a_folder_of_somebody_else_is_left_alone(clip: Path, tmp_path: Path) -> None:
    parts = tmp_path / "out/film.ppd-parts"
    parts.mkdir(parents=True)
    (parts / "precious.txt").write_text("x")
    with pytest.raises(OutputError, match="ppd did not make it"):
        make(clip, tmp_path / "out", "mkv")
    assert (parts / "precious.txt").read_text() == "x"


def test_a_full_disk_is_one_line_and_keeps_what_is_finished(
    clip: Path,
    tmp_path: Path,
    full_disk: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make(clip, tmp_path / "whole", "mkv", "mp4")
    part = tmp_path / "part"

    def fails() -> None:
        full_disk(4000)
        try:
            with pytest.raises(OutputError, match="cannot be written") as caught:
                make(clip, part, "mkv", "mp4")
        finally:
            full_disk(-1)
        assert "\n" not in str(caught.value)
        assert not list(part.glob("film_*"))

    fails()  # while depth is computed
    with monkeypatch.context() as patched, pytest.raises(StoppedError):
        patched.setattr(FrameMaker, "make", stopped_at(1))
        make(clip, part, "mkv", "mp4")
    fails()  # while the parts of the videos are written
    with monkeypatch.context() as patched, pytest.raises(StoppedError):
        patched.setattr(making, "join", stopped_at(None))
        make(clip, part, "mkv", "mp4")
    fails()  # while they are joined
    make(clip, part, "mkv", "mp4")
    assert contents(part) == contents(tmp_path / "whole")


def test_one_frame_is_a_film(tmp_path: Path) -> None:
    film = write_video(tmp_path / "a.mp4", pictures(1))
    report = make(film, tmp_path / "out", "mkv", "mp4", "png")
    assert len(report.times) == 1
    assert len(decoded(tmp_path / "out/film_preview.mp4", "rgb24")[0]) == 1


def test_no_frame_is_an_error(clip: Path, tmp_path: Path) -> None:
    late = Selection(Fraction(100))
    with pytest.raises(InputError, match="no frame is in the time"):
        make(clip, tmp_path / "out", "mkv", selection=late)


def test_a_constant_film(tmp_path: Path) -> None:
    film = write_video(tmp_path / "a.mp4", [np.full((48, 64, 3), 128, np.uint8)] * 3)
    make(film, tmp_path / "out", "mkv", "mp4", "png")
    frames, _ = decoded(tmp_path / "out/film_depth.mkv", "gray16le")
    assert all((frame == frames[0]).all() for frame in frames)


def test_a_live_stream_is_read_once(clip: Path, tmp_path: Path) -> None:
    with clip.open("rb") as stream:
        film = VideoFile(stream, "stdin")
        make_film(film, order(tmp_path, "mkv", "png", choices={"live": True}), FilmReport())
    assert len(decoded(tmp_path / "film_depth.mkv", "gray16le")[0]) == 40
    assert len(list((tmp_path / "film_depth_png").iterdir())) == 40


def test_the_noise_is_the_same_or_grows(clip: Path, tmp_path: Path) -> None:
    same, fresh = Grey(), Grey()
    make(clip, tmp_path / "a", "npy", model=same)
    make(clip, tmp_path / "b", "npy", model=fresh, consistency=Consistency(same_noise=False))
    assert set(same.seeds) == {0}
    assert fresh.seeds == list(range(40))
