"""``predict_many``: every photo in its turn, in bounded memory, and no thread is left."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from abacus import Abacus, abacus
from PIL import Image

import ppdcli
from ppdcli import many
from ppdcli.depth import DepthMap
from ppdcli.errors import InputError, PpdError, UsageError
from ppdcli.photo import Photo
from ppdcli.pipeline import THREAD_NAME, Limits

LIMIT = 120.0  # seconds


def frame(level: int, height: int = 48, width: int = 64) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def threads() -> int:
    return sum(thread.name.startswith(THREAD_NAME) for thread in threading.enumerate())


def ended() -> bool:
    end = time.monotonic() + LIMIT
    while threads() and time.monotonic() < end:
        time.sleep(0.01)
    return not threads()


def test_each_photo_has_its_depth_in_order(tmp_path: Path) -> None:
    predictor = abacus()
    photos: list[Any] = []
    for level in range(40):
        pixels = frame(level, *((48, 64), (64, 48), (90, 40))[level % 3])
        if level % 4 == 0:
            path = tmp_path / f"{level}.png"
            Image.fromarray(pixels).save(path)
            photos.append(path)
        else:
            photos.append(pixels if level % 4 < 3 else Photo(pixels, f"{level}"))
    results = list(predictor.predict_many(photos, seed=3, steps=2))
    assert len(results) == 40
    for depth, photo in zip(results, photos, strict=True):
        alone = predictor.predict(photo, seed=3, steps=2)
        np.testing.assert_array_equal(depth.values, alone.values)
        assert depth.provenance == alone.provenance and depth.photo is not None
    assert ended()


def test_photos_of_one_size_go_together(monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = abacus()
    assert isinstance(predictor.backend, Abacus)
    taken = threading.Semaphore(0)

    def several() -> Iterator[np.ndarray]:
        for level in range(9):
            yield frame(level)
        taken.release()

    size_of = predictor.size_of

    def once_all_are_read(photo: Photo, area: int | None = None) -> tuple[int, int]:
        assert taken.acquire(timeout=LIMIT)
        taken.release()
        return size_of(photo, area)

    monkeypatch.setattr(predictor, "size_of", once_all_are_read)
    assert len(list(predictor.predict_many(several()))) == 9
    assert max(predictor.backend.batches) == 4


def test_what_finish_makes_is_yielded() -> None:
    names = abacus().predict_many([frame(0), frame(1)], lambda depth: threading.current_thread())
    assert all(thread.name.startswith(THREAD_NAME) for thread in names)

    def fail(depth: DepthMap) -> None:
        raise RuntimeError("of the user")

    with pytest.raises(RuntimeError, match="of the user"):
        list(abacus().predict_many([frame(0)], fail))
    assert ended()


def test_a_bad_photo_is_raised_in_its_turn() -> None:
    results = abacus().predict_many([frame(0), "missing.jpg", frame(2)])
    assert next(results).values.max() == 0
    with pytest.raises(InputError, match=r"^missing\.jpg: no such file"):
        next(results)
    assert list(results) == []
    assert ended()


def test_a_bad_photo_can_be_yielded_in_its_place() -> None:
    clear = np.zeros((48, 64, 4), np.uint8)
    photos: list[Any] = [frame(0), "missing.jpg", frame(51), frame(9) > 4, clear, b"", frame(255)]
    results = list(abacus().predict_many(photos, on_error="yield"))
    errors = {k: str(r) for k, r in enumerate(results) if isinstance(r, PpdError)}
    assert list(errors) == [1, 3, 4, 5]
    assert errors[1].startswith("missing.jpg: no such file")
    assert errors[3].startswith("photos[3]: bool pixels")
    assert errors[4].startswith("photos[4]: every pixel is transparent")
    assert errors[5].startswith("photos[5]: is empty")
    assert isinstance(results[2], DepthMap) and results[2].values[0, 0] == pytest.approx(0.2)
    assert isinstance(results[6], DepthMap) and results[6].values[0, 0] == 1


def test_metres_and_what_does_not_fit_them() -> None:
    predictor = abacus(metric=True)
    ramp = np.repeat(np.linspace(20, 250, 64).astype(np.uint8)[None], 48, 0)
    results = list(predictor.predict_many([ramp, frame(9), ramp], metric=True, on_error="yield"))
    expected = predictor.predict(ramp, metric=True)
    for k in (0, 2):
        depth = results[k]
        assert isinstance(depth, DepthMap) and depth.unit == "m" and depth.camera is not None
        np.testing.assert_array_equal(depth.values, expected.values)
    assert isinstance(results[1], InputError)
    assert str(results[1]).startswith("photos[1]: MoGe-2's metres cannot be taken over")


def test_a_generator_is_asked_when_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    budget = 3 * 24 * 48 * 64  # three frames
    monkeypatch.setattr(many, "limits_here", lambda: Limits(budget, 2, 2))
    taken = []

    def frames() -> Iterator[Any]:
        buffer, tensor = frame(0), torch.tensor(frame(0))
        for level in range(200):
            buffer[:], tensor[:] = level, level  # as a video's decoder reads into one array
            taken.append(level)
            yield tensor if level % 3 else buffer

    for level, depth in enumerate(abacus().predict_many(frames())):
        assert depth.values[0, 0] == pytest.approx(level / 255)
        # Three in the pipeline, one in each reader's hands, and finished ones that wait for an
        # earlier one: a few, as long as a thread is not kept waiting for many turns.
        assert len(taken) <= level + 60
    assert len(taken) == 200


def test_an_endless_generator_can_be_left_early() -> None:
    def frames() -> Iterator[np.ndarray]:
        while True:
            yield frame(5)

    results = abacus().predict_many(frames())
    assert next(results).values.max() == pytest.approx(5 / 255)
    assert threads()
    results.close()
    assert ended()


def test_an_error_of_the_users_generator_is_raised() -> None:
    def frames() -> Iterator[np.ndarray]:
        yield frame(5)
        raise OSError("the camera is gone")

    with pytest.raises(OSError, match="the camera is gone"):
        list(abacus().predict_many(frames()))
    assert ended()


def test_mistakes_are_raised_at_once() -> None:
    for options, said in (
        ({"steps": 0}, "steps 0"),
        ({"seed": -1}, "seed -1"),
        ({"metric": True}, "load the model with metric=True"),
        ({"on_error": "skip"}, "on_error 'skip': give raise or yield"),
    ):
        with pytest.raises(UsageError, match=said):
            abacus().predict_many([frame(0)], **options)  # type: ignore[call-overload]
    assert list(abacus().predict_many([])) == []


def test_too_little_memory_ends_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = abacus()

    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(predictor.backend, "encode", fail)
    with pytest.raises(PpdError, match="out of memory on abacus"):
        list(predictor.predict_many([frame(0)], on_error="yield"))
    assert ended()


def test_what_to_know_about_a_photo_is_a_warning() -> None:
    with pytest.warns(ppdcli.PpdWarning, match=r"photos\[1\]: is dark"):
        list(abacus().predict_many([frame(0), frame(200).astype(np.uint16)]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        list(abacus().predict_many([frame(0)]))


def test_a_photo_that_was_read_ahead_may_change_after_a_run() -> None:
    predictor, read = abacus(), threading.Event()
    photos = [Photo(frame(level, 96, 128), f"{level}") for level in range(40)]

    def each() -> Iterator[Photo]:
        yield from photos
        read.set()

    results = predictor.predict_many(each())
    next(results)
    assert read.wait(LIMIT)
    results.close()
    for photo in photos:
        photo.rgb[...] = 255
        assert predictor.predict(photo).values.max() == 1
    assert ended()
