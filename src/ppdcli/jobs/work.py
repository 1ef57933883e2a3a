"""The work that a command does with photos, and the result of each photo."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from ppdcli.photo import Photo

Status = Literal["done", "skipped", "failed"]


@dataclass
class Result:
    """The result of one input.

    Attributes:
        outputs: Files that were written, or found finished.
        facts: What the work reports: model, seed, steps, size, unit, timings.
        notes: Lines for the user.
        made_again: Why files that existed were made again; None if no file was.
        error: The failure, in one line; None if there is none.
        cause: The exception; None if there is none.
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
    """A photo in the pipeline. ``notes``: Lines for the user, shown with its result."""

    photo: Photo
    notes: list[str] = field(default_factory=list)


class Writable(NamedTuple):
    """A photo's results, ready to be written.

    Attributes:
        facts: As in ``Result``.
        write: Writes one file; called with the format and the path.
    """

    facts: dict[str, Any]
    write: Callable[[str, Path], None]


class Work(Protocol):
    """What a command does with photos. ``examine`` and ``predict`` are called on one thread."""

    def make_ahead(self, photo: Photo) -> None:
        """Makes what ``predict`` needs of a photo. It may be called on any thread, or never."""

    def batch_key(self, photo: Photo) -> Hashable:
        """Photos of equal keys can be predicted in one batch."""

    def batch_size(self, photo: Photo) -> int:
        """How many photos of this key make a batch."""

    def examine(self, job: Job) -> Any:
        """Finds out what is needed before the depth, which may refuse the photo cheaply.

        Returns:
            The context that ``build`` is given.

        Raises:
            InputError: the photo cannot be used.
        """

    def predict(self, photos: Sequence[Photo]) -> Sequence[Any]:
        """The depth of photos of one key."""

    def build(self, job: Job, context: Any, depth: Any, wanted: Sequence[str]) -> Writable:
        """The results in the formats wanted. It may be called on any thread.

        Raises:
            InputError: there is none.
        """


def with_new_notes(result: Result, notes: Sequence[str], shown: set[str]) -> Result:
    """The result with those notes that are not in ``shown`` yet; they are added to it."""
    new = [line for line in notes if line not in shown]
    shown.update(new)
    return replace(result, notes=new)
