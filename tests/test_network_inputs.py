"""The pictures of a photo that are made ahead, and the noise that photos share."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import cv2
import numpy as np
import pytest

from ppdcli import network_inputs
from ppdcli.geometry.resize import resize_rgb, to_planes
from ppdcli.network_inputs import NetworkInputs
from ppdcli.photo import Photo
from ppdcli.pipeline import Finished, Stages, run_stages


class Backend:
    """Wants a photo at so many times the network's size for the encoder."""

    def __init__(self, factor: int = 2) -> None:
        self.factor, self.drawn = factor, 0

    def encoder_size(self, height: int, width: int) -> tuple[int, int]:
        return self.factor * height, self.factor * width

    def noise(self, height: int, width: int, seed: int) -> np.ndarray:
        self.drawn += 1
        return np.full((1, 1, height, width), seed, np.float32)


def inputs(backend: Backend) -> NetworkInputs:
    anything: Any = backend  # it runs nothing
    return NetworkInputs(anything)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The threads that resized a photo."""
    threads: list[str] = []

    def resize(rgb: np.ndarray, height: int, width: int) -> np.ndarray:
        threads.append(threading.current_thread().name)
        return resize_rgb(rgb, height, width)

    monkeypatch.setattr(network_inputs, "resize_rgb", resize)
    return threads


def noisy(height: int = 60, width: int = 80) -> Photo:
    pixels = np.random.default_rng(height).integers(0, 256, (height, width, 3)).astype(np.uint8)
    return Photo(pixels, "noise")


@pytest.mark.parametrize("ahead", [False, True])
@pytest.mark.parametrize("size", [(32, 48), (96, 128)])
def test_pictures_are_the_same(made: list[str], ahead: bool, size: tuple[int, int]) -> None:
    photo, of = noisy(), inputs(Backend())
    if ahead:
        of.make_ahead(photo, *size)
        assert len(made) == (2 if size == (32, 48) else 0), "only what gets smaller"
    image, view = of.pictures(photo, *size)
    assert len(made) == 2
    assert np.array_equal(image, to_planes(resize_rgb(photo.rgb, *size)))
    assert np.array_equal(view, to_planes(resize_rgb(photo.rgb, 2 * size[0], 2 * size[1])))


def test_one_picture_serves_where_the_sizes_are_the_same(made: list[str]) -> None:
    image, view = inputs(Backend(factor=1)).pictures(noisy(), 32, 48)
    assert view is image and len(made) == 1


def test_pictures_of_another_size_are_not_taken(made: list[str]) -> None:
    photo, of = noisy(), inputs(Backend())
    of.make_ahead(photo, 32, 48)
    assert of.pictures(photo, 16, 32).image.shape == (1, 3, 16, 32)
    assert len(made) == 4


def test_pictures_live_no_longer_than_their_photo() -> None:
    photo, of = noisy(), inputs(Backend())
    of.make_ahead(photo, 32, 48)
    alive = weakref.ref(photo.rgb)
    del photo
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize("error", [MemoryError(), cv2.error("Insufficient memory")])
def test_short_memory_is_told_by_who_predicts(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> np.ndarray:
        raise error

    photo, of = noisy(), inputs(Backend())
    monkeypatch.setattr(network_inputs, "resize_rgb", fail)
    of.make_ahead(photo, 32, 48)
    with pytest.raises(type(error)):
        of.pictures(photo, 32, 48)


def test_the_noise_of_a_folder_is_drawn_once() -> None:
    backend = Backend()
    of = inputs(backend)
    drawn = [of.noise(32, 48, seed) for seed in (1, 1, 2, 2)]
    assert [int(noise[0, 0, 0, 0]) for noise in drawn] == [1, 1, 2, 2]
    assert backend.drawn == 2


def test_readers_make_the_pictures_of_a_pipeline(made: list[str]) -> None:
    of = inputs(Backend())

    def read(number: int) -> Photo | Finished[int]:
        photo = noisy(60 + number)
        of.make_ahead(photo, 32, 48)
        return photo

    def compute(group: list[tuple[int, Photo]]) -> list[tuple[int, ...]]:
        return [of.pictures(photo, 32, 48).image.shape for _, photo in group]

    stages: Stages[int, Photo, tuple[int, ...], int] = Stages(
        read,
        weight=lambda photo: photo.rgb.size,
        key=lambda photo: 0,
        most=lambda photo: 1,
        compute=compute,
        finish=lambda number, photo, shape: number,
    )
    assert list(run_stages(range(5), stages, 1 << 20, 2, 2)) == list(range(5))
    assert len(made) == 10 and threading.current_thread().name not in made
