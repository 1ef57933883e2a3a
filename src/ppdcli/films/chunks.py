"""The parts of a film whose depth is computed, kept on disk until the film is finished."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ppdcli.errors import OutputError
from ppdcli.files.atomic import atomic_path, make_folder, not_written, remove_leftovers
from ppdcli.files.foreign import parse_json, read_regular
from ppdcli.films.ranges import DepthRange

FRAMES = 16
"""Frames of a chunk: what a kill can cost, and the distance of key frames in previews."""
RAW = "raw"
"""A folder of chunks whose depth is as the network gives it, beside those that are finished."""
CARD = "film.json"
MOST_CARD = 1 << 20  # bytes


@dataclass(frozen=True, eq=False)
class Chunk:
    """Frames in a row, with their depth.

    Attributes:
        first: index of the first frame, from 0.
        times: of the frames, in seconds since the film's beginning.
        depths: (n, H, W) float32, in the network's unit.
        lines: (n, 2) float64, scale and shift of each frame.
        cuts: (n,) bool, a scene begins there.
        state: what the next chunk depends on.
        facts: of the model, for files.
    """

    first: int
    times: tuple[Fraction, ...]
    depths: np.ndarray
    lines: np.ndarray
    cuts: np.ndarray
    state: Mapping[str, np.ndarray]
    facts: Mapping[str, str]

    @property
    def end(self) -> int:
        """Index of the first frame after it."""
        return self.first + len(self.times)

    def range(self) -> DepthRange:
        """The range of its depths."""
        return DepthRange.of(self.depths)


class ChunkFolder:
    """A folder beside the outputs that has the chunks, and what is made of each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self, card: Mapping[str, Any]) -> bool:
        """Makes the folder. What another film or other settings have left in it is removed.

        Args:
            card: what the chunks depend on.

        Returns:
            Whether chunks of the same card may be there.

        Raises:
            OutputError: the folder cannot be made, or one of that name is not ours.
        """
        wanted = json.loads(json.dumps(card))
        found = None
        with suppress(OSError, ValueError):
            found = parse_json(read_regular(self.folder / CARD, MOST_CARD))
        if found == wanted:
            for path in (self.folder, *self._sub_folders()):
                remove_leftovers(path)
            return True
        if not self.folder.is_symlink():
            remove_leftovers(self.folder)  # of a run that was killed before the card had its name
        if self.folder.is_symlink() or (
            self.folder.exists() and found is None and any(self.folder.iterdir())
        ):
            raise OutputError(
                f"{self.folder}: is in the way, and ppd did not make it; move it, or choose "
                "another output folder"
            )
        self.remove()
        try:
            make_folder(self.folder)
        except OSError as error:
            raise not_written(self.folder, error) from error
        with atomic_path(self.folder / CARD) as temporary:
            temporary.write_text(json.dumps(wanted, indent=1), "utf-8")
        return False

    def save(self, number: int, chunk: Chunk) -> None:
        """Keeps a chunk.

        Raises:
            OutputError: it cannot be written.
        """
        fractions = [(time.numerator, time.denominator) for time in chunk.times]
        arrays = {
            "first": np.int64(chunk.first),
            "times": np.array(fractions, np.int64).reshape(-1, 2),
            "depths": chunk.depths,
            "lines": chunk.lines,
            "cuts": chunk.cuts,
            "facts": np.array(json.dumps(dict(chunk.facts))),
            **{f"state.{name}": value for name, value in chunk.state.items()},
        }
        with atomic_path(self.file(number)) as temporary, temporary.open("wb") as stream:
            np.savez(stream, **arrays)  # type: ignore[arg-type]

    def load(self, number: int) -> Chunk | None:
        """A chunk; None if it is not there or damaged."""
        try:
            # NumPy leaves a file open that it cannot make sense of.
            with (
                self.file(number).open("rb") as stream,
                np.load(stream, allow_pickle=False) as arrays,
            ):
                found = {name: arrays[name] for name in arrays.files}
            return Chunk(
                int(found["first"]),
                tuple(Fraction(int(a), int(b)) for a, b in found["times"]),
                found["depths"],
                found["lines"],
                found["cuts"],
                {
                    name.removeprefix("state."): value
                    for name, value in found.items()
                    if name.startswith("state.")
                },
                json.loads(str(found["facts"])),
            )
        except Exception:  # zipfile and NumPy raise many kinds on damaged files
            return None

    def discard(self, number: int) -> None:
        """Removes a chunk; one that cannot be removed goes with the folder."""
        with suppress(OSError):
            self.file(number).unlink()

    def complete(self) -> Iterator[Chunk]:
        """The chunks from the first one on, up to the first that is missing."""
        number, end = 0, 0
        while (chunk := self.load(number)) is not None and chunk.first == end:
            yield chunk
            number, end = number + 1, chunk.end

    def part(self, kind: str, number: int, suffix: str) -> Path:
        """Where what is made of a chunk goes; its folder is made when it is written."""
        return self.folder / kind / f"{number:06d}{suffix}"

    def remove(self) -> None:
        """Removes the folder, if it is ours.

        Raises:
            OutputError: the system refuses.
        """
        if not self.folder.is_dir():
            return
        try:
            if not self.folder.is_symlink():
                self._empty()
            shutil.rmtree(self.folder)
        except OSError as error:
            raise not_written(self.folder, error) from error

    def _empty(self) -> None:
        """Removes all but the card: chunks, then the marks that they are made, then what is made.

        A kill then leaves a folder that a later run knows as ours, and no mark without a file.
        """
        for path in sorted(self.folder.iterdir()):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name != CARD:
                path.unlink()

    def holds_any(self) -> bool:
        """Whether a chunk is there. Without one, the folder is removed if nothing else is in it."""
        if not self.folder.is_dir():
            return False
        names = {path.name for path in self.folder.iterdir()}
        if names == {CARD}:
            self.remove()
        return any(name.endswith(".npz") for name in names)

    def file(self, number: int) -> Path:
        return self.folder / f"{number:06d}.npz"

    def _sub_folders(self) -> list[Path]:
        return [path for path in self.folder.iterdir() if path.is_dir()]
