"""Puts the two fields of interlaced frames together, from the first interlaced frame on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ppdcli.films.pyav import import_av

if TYPE_CHECKING:
    from av import VideoFrame


class Deinterlacer:
    """Frames in, as many frames out; before an interlaced one they are passed through."""

    def __init__(self) -> None:
        self._graph: Any = None
        self._kind: tuple[int, int, str] | None = None  # of the frames that the graph takes

    @property
    def is_active(self) -> bool:
        """Whether an interlaced frame was there."""
        return self._graph is not None

    def add(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        """Takes a frame; yields those that are ready."""
        kind = (frame.width, frame.height, frame.format.name)
        if self._graph is None and not frame.interlaced_frame:
            yield frame
            return
        if kind != self._kind:
            yield from self.rest()
            self._graph, self._kind = _graph_for(frame), kind
        self._graph.vpush(frame)
        yield from self._pulled()

    def rest(self) -> Iterator[VideoFrame]:
        """Yields the frames that were still to come; none can be added before the next kind."""
        if self._graph is not None:
            self._graph.vpush(None)
            yield from self._pulled()

    def _pulled(self) -> Iterator[VideoFrame]:
        av = import_av()
        while True:
            try:
                yield self._graph.vpull()
            except (av.BlockingIOError, av.EOFError):
                return


def _graph_for(frame: VideoFrame) -> Any:
    """A filter for frames like this one."""
    graph: Any = import_av().filter.Graph()
    source = graph.add_buffer(
        width=frame.width,
        height=frame.height,
        format=frame.format,
        time_base=frame.time_base,
    )
    graph.link_nodes(source, graph.add("bwdif", "mode=send_frame"), graph.add("buffersink"))
    graph.configure()
    return graph
