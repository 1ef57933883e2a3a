"""The pictures of the best and the worst images so far, stored on disk while a benchmark runs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import cv2
import numpy as np

from ppdcli.errors import OutputError
from ppdcli.evaluation.frames import Frame
from ppdcli.evaluation.report.content import Picture, Why
from ppdcli.evaluation.rows import ScoreRow
from ppdcli.files.atomic import atomic_path
from ppdcli.files.npz import read_arrays

KEPT = 4  # number of best images, and of worst ones
WIDEST = 960  # pixels of a photo
RANKED_BY = "abs_rel"
MOST_BYTES = 1 << 30  # limit of a picture's arrays; a depth map of 80 megapixels takes 700 MB
ARRAYS = {
    "rgb": (np.uint8, 3),
    "truth": (np.float32, 2),
    "predicted": (np.float32, 2),
    "valid": (np.bool_, 2),
}
_NAME = re.compile(r"[0-9a-f]{8}-[0-9a-f]{16}\.npz")


def is_own(path: Path) -> bool:
    """Returns whether a file has a name of the kind that only a gallery gives."""
    return _NAME.fullmatch(path.name) is not None


class Gallery:
    """The pictures of one predictor in a folder, one file each."""

    def __init__(self, folder: Path, predictor: str) -> None:
        self.folder, self.predictor = folder, predictor

    def offer(
        self, row: ScoreRow, rows: Sequence[ScoreRow], frame: Frame, depth: np.ndarray
    ) -> None:
        """Stores the picture of an image if it is among the best or the worst so far.

        Args:
            row: Row of the image.
            rows: The predictor's rows so far, including this one.
            frame: Photo and true depth.
            depth: (H, W) metres, as scored.

        Raises:
            OutputError: The picture cannot be written to the folder.
        """
        chosen = {r.image for _, r in _ranked(rows)}
        if row.image not in chosen:
            return
        # Depth keeps its size: the report reduces it without losing sparse pixels.
        arrays = {
            "rgb": _reduced(frame.photo.rgb),
            "truth": frame.depth.astype(np.float32),
            "predicted": depth.astype(np.float32),
            "valid": frame.valid,
        }
        with (
            atomic_path(self._path(row.image), follow=False) as temporary,
            temporary.open("wb") as file,
        ):
            np.savez_compressed(file, allow_pickle=False, **arrays)
        self._remove_others({self._path(image) for image in chosen})

    def pictures(self, rows: Sequence[ScoreRow]) -> list[Picture]:
        """Returns the worst pictures, then the best. Missing ones are left out."""
        return [
            picture for why, row in _ranked(rows) if (picture := self._read(row, why)) is not None
        ]

    def _read(self, row: ScoreRow, why: Why) -> Picture | None:
        try:
            arrays = read_arrays(self._path(row.image), ARRAYS, MOST_BYTES)
        except (OSError, ValueError):
            return None
        shapes = {arrays[name].shape for name in ("truth", "predicted", "valid")}
        if (
            len(shapes) != 1
            or arrays["rgb"].shape[2] != 3
            or not all(a.size for a in arrays.values())
        ):
            return None
        assert row.scores is not None
        return Picture(row.image, self.predictor, **arrays, scores=row.scores, why=why)

    def _path(self, image: str) -> Path:
        digest = hashlib.sha256(f"{self.predictor}\0{image}".encode(errors="surrogateescape"))
        return self.folder / f"{self._prefix}-{digest.hexdigest()[:16]}.npz"

    @property
    def _prefix(self) -> str:
        return hashlib.sha256(self.predictor.encode(errors="surrogateescape")).hexdigest()[:8]

    def _remove_others(self, kept: set[Path]) -> None:
        try:
            for path in set(self.folder.glob(f"{self._prefix}-*.npz")) - kept:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(
                f"{self.folder}: cannot be tidied ({error.strerror}); make it writable"
            ) from error


def _reduced(rgb: np.ndarray) -> np.ndarray:
    scale = min(1.0, WIDEST / max(rgb.shape[:2]))
    height, width = (max(1, round(side * scale)) for side in rgb.shape[:2])
    return cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)


def _ranked(rows: Sequence[ScoreRow]) -> list[tuple[Why, ScoreRow]]:
    """Returns the worst images, the worst of all first, then the best of the rest."""
    scored = [row for row in rows if RANKED_BY in (row.scores or {})]
    scored.sort(key=lambda row: (row.scores or {})[RANKED_BY])
    worst, best = get_args(Why)
    bad = scored[-KEPT:][::-1]
    good = scored[: -len(bad) or None][:KEPT]
    return [(worst, row) for row in bad] + [(best, row) for row in good]
