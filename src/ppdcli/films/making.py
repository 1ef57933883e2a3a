"""Makes a film's files: first all depth, then the files in one range; or both at once, live."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from ppdcli.errors import InputError
from ppdcli.files.atomic import atomic_path
from ppdcli.films.cards import depth_tags, film_card, picture_tags
from ppdcli.films.chunks import Chunk, ChunkFolder
from ppdcli.films.encoding import VideoWriter, in_steps, new_video
from ppdcli.films.frames import Film, FilmInfo
from ppdcli.films.joining import Sound, join
from ppdcli.films.live import LIVE_RANGE, LiveFilm
from ppdcli.films.metres import FilmMetres, by_moge2, by_near_far
from ppdcli.films.orders import FilmOrder, FilmReport, rate_of
from ppdcli.films.outputs import Range
from ppdcli.films.rendering import Renderer

CONTAINERS = {"mkv": "matroska", "mp4": "mp4"}


def make_film(film: Film, order: FilmOrder, report: FilmReport) -> None:
    """Makes a film. What is finished stays in the folder of parts until all is.

    Args:
        film: the film.
        order: what to make of it.
        report: an empty one, which is filled while the film is made.

    Raises:
        InputError: the film cannot be read, or no frame is wanted.
        OutputError: a file cannot be written.
        PpdError: out of memory.
    """
    folder = ChunkFolder(order.files.parts)
    chunks: list[Chunk] = []  # the last one alone
    count = 0
    if folder.prepare(order.card):
        for chunk in folder.complete():
            report.add(chunk)
            chunks, count = [chunk], count + 1
        report.resumed = len(report.times)
    live = None
    if order.choices.live:
        renderer = _renderer(film.info, order, folder, None, None)
        live = LiveFilm(film, order.selection, folder, renderer)
    expected = order.selection.expected(film.info)
    estimator = order.estimator(lambda done: order.doing("depth", done, expected))
    source = film if live is None else live
    last = chunks[-1] if chunks else None
    if live is not None:
        live.catch_up(count)
    with ThreadPoolExecutor(1) as beside:  # the network need not wait for an encoder
        writing: Future[None] | None = None
        for chunk in estimator.chunks(source, order.selection, folder, count, last):
            report.add(chunk)
            if live is not None:
                live.render(count, chunk)
            else:
                if writing is not None:
                    writing.result()
                writing = beside.submit(_write_playable, folder, count, chunk, order, film.info)
            count += 1
        if writing is not None:
            writing.result()
    if not report.times:
        raise InputError(
            f"{film.info.name}: no frame is in the time that is wanted; check its start and end"
        )
    if live is None:
        report.metres = _metres(film, order, report, folder)
        ranges = _ranges(report)
        report.whole = ranges[0]
        renderer = _renderer(film.info, order, folder, ranges, len(report.times), report.metres)
        unmade = [number for number in range(count) if not renderer.is_made(number)]
        if unmade:
            _render_from(unmade[0], count, film, order, folder, renderer, ranges)
    else:
        report.whole, renderer = LIVE_RANGE, live.renderer
    _finish(film, order, report, renderer, count)
    folder.remove()


def _ranges(report: FilmReport) -> tuple[Range, Range]:
    """The film's ranges, of all depths and for pictures, in the unit of its files."""
    metres, film = report.metres, report.range()
    if metres is None:
        return film.whole(), film.usual()
    lines = [film] if len(metres.scenes) == 1 else report.depths
    whole = metres.range([depths.whole() for depths in lines])
    return whole, metres.range([depths.usual() for depths in lines])


def _metres(
    film: Film, order: FilmOrder, report: FilmReport, folder: ChunkFolder
) -> FilmMetres | None:
    """The film's metres, if they are wanted."""
    chosen = order.choices
    if chosen.near_far is not None:
        return by_near_far(report.range().whole(), chosen.near_far)
    if not chosen.metric:
        return None
    assert order.estimator_of_metres is not None
    estimator = order.estimator_of_metres()
    count = len(report.times)
    return by_moge2(
        film, order.selection, folder, report.scenes, count, estimator, chosen.fov, order.seed
    )


def _renderer(
    info: FilmInfo,
    order: FilmOrder,
    folder: ChunkFolder,
    ranges: tuple[Range, Range] | None,
    count: int | None,
    metres: FilmMetres | None = None,
) -> Renderer:
    def done(number: int) -> None:
        if count is not None:
            order.doing("files", number, count)

    return Renderer(folder, order.choices, order.files, info, order.selection, ranges, done, metres)


def _render_from(
    first: int,
    count: int,
    film: Film,
    order: FilmOrder,
    folder: ChunkFolder,
    renderer: Renderer,
    ranges: tuple[Range, Range],
) -> None:
    def chunks() -> Iterator[tuple[int, Chunk, Range, Range]]:
        for number in range(first, count):
            chunk = folder.load(number)
            if chunk is None:
                raise InputError(f"{folder.folder}: a part was removed or damaged; run again")
            yield number, chunk, *ranges

    begin = folder.load(first)
    renderer.render(chunks(), film.frames(order.selection, begin.first if begin else 0))


def _write_playable(
    folder: ChunkFolder, number: int, chunk: Chunk, order: FilmOrder, info: FilmInfo
) -> None:
    """A video of a chunk as the network gives it, for who stops here."""
    low, high = chunk.range().whole()
    height, width = chunk.depths.shape[1:]
    with new_video(folder.part("play", number, ".mkv"), "matroska") as container:
        own = FilmReport(facts=dict(chunk.facts), whole=(low, high))
        container.metadata.update(depth_tags(own))
        rate = rate_of(info, order.selection)
        writer = VideoWriter(container, height, width, rate, lossless=True)
        for time, depth in zip(chunk.times, chunk.depths, strict=True):
            writer.add(in_steps(depth, low, high), time - order.selection.start)
        writer.finish()


def _finish(
    film: Film,
    order: FilmOrder,
    report: FilmReport,
    renderer: Renderer,
    count: int,
) -> None:
    """Joins the parts of the videos, and writes the card."""
    start = order.selection.start
    times = [time - start for time in report.times]
    rate = rate_of(film.info, order.selection)
    for name, container_format in CONTAINERS.items():
        path = order.files.outputs.get(name)
        if path is None:
            continue
        tags = picture_tags(report.facts)
        if name == "mkv":
            tags = depth_tags(report)
        sound = None
        if name == "mp4" and order.choices.sound and film.info.sound and film.path is not None:
            sound = Sound(film.path, start, order.selection.stop)
        parts = [renderer.part(name, number) for number in range(count)]
        with order.writing(name):
            join(path, container_format, parts, times, rate, tags, sound)
    if order.files.card is not None:
        text = json.dumps(film_card(film.info, order, report), indent=1)
        with order.writing("film"), atomic_path(order.files.card) as temporary:
            temporary.write_text(text + "\n", "utf-8")
