"""The best and the worst images are kept, whatever the order in which they come."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from ppdcli.evaluation import gallery
from ppdcli.evaluation.frames import Frame
from ppdcli.evaluation.gallery import Gallery
from ppdcli.evaluation.rows import ScoreRow
from ppdcli.photo import Photo

ERRORS = {"a": 0.1, "b": 0.5, "c": 0.3, "d": 0.2, "e": 0.4}


def frame(value: float, width: int = 12) -> Frame:
    shape = (8, width)
    depth = np.full(shape, value, np.float32)
    return Frame(Photo(np.full((*shape, 3), 100, np.uint8), "x"), depth, depth > 0)


def fill(folder: Path, order: tuple[str, ...]) -> tuple[Gallery, list[ScoreRow]]:
    shown, rows = Gallery(folder, "tiny"), []
    for name in order:
        rows.append(ScoreRow(name, "tiny", "scored", {"abs_rel": ERRORS[name]}))
        shown.offer(rows[-1], rows, frame(ERRORS[name]), np.full((8, 12), 2 * ERRORS[name]))
    return shown, rows


def test_whatever_the_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "KEPT", 2)
    for k, order in enumerate(permutations(ERRORS)):
        if k % 7:
            continue
        shown, rows = fill(tmp_path / str(k), order)
        found = [(p.why, p.image) for p in shown.pictures(rows)]
        assert found == [("worst", "b"), ("worst", "e"), ("best", "a"), ("best", "d")]
        assert len(list((tmp_path / str(k)).iterdir())) == 4
        for picture in shown.pictures(rows):
            assert (picture.truth == np.float32(ERRORS[picture.image])).all()
            assert (picture.predicted == np.float32(2 * ERRORS[picture.image])).all()


def test_few_images_are_shown_once(tmp_path: Path) -> None:
    shown, rows = fill(tmp_path, ("a", "b"))
    assert [(p.why, p.image) for p in shown.pictures(rows)] == [("worst", "b"), ("worst", "a")]


def test_rows_without_scores_have_no_picture(tmp_path: Path) -> None:
    shown, rows = fill(tmp_path, ("a",))
    rows.append(ScoreRow("z", "tiny", "degenerate", reason="no valid pixel"))
    assert [p.image for p in shown.pictures(rows)] == ["a"]


def test_predictors_do_not_take_each_others_pictures(tmp_path: Path) -> None:
    fill(tmp_path, ("a", "b"))
    other = Gallery(tmp_path, "other")
    row = ScoreRow("a", "other", "scored", {"abs_rel": 0.9})
    other.offer(row, [row], frame(1), np.full((8, 12), 3.0))
    assert [p.predicted[0, 0] for p in other.pictures([row])] == [3]
    assert len(list(tmp_path.iterdir())) == 3


def test_large_photos_are_made_small_but_not_the_depth(tmp_path: Path) -> None:
    shown = Gallery(tmp_path, "tiny")
    row = ScoreRow("a", "tiny", "scored", {"abs_rel": 0.1})
    shown.offer(row, [row], frame(1, width=2000), np.full((8, 2000), 3.0))
    (picture,) = shown.pictures([row])
    assert picture.rgb.shape == (4, 960, 3)
    assert picture.truth.shape == picture.predicted.shape == picture.valid.shape == (8, 2000)


@pytest.mark.parametrize("content", [b"", b"not a picture", b"PK\3\4 neither"])
def test_a_damaged_picture_is_left_out(tmp_path: Path, content: bytes) -> None:
    shown, rows = fill(tmp_path, ("a", "b"))
    next(iter(tmp_path.iterdir())).write_bytes(content)
    assert len(shown.pictures(rows)) == 1
