"""Finished rows of a benchmark, one per image and predictor, stored on disk for a resume."""

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
from ppdcli.wording import counted

FILE = "rows.jsonl"
START = b'{"settings":'  # of the first line, which a kill can leave incomplete
MOST_DAMAGED_LINES = 1000  # a file with more damaged lines is not one of ours
Status = Literal["scored", "degenerate", "unreadable"]


@dataclass(frozen=True)
class ScoreRow:
    """The result of one image for one predictor.

    Attributes:
        status: "degenerate" if the image or its prediction cannot be scored, "unreadable" if a
            file cannot be read.
        scores: Scores by name, NaN if the image has nothing to measure; None if it was not scored.
        reason: Why it was not scored.
        note: A remark on a scored image with an irregular fit.
        sums, counts: Error by distance to the nearest edge; empty without edges.
        stamp: Stamp of the files that were scored; empty if there is none.
        digest: Digest of the frame (``Frame.digest``).
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
    """The rows of a folder: a first line with the settings, then one line of JSON per row.

    Raises:
        UsageError: The folder holds rows that were made with other settings, or another file.
        OutputError: It cannot be read or created.
    """

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.path = folder / FILE
        self.rows: dict[tuple[str, str], ScoreRow] = {}
        self.identities: dict[str, dict[str, str]] = {}
        self.damaged_lines = 0
        try:
            make_folder(folder)
            fresh, torn = self._read(settings) if os.path.lexists(self.path) else (True, 0)
        except OSError as error:
            raise self._file_error(error) from error
        if fresh:
            self._write("wb", {"settings": settings})
        elif torn:  # a row that was incomplete when the last run ended
            self._truncate(torn)

    def _read(self, settings: dict[str, str]) -> tuple[bool, int]:
        """Reads the file. Returns whether to start it anew, and the size of a torn last line."""
        known, first = 0, True
        with open_regular(self.path, follow=False) as stream:
            for line, length in record_lines(stream):
                if first and not length and START.startswith((line or b"")[: len(START)]):
                    return True, 0
                if first:
                    self._compare(settings, self._settings(line))
                elif length and not self._read_line(line):
                    self.damaged_lines += 1
                    if self.damaged_lines > MOST_DAMAGED_LINES:
                        raise self._foreign_file_error()
                first = False
                known += length
            size = os.fstat(stream.fileno()).st_size
        return not size, size - known

    def complaints(self) -> list[str]:
        """Returns a line for the user if there are damaged lines."""
        if not self.damaged_lines:
            return []
        return [
            f"{self.path}: skipped {counted(self.damaged_lines, 'damaged line')}; images "
            "recorded only there are scored again"
        ]

    def claim(self, predictor: str, identity: dict[str, str]) -> None:
        """Records what a predictor's rows depend on, before any row is added.

        Raises:
            UsageError: Its rows here were made by another predictor of this name.
        """
        known = self.identities.get(predictor)
        if known is None:
            self.identities[predictor] = identity
            self._write("ab", {"predictor": predictor, "identity": identity})
        else:
            self._compare(identity, known, f"{predictor} was scored here")

    def has(self, image: str, predictor: str, stamp: str = "") -> bool:
        """Returns whether a row is finished, was readable, and its files have not changed since."""
        row = self.rows.get((image, predictor))
        return row is not None and row.status != "unreadable" and row.stamp == stamp

    def add(self, row: ScoreRow) -> None:
        """Adds a row or replaces an earlier one. It is on disk when this returns.

        Raises:
            OutputError: The row cannot be written.
        """
        if self.rows.get((row.image, row.predictor)) != row:
            self._write("ab", _as_json(row))
            self.rows[row.image, row.predictor] = row

    def of(self, predictor: str, images: Iterable[str]) -> Iterator[ScoreRow]:
        """Returns the rows of a predictor for these images, in their order."""
        found = (self.rows.get((image, predictor)) for image in images)
        return (row for row in found if row is not None)

    @property
    def predictors(self) -> list[str]:
        """All predictors that were ever scored here, in order of their first row."""
        return list(self.identities)

    def _settings(self, line: bytes | None) -> dict[str, str]:
        try:
            return _texts(parse_json(line or b"")["settings"])
        except (ValueError, KeyError, TypeError, AttributeError):
            raise self._foreign_file_error() from None

    def _foreign_file_error(self) -> UsageError:
        return UsageError(
            f"{self.path}: is not a benchmark's file; choose another --output, or --overwrite it"
        )

    def _read_line(self, line: bytes | None) -> bool:
        """Reads a line; returns whether it is valid."""
        try:
            raw = parse_json(line or b"")
            if "identity" in raw:
                self.identities[_text(raw["predictor"])] = _texts(raw["identity"])
            else:
                row = _parse_row(raw)
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
            raise self._file_error(error) from error

    def _truncate(self, count: int) -> None:
        try:
            with self.path.open("rb+") as file:
                file.truncate(self.path.stat().st_size - count)
        except OSError as error:
            raise self._file_error(error) from error

    def _file_error(self, error: OSError) -> OutputError:
        return OutputError(
            f"{self.path}: cannot be written ({error.strerror}); make room or choose another "
            "--output"
        )


def _as_json(row: ScoreRow) -> dict[str, Any]:
    """Returns a row for JSON, without NaN, which JSON does not support."""
    raw = asdict(row)
    if not row.digest:
        del raw["digest"]
    if row.scores is not None:
        raw["scores"] = {k: v if math.isfinite(v) else None for k, v in row.scores.items()}
    return raw


def _parse_row(raw: dict[str, Any]) -> ScoreRow:
    """Parses the row of a line.

    Raises:
        ValueError, KeyError, TypeError, AttributeError, OverflowError: It is not a row.
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
