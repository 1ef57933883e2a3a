"""From chunks of depth and the film's pictures to files: several frames at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ppdcli.errors import InputError
from ppdcli.files.atomic import atomic_path
from ppdcli.films.chunks import Chunk, ChunkFolder
from ppdcli.films.encoding import VideoWriter, new_video
from ppdcli.films.frame_files import DepthFrame, ForVideo, FrameMaker
from ppdcli.films.frames import FilmInfo, Frame, Selection
from ppdcli.films.metres import FilmMetres
from ppdcli.films.orders import rate_of
from ppdcli.films.outputs import FilmChoices, FilmFiles, Range
from ppdcli.pipeline import Stages, limits_here, run_stages

PIXEL_BYTES = 64  # that a frame takes for each of its pixels while it is made into files


@dataclass(frozen=True, eq=False)
class _Item:
    """A frame with its depth, and its place in a chunk."""

    chunk: int
    is_first: bool
    is_last: bool
    depth: DepthFrame


class Renderer:
    """Makes the files of chunks, and remembers on disk which are made.

    Attributes:
        on_frame: called after each frame with the number of frames that are done.
    """

    def __init__(
        self,
        folder: ChunkFolder,
        choices: FilmChoices,
        files: FilmFiles,
        info: FilmInfo,
        selection: Selection,
        ranges: tuple[Range, Range] | None,
        on_frame: Callable[[int], None] = lambda done: None,
        metres: FilmMetres | None = None,
    ) -> None:
        """Makes nothing yet.

        Args:
            folder: has the chunks.
            choices, files: what to make.
            info: of the film.
            selection: which frames there are; its start is 0 in the files.
            ranges: those of the film, if it is finished: what is made for other ones is of no use.
            on_frame: see above.
            metres: of the film; None: its depth stays relative.
        """
        self._folder, self._choices, self._files = folder, choices, files
        self._info, self._rate = info, rate_of(info, selection)
        self._start = selection.start
        fov = None if metres is None else metres.fov
        self._maker = FrameMaker(choices, files, selection.start, fov)
        self._metres = metres
        self.on_frame = on_frame
        key = json.dumps(
            [repr(choices), sorted(files.outputs), str(selection.start), ranges, repr(metres)]
        )
        self._name = f"made-{sha256(key.encode()).hexdigest()[:12]}"

    def is_made(self, number: int) -> bool:
        """Whether everything of a chunk is made."""
        return self._marker(number).is_file()

    def part(self, name: str, number: int) -> Path:
        """The encoded part of a chunk, which plays by itself."""
        return self._folder.part(f"{self._name}-{name}", number, ".mkv")

    def render(
        self, chunks: Iterable[tuple[int, Chunk, Range, Range]], frames: Iterator[Frame]
    ) -> None:
        """Makes the files of chunks.

        Args:
            chunks: number, chunk, and the ranges of all its depths and for pictures.
            frames: those of the chunks, one after another.

        Raises:
            InputError: the film is not what it was when its depth was computed.
            OutputError: a file cannot be written.
        """
        stages: Stages[_Item, _Item, _Item, tuple[_Item, ForVideo]] = Stages(
            read=lambda item: item,
            weight=lambda item: item.depth.frame.rgb[..., 0].size * PIXEL_BYTES,
            key=lambda item: None,
            most=lambda item: 1,
            compute=lambda group: [item for item, _ in group],
            finish=lambda item, read, computed: (item, self._maker.make(item.depth)),
        )
        limits = limits_here()
        # Frames that wait gain nothing: each finisher has one, and one more is ready for it.
        ahead = 2 * (limits.finishers + 1)
        frame_bytes = self._info.width * self._info.height * PIXEL_BYTES
        budget = min(limits.budget, ahead * frame_bytes)
        items = self._items(chunks, frames)
        with (
            closing(run_stages(items, stages, budget, 1, limits.finishers)) as results,
            ExitStack() as open_parts,
        ):
            writers: dict[str, VideoWriter] = {}
            for item, made in results:
                if item.is_first:
                    writers = self._writers(item.chunk, made, open_parts)
                pictures = {"mkv": made.steps, "mp4": made.picture}
                for name, writer in writers.items():
                    picture = pictures[name]
                    assert picture is not None
                    writer.add(picture, item.depth.frame.time - self._start)
                if item.is_last:
                    for writer in writers.values():
                        writer.finish()
                    open_parts.close()
                    with atomic_path(self._marker(item.chunk)) as temporary:
                        temporary.write_bytes(b"\n")
                self.on_frame(item.depth.number)

    def _writers(
        self, number: int, made: ForVideo, open_parts: ExitStack
    ) -> dict[str, VideoWriter]:
        writers = {}
        for name, first in (("mkv", made.steps), ("mp4", made.picture)):
            if name in self._files.outputs and first is not None:
                container = open_parts.enter_context(new_video(self.part(name, number), "matroska"))
                height, width = first.shape[:2]
                writers[name] = VideoWriter(
                    container, height, width, self._rate, lossless=name == "mkv"
                )
        return writers

    def _items(
        self, chunks: Iterable[tuple[int, Chunk, Range, Range]], frames: Iterator[Frame]
    ) -> Iterator[_Item]:
        for number, chunk, whole, usual in chunks:
            for index, time in enumerate(chunk.times):
                frame = next(frames, None)
                if frame is None or frame.time != time:
                    raise InputError("the film has changed since its depth was computed; run again")
                begins = bool(chunk.cuts[index]) or chunk.first + index == 0
                depth = DepthFrame(
                    chunk.first + index + 1,
                    frame,
                    chunk.depths[index],
                    begins,
                    whole,
                    usual,
                    chunk.facts,
                    None if self._metres is None else self._metres.of_frame(chunk.first + index),
                )
                yield _Item(number, index == 0, index == len(chunk.times) - 1, depth)

    def _marker(self, number: int) -> Path:
        return self._folder.part(self._name, number, ".done")
