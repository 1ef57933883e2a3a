"""A model on a device: photos in, depth maps out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

import cv2
import numpy as np

from ppdcli.announce import Announce, silent, warn
from ppdcli.backends.protocol import Array, Backend
from ppdcli.depth import DepthMap
from ppdcli.devices import Precision, stated_deviation
from ppdcli.errors import PpdError, UsageError
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.resize import working_size
from ppdcli.geometry.upsample import Enlarge, upsample_depth
from ppdcli.many import PredictsMany
from ppdcli.metric import Estimate, Estimator, to_metric
from ppdcli.network_inputs import NetworkInputs
from ppdcli.photo import Photo, PhotoSource, each_photo, load_member, load_photo

MAX_SEED = (1 << 64) - 1  # of PyTorch's generators
MAX_STEPS = 1000  # the flow's own time scale


class Predictor(PredictsMany):
    """Predicts depth with one model.

    Attributes:
        backend: runs its networks.
        name: the model's name.
        area: pixels that it works on by default, its training area.
        steps: its default number of sampling steps.
        announce: called with lines for the user.
        estimator: MoGe-2, for metres and the camera; None if it was not loaded.
        enlarge: brings depth to the size of a photo (``DepthMap.full_size``).
    """

    def __init__(
        self,
        backend: Backend,
        name: str,
        area: int,
        steps: int,
        announce: Announce = silent,
        estimator: Estimator | None = None,
        enlarge: Enlarge = upsample_depth,
    ) -> None:
        self.backend = backend
        self.name, self.area, self.steps = name, area, steps
        self.announce = announce
        self.estimator, self.enlarge = estimator, enlarge
        self._inputs = NetworkInputs(backend)

    @property
    def device(self) -> str:
        """Where it computes, such as ``cpu`` or ``cuda``."""
        return self.backend.device

    @property
    def precision(self) -> Precision:
        """fp32, bf16 or fp16."""
        return self.backend.precision

    def size_of(self, photo: PhotoSource, area: int | None = None) -> tuple[int, int]:
        """(height, width) at which the network sees a photo."""
        height, width = load_photo(photo).rgb.shape[:2]
        return working_size(height, width, area or self.area)

    def batch_size(self, photo: PhotoSource, area: int | None = None) -> int:
        """How many photos of this one's working size to predict at a time."""
        return self.backend.most_photos(*self.size_of(photo, area))

    def make_ahead(self, photo: Photo, area: int | None = None) -> None:
        """Prepares the prediction of a photo, on any thread; see ``NetworkInputs.make_ahead``."""
        height, width = photo.rgb.shape[:2]
        self._inputs.make_ahead(photo, *working_size(height, width, area or self.area))

    def predict(
        self,
        photo: PhotoSource,
        *,
        steps: int | None = None,
        seed: int = 0,
        area: int | None = None,
        metric: bool = False,
        keep_sky: bool = False,
        camera: Camera | None = None,
        on_step: Callable[[int], None] | None = None,
    ) -> DepthMap:
        """The depth of one photo, at the network's own size, exactly as the network gives it.

        Args:
            photo: a path, the bytes of a file, a binary stream, a Pillow image, a NumPy array, a
                PyTorch tensor, or a ``Photo``: see ``load_photo``.
            steps: Euler steps, 1 to 1000; the model's default if None.
            seed: of the noise.
            area: pixels to work on; the model's training area if None.
            metric: fit it to MoGe-2's metric depth (``metric.to_metric``), with its camera.
            keep_sky: metric depth also where MoGe-2 sees none.
            camera: of the photo's grid, for MoGe-2, where it is known.
            on_step: called with the number of steps done, after each.

        Returns:
            A relative or metric map, NaN where the photo is transparent; see ``full_size``.

        Warns:
            PpdWarning: what to know about how the photo was read.

        Raises:
            InputError: the photo cannot be read, or fits no metric depth.
            UsageError: what is no photo, steps or seed out of range, or metric without having
                loaded MoGe-2.
            PpdError: out of memory.
        """
        loaded = load_photo(photo)
        if loaded is not photo:
            warn(loaded.notes)
        loaded.require_visible()
        estimate = self.estimate(loaded, camera) if metric else None  # it may refuse: first
        (depth,) = self.predict_batch(
            [loaded], steps=steps, seed=seed, area=area, on_step=on_step, keep_hidden=True
        )
        if estimate is not None:
            depth = to_metric(depth, estimate, keep_sky, seed)
        return depth.visible(loaded.opaque)

    def estimate(self, photo: PhotoSource, camera: Camera | None = None) -> Estimate:
        """MoGe-2's metric depth and camera of a photo: see ``metric.Estimator``.

        Raises:
            UsageError: MoGe-2 was not loaded.
            InputError: the photo's points fit no plausible camera.
            PpdError: out of memory.
        """
        return self.require_estimator().estimate(load_photo(photo), camera)

    def require_estimator(self) -> Estimator:
        """MoGe-2.

        Raises:
            UsageError: it was not loaded.
        """
        if self.estimator is None:
            raise UsageError("metric depth needs MoGe-2: load the model with metric=True")
        return self.estimator

    def predict_batch(
        self,
        photos: Iterable[PhotoSource],
        *,
        steps: int | None = None,
        seed: int = 0,
        area: int | None = None,
        on_step: Callable[[int], None] | None = None,
        keep_hidden: bool = False,
        guess: np.ndarray | None = None,
    ) -> list[DepthMap]:
        """Relative depth of photos that share one working size, computed together.

        A photo's depth is the same to the last bit whatever its neighbours.

        Args:
            photos: each of any kind that ``predict`` takes.
            steps, seed, area, on_step: as for ``predict``.
            keep_hidden: depth also where a photo is transparent.
            guess: (H, W) of a single photo's depth, at the network's size: a warm start, as from
                the frame before in a film. The first half of the steps is then left out.

        Raises:
            InputError: one of them cannot be read.
            UsageError: as ``predict``, a guess of another size or of several photos, or their
                working sizes differ: see ``predict_many``.
            PpdError: out of memory.
        """
        steps = self.checked_steps(steps, seed)
        loaded = [load_member(photo, index) for index, photo in enumerate(each_photo(photos))]
        if not loaded:
            return []
        sizes = {self.size_of(photo, area) for photo in loaded}
        if len(sizes) != 1:
            raise UsageError(
                "photos of one batch must share one working size; predict_many takes any"
            )
        height, width = sizes.pop()
        if guess is not None and (len(loaded) > 1 or guess.shape != (height, width)):
            raise UsageError(f"a guess is of one photo, here ({height}, {width}); leave it out")
        try:
            depths, precisions, timings = self._compute(
                loaded, height, width, steps, seed, on_step, guess
            )
        except (MemoryError, RuntimeError, cv2.error) as error:
            if not self.backend.lacks_memory(error):
                raise
            raise PpdError(
                f"out of memory on {self.device} at {width}x{height}; try {self._smaller(loaded)}"
            ) from error
        provenance = {
            "model": self.name,
            "seed": str(seed),
            "steps": str(steps),
            "size": f"{width}x{height}",
        }
        maps = [
            DepthMap(
                np.ascontiguousarray(depth[0, 0]),
                "relative",
                None,
                provenance | self._precision_facts(precision),
                timings,
                photo=photo,
            )
            for depth, precision, photo in zip(depths, precisions, loaded, strict=True)
        ]
        if keep_hidden:
            return maps
        return [depth.visible(photo.opaque) for depth, photo in zip(maps, loaded, strict=True)]

    def checked_steps(self, steps: int | None, seed: int) -> int:
        """The number of sampling steps.

        Raises:
            UsageError: steps or seed out of range.
        """
        steps = self.steps if steps is None else steps
        if not 1 <= steps <= MAX_STEPS:
            raise UsageError(f"steps {steps}: give a number from 1 to {MAX_STEPS}")
        if not 0 <= seed <= MAX_SEED:
            raise UsageError(f"seed {seed}: give a number from 0 to {MAX_SEED}")
        return steps

    def _precision_facts(self, precision: Precision) -> dict[str, str]:
        """What a file says of its precision: nothing if it is fp32."""
        if precision == "fp32":
            return {}
        deviation = stated_deviation(precision, self.device)
        return {"precision": precision} | ({} if deviation is None else {"deviation": deviation})

    def _compute(
        self,
        photos: Sequence[Photo],
        height: int,
        width: int,
        steps: int,
        seed: int,
        on_step: Callable[[int], None] | None,
        guess: np.ndarray | None,
    ) -> tuple[list[Array], list[Precision], dict[str, float]]:
        """Depths, each (1, 1, H, W), the precision of each, and the seconds that the parts took."""
        backend = self.backend
        pictures = [self._inputs.pictures(photo, height, width) for photo in photos]
        images = [picture.image for picture in pictures]
        views = [picture.view for picture in pictures]
        noise = self._inputs.noise(height, width, seed)
        started = time.perf_counter()
        tokens = backend.encode(images, views)
        encoded = time.perf_counter()
        warm = None if guess is None else guess[None, None].astype(np.float32, copy=False)
        depths = backend.sample(images, tokens, noise, steps, on_step, warm)
        timings = {"encoder": encoded - started, "sampler": time.perf_counter() - encoded}
        precisions = [self.precision] * len(photos)
        beyond = [k for k, depth in enumerate(depths) if not np.isfinite(depth).all()]
        if beyond and self.precision == "fp16":
            # That photo alone: what becomes of the next must not depend on it.
            try:
                widened = backend.widened()
            except PpdError as error:
                raise PpdError(f"{photos[beyond[0]].name}: {error}") from error
            with widened:
                for k in beyond:
                    self.announce(
                        f"{photos[k].name}: {self.name} overflows in fp16; this photo is done in "
                        "fp32"
                    )
                    again = backend.encode(images[k : k + 1], views[k : k + 1])
                    (depths[k],) = backend.sample(images[k : k + 1], again, noise, steps)
                    precisions[k] = self.precision
        for photo, depth in zip(photos, depths, strict=True):
            if not np.isfinite(depth).all():
                raise PpdError(
                    f"{photo.name}: {self.name} gives depth that is not finite; its weights are "
                    "damaged, or were not trained to the end"
                )
        return depths, precisions, timings

    def _smaller(self, photos: Sequence[Photo]) -> str:
        """What takes less memory than what did not fit."""
        ways = ["a smaller size"]
        if len(photos) > 1:
            ways.insert(0, "a batch of fewer photos")
        return " or ".join([*ways, *self.backend.lighter_settings()])
