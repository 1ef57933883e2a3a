"""Finished rows of a benchmark, one an image and predictor, kept on disk so that a run resumes."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from ppdcli.errors import OutputError, UsageError, shown
from ppdcli.files.atomic import make_folder
from ppdcli.files.foreign import open_regular, parse_json, record_lines

FILE = "rows.jsonl"
START = b'{"settings":'  # of the first line, which a kill may have cut
MOST_NONSENSE = 1000  # lines, after which a file is taken for none of ours
Status = Literal["scored", "degenerate", "unreadable"]


@dataclass(frozen=True)
class ScoreRow:
    """What became of one image under one predictor.

    Attributes:
        status: degenerate if the image or its prediction cannot be scored, unreadable if a file of
            it cannot be read.
        scores: by name, NaN where the image has nothing to measure; None if it was not scored.
        reason: why it was not.
        note: what was out of the ordinary though it was.
        sums, counts: error by distance to the nearest edge; empty without edges.
        stamp: of the files that were scored; empty where there is none.
        digest: of the frame (``Frame.digest``).
    """

    image: str
    predictor: str
    status: Status
    scores: dict[str, float] | None = None
    reason: str | None = None
    note: str | None = None
    sums: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    stamp: str = ""
    digest: str = ""


class Rows:
    """The rows of a folder: a line of JSON each, after a first one with the settings.

    Raises:
        UsageError: the folder holds rows that were made with other settings, or something else.
        OutputError: it cannot be read or made.
    """

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.path = folder / FILE
        self.rows: dict[tuple[str, str], ScoreRow] = {}
        self.identities: dict[str, dict[str, str]] = {}
        self.nonsense = 0  # lines that make no sense
        try:
            make_folder(folder)
            fresh, torn = self._read(settings) if os.path.lexists(self.path) else (True, 0)
        except OSError as error:
            raise self._refused(error) from error
        if fresh:
            self._write("wb", {"settings": settings})
        elif torn:  # a row that was being written when the last run ended
            self._cut(torn)

    def _read(self, settings: dict[str, str]) -> tuple[bool, int]:
        """Takes in the file; whether it is to be begun anew, and the bytes of a torn last line."""
        known, first = 0, True
        with open_regular(self.path, follow=False) as stream:
            for line, length in record_lines(stream):
                if first and not length and START.startswith((line or b"")[: len(START)]):
                    return True, 0
                if first:
                    self._compare(settings, self._settings(line))
                elif length and not self._take(line):
                    self.nonsense += 1
                    if self.nonsense > MOST_NONSENSE:
                        raise self._not_ours()
                first = False
                known += length
            size = os.fstat(stream.fileno()).st_size
        return not size, size - known

    def complaints(self) -> list[str]:
        """A line for the user, if lines make no sense."""
        if not self.nonsense:
            return []
        return [
            f"{self.path}: {self.nonsense} lines make no sense and are passed over; what only they "
            "know is scored again"
        ]

    def claim(self, predictor: str, identity: dict[str, str]) -> None:
        """Says what a predictor's rows depend on, before any is added.

        Raises:
            UsageError: its rows here were made by another.
        """
        known = self.identities.get(predictor)
        if known is None:
            self.identities[predictor] = identity
            self._write("ab", {"predictor": predictor, "identity": identity})
        else:
            self._compare(identity, known, f"{predictor} was scored here")

    def has(self, image: str, predictor: str, stamp: str = "") -> bool:
        """Whether it is finished: what could not be read, or has changed since, is not."""
        row = self.rows.get((image, predictor))
        return row is not None and row.status != "unreadable" and row.stamp == stamp

    def add(self, row: ScoreRow) -> None:
        """Keeps a row, in place of an earlier one; it is on disk when this returns.

        Raises:
            OutputError: the disk does not take it.
        """
        if self.rows.get((row.image, row.predictor)) != row:
            self._write("ab", _plain(row))
            self.rows[row.image, row.predictor] = row

    def of(self, predictor: str, images: Iterable[str]) -> Iterator[ScoreRow]:
        """The rows of a predictor for these images, in their order."""
        found = (self.rows.get((image, predictor)) for image in images)
        return (row for row in found if row is not None)

    @property
    def predictors(self) -> list[str]:
        """All that were ever scored here, the first one first."""
        return list(self.identities)

    def _settings(self, line: bytes | None) -> dict[str, str]:
        try:
            return _texts(parse_json(line or b"")["settings"])
        except (ValueError, KeyError, TypeError, AttributeError):
            raise self._not_ours() from None

    def _not_ours(self) -> UsageError:
        return UsageError(
            f"{self.path}: is no file of ours; choose another --output, or --overwrite it"
        )

    def _take(self, line: bytes | None) -> bool:
        """Takes in a line; whether it makes sense."""
        try:
            raw = parse_json(line or b"")
            if "identity" in raw:
                self.identities[_text(raw["predictor"])] = _texts(raw["identity"])
            else:
                row = _row(raw)
                self.rows[row.image, row.predictor] = row
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            return False
        return True

    def _compare(
        self, wanted: dict[str, str], found: dict[str, str], who: str = "its rows were made"
    ) -> None:
        for key in sorted({*wanted, *found}):
            if wanted.get(key) != found.get(key):
                raise UsageError(
                    f"{self.path}: {who} with {shown(key)} {shown(found.get(key, '-'))}, now "
                    f"{shown(wanted.get(key, '-'))}; choose another --output, or --overwrite it"
                )

    def _write(self, mode: str, line: dict[str, Any]) -> None:
        try:
            with self.path.open(mode) as file:
                file.write(json.dumps(line).encode("ascii") + b"\n")
        except OSError as error:
            raise self._refused(error) from error

    def _cut(self, count: int) -> None:
        try:
            with self.path.open("rb+") as file:
                file.truncate(self.path.stat().st_size - count)
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> OutputError:
        return OutputError(
            f"{self.path}: cannot be written ({error.strerror}); make room or choose another "
            "--output"
        )


def _plain(row: ScoreRow) -> dict[str, Any]:
    """Without NaN, which JSON does not have."""
    raw = asdict(row)
    if not row.digest:
        del raw["digest"]
    if row.scores is not None:
        raw["scores"] = {k: v if math.isfinite(v) else None for k, v in row.scores.items()}
    return raw


def _row(raw: dict[str, Any]) -> ScoreRow:
    """The row that a line states.

    Raises:
        ValueError, KeyError, TypeError, AttributeError, OverflowError: it is none.
    """
    scores = raw["scores"]
    if scores is not None:
        scores = {k: math.nan if v is None else float(v) for k, v in scores.items()}
    texts = [raw[key] for key in ("image", "predictor", "stamp")]
    texts.append(raw.get("digest", ""))
    texts += [raw[key] for key in ("reason", "note") if raw[key] is not None]
    if raw["status"] not in get_args(Status) or (raw["status"] == "scored") != bool(scores):
        raise ValueError
    sums, counts = tuple(map(float, raw["sums"])), tuple(map(int, raw["counts"]))
    if len(sums) != len(counts):
        raise ValueError
    for text in texts:
        _text(text)
    return ScoreRow(**{**raw, "scores": scores, "sums": sums, "counts": counts})


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _texts(table: dict[str, Any]) -> dict[str, str]:
    return {_text(key): _text(value) for key, value in table.items()}
