"""What a command does with photos, and what becomes of each."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from ppdcli.photo import Photo

Status = Literal["done", "skipped", "failed"]


@dataclass
class Result:
    """What became of one input.

    Attributes:
        outputs: files written, or found finished.
        facts: what the work says of itself: model, seed, steps, size, unit, timings.
        notes: lines for the user.
        made_again: why files that were there have been made again; None if none was.
        error: one line, None unless failed.
        cause: what was raised, None unless failed.
    """

    name: str
    status: Status
    outputs: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    made_again: str | None = None
    error: str | None = None
    cause: Exception | None = None


@dataclass
class Job:
    """A photo on its way. ``notes``: lines for the user, told with its result."""

    photo: Photo
    notes: list[str] = field(default_factory=list)


class Built(NamedTuple):
    """A photo's results: what is said of them, and how one is written to a path."""

    facts: dict[str, Any]
    write: Callable[[str, Path], None]


class Work(Protocol):
    """What a command does with photos. ``look`` and ``predict`` share one thread."""

    def kind(self, photo: Photo) -> Hashable:
        """Photos of equal kinds can be predicted together."""

    def together(self, photo: Photo) -> int:
        """How many of this kind are."""

    def look(self, job: Job) -> Any:
        """What may refuse the photo before it costs a prediction.

        Raises:
            InputError: it cannot be used.
        """

    def predict(self, photos: Sequence[Photo]) -> Sequence[Any]:
        """The depth of photos of one kind."""

    def build(self, job: Job, seen: Any, depth: Any, wanted: Sequence[str]) -> Built:
        """The results in the formats wanted, on any thread; ``seen`` is what ``look`` gave.

        Raises:
            InputError: there is none.
        """
