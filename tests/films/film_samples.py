"""Small films made with PyAV, and a model that takes no time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from ppdcli.depth import DepthMap
from ppdcli.films.consistency import Consistency
from ppdcli.films.estimating import Estimator
from ppdcli.films.frames import Selection
from ppdcli.films.orders import FilmOrder
from ppdcli.films.outputs import SEQUENCE_FORMATS, VIDEO_FORMATS, FilmChoices, FilmFiles
from ppdcli.model_request import Sampling
from ppdcli.photo import Photo

WIDTH, HEIGHT, RATE = 64, 48, 25


def picture(index: int, seed: int = 0, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A textured picture that moves to the right by one pixel a frame, (H, W, 3) uint8."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 256, (height // 4, width, 3)).astype(np.float32)
    wide = cv2.resize(noise, (4 * width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(wide[:, width - index : 2 * width - index], 0, 255).astype(np.uint8)


def pictures(count: int, seed: int = 0, **size: int) -> list[np.ndarray]:
    """The first pictures of a film."""
    return [picture(index, seed, **size) for index in range(count)]


def write_video(
    path: Path,
    frames: Sequence[np.ndarray],
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    times: Sequence[float] | None = None,
    sound: bool = False,
    adapt: Callable[[Any], None] = lambda stream: None,
    adapt_frame: Callable[[av.VideoFrame], None] = lambda frame: None,
    **options: str,
) -> Path:
    """Encodes frames, (H, W, 3) uint8; ``times`` in seconds."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=RATE, options=options)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixels
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        adapt(stream)
        voice: Any = container.add_stream("aac", rate=16000) if sound else None
        for index, rgb in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), "rgb24")
            frame = frame.reformat(format=pixels)
            time = index / RATE if times is None else times[index]
            frame.pts, frame.time_base = round(1000 * time), Fraction(1, 1000)
            adapt_frame(frame)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if voice is not None:
            length = len(frames) * 16000 // RATE
            tone = np.sin(np.arange(length) / 5).astype(np.float32)[None]
            samples = av.AudioFrame.from_ndarray(tone, "fltp", "mono")
            samples.sample_rate, samples.pts = 16000, 0
            container.mux(voice.encode(samples))
            container.mux(voice.encode(None))
    return path


def decoded(path: Path, pixels: str) -> tuple[list[np.ndarray], list[float]]:
    """The frames of a video, and their times in seconds."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        return [frame.to_ndarray(format=pixels) for frame in frames], [f.time for f in frames]


class Grey:
    """Stands for a predictor: depth is brightness. It remembers what it was asked for."""

    def __init__(self, flicker: float = 0.0) -> None:
        self.seeds: list[int] = []
        self.guesses: list[np.ndarray | None] = []
        self.names: list[str] = []
        self._flicker = np.random.default_rng(1) if flicker else None
        self._most = flicker

    def size_of(self, photo: Photo, area: int | None = None) -> tuple[int, int]:
        return HEIGHT, WIDTH

    def batch_size(self, photo: Photo, area: int | None = None) -> int:
        return 2

    def predict_batch(
        self,
        photos: Sequence[Photo],
        *,
        steps: int | None = None,
        seed: int = 0,
        area: int | None = None,
        guess: np.ndarray | None = None,
    ) -> list[DepthMap]:
        self.seeds += [seed] * len(photos)
        self.guesses.append(guess)
        self.names += [photo.name for photo in photos]
        return [self._depth(photo) for photo in photos]

    def _depth(self, photo: Photo) -> DepthMap:
        small = cv2.resize(photo.rgb, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        values = cv2.GaussianBlur(small.mean(axis=2) / 255, (5, 5), 1).astype(np.float32)
        if self._flicker is not None:
            scale, shift = 1 + self._most * self._flicker.standard_normal(2)
            values = np.float32(scale) * values + np.float32(shift - 1)
        return DepthMap(values, "relative", None, {"model": "grey", "seed": "0"}, photo=photo)


def order(
    folder: Path,
    *formats: str,
    model: Grey | None = None,
    consistency: Consistency | None = None,
    selection: Selection | None = None,
    choices: dict[str, Any] | None = None,
    card: dict[str, Any] | None = None,
) -> FilmOrder:
    """What is to be made, with ``Grey``."""
    endings = {**VIDEO_FORMATS, **SEQUENCE_FORMATS, "ply": "_ply", "html": "_html"}
    files = FilmFiles(
        {name: folder / f"film{endings[name]}" for name in formats},
        folder / "film_film.json",
        folder / "film.ppd-parts",
    )
    model = model or Grey()
    wanted = consistency or Consistency()
    return FilmOrder(
        selection or Selection(),
        FilmChoices(formats, **(choices or {})),
        files,
        card or {"settings": 1},
        lambda on_frame: Estimator(model, Sampling(), wanted, on_frame),
        lambda name: nullcontext(),
        lambda what, done, total: None,
    )


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    files: Iterator[Path] = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
