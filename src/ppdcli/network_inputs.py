"""What a network is given: a photo's pictures, made ahead where that saves time, and the noise."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple
from weakref import WeakKeyDictionary

import cv2

from ppdcli.backends.protocol import Array, Backend
from ppdcli.geometry.resize import resize_rgb, to_planes
from ppdcli.photo import Photo


class Pictures(NamedTuple):
    """A photo as the networks see it.

    Attributes:
        image: (1, 3, H, W) RGB in [0, 1], for the network.
        view: The same at the encoder's size; ``image`` itself if the sizes are the same.
    """

    image: Array
    view: Array


class NetworkInputs:
    """Makes what a backend is given. Every method may be called on any thread."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._ahead: WeakKeyDictionary[Photo, Pictures] = WeakKeyDictionary()
        self._noise: tuple[tuple[int, int, int], Array] | None = None

    def make_ahead(self, photo: Photo, height: int, width: int) -> None:
        """Makes the pictures of a photo that ``pictures`` is asked for later.

        To reduce a large photo takes as long as half of a prediction on a card, which a reading
        thread can do while the card is busy. A photo that is enlarged is left: its pictures would
        take more memory than the photo, and little time.
        """
        if height * width < photo.rgb.shape[0] * photo.rgb.shape[1]:
            # Whoever predicts says what to do where memory is short.
            with suppress(MemoryError, cv2.error):
                self._ahead[photo] = self._make(photo, height, width)

    def pictures(self, photo: Photo, height: int, width: int) -> Pictures:
        """The pictures of a photo, once those that were made ahead."""
        ahead = self._ahead.pop(photo, None)
        if ahead is not None and ahead.image.shape[-2:] == (height, width):
            return ahead
        return self._make(photo, height, width)

    def noise(self, height: int, width: int, seed: int) -> Array:
        """``Backend.noise``. The latest is kept, for the photos of a folder share it."""
        key, kept = (height, width, seed), self._noise
        if kept is None or kept[0] != key:
            kept = self._noise = key, self._backend.noise(height, width, seed)
        return kept[1]

    def _make(self, photo: Photo, height: int, width: int) -> Pictures:
        image = to_planes(resize_rgb(photo.rgb, height, width))
        larger = self._backend.encoder_size(height, width)
        if larger == (height, width):
            return Pictures(image, image)
        return Pictures(image, to_planes(resize_rgb(photo.rgb, *larger)))
