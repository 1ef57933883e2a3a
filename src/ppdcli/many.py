"""Many photos, one after another: read ahead, computed in batches, finished behind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Hashable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypedDict, TypeVar, Unpack, overload

from ppdcli.announce import warn
from ppdcli.depth import DepthMap
from ppdcli.errors import InputError, PpdError, UsageError
from ppdcli.metric import Estimate, Estimator, to_metric
from ppdcli.photo import Photo, PhotoSource, each_photo, load_member
from ppdcli.pipeline import Finished, Stages, limits_here, run_stages

T = TypeVar("T")

PIXEL_BYTES = 24  # that a photo takes for each pixel, from when it is decoded until it is finished

_ALONE = (InputError, UsageError)  # of one photo, which do not stop the others


class Options(TypedDict, total=False):
    """How depth is sampled, and whether in metres; as for ``Predictor.predict``."""

    steps: int | None
    seed: int
    area: int | None
    metric: bool
    keep_sky: bool


class PredictsMany(ABC):
    """``predict_many`` for a predictor of single batches."""

    @abstractmethod
    def size_of(self, photo: Photo, area: int | None = None) -> tuple[int, int]: ...

    @abstractmethod
    def batch_size(self, photo: Photo, area: int | None = None) -> int: ...

    @abstractmethod
    def make_ahead(self, photo: Photo, area: int | None = None) -> None: ...

    @abstractmethod
    def checked_steps(self, steps: int | None, seed: int) -> int: ...

    @abstractmethod
    def require_estimator(self) -> Estimator: ...

    @abstractmethod
    def predict_batch(
        self,
        photos: Iterable[PhotoSource],
        *,
        steps: int | None = None,
        seed: int = 0,
        area: int | None = None,
        on_step: Callable[[int], None] | None = None,
        keep_hidden: bool = False,
    ) -> list[DepthMap]: ...

    @overload
    def predict_many(
        self,
        photos: Iterable[PhotoSource],
        finish: None = None,
        *,
        on_error: Literal["raise"] = "raise",
        **options: Unpack[Options],
    ) -> Generator[DepthMap, None, None]: ...
    @overload
    def predict_many(
        self,
        photos: Iterable[PhotoSource],
        finish: None = None,
        *,
        on_error: Literal["yield"],
        **options: Unpack[Options],
    ) -> Generator[DepthMap | PpdError, None, None]: ...
    @overload
    def predict_many(
        self,
        photos: Iterable[PhotoSource],
        finish: Callable[[DepthMap], T],
        *,
        on_error: Literal["raise"] = "raise",
        **options: Unpack[Options],
    ) -> Generator[T, None, None]: ...
    @overload
    def predict_many(
        self,
        photos: Iterable[PhotoSource],
        finish: Callable[[DepthMap], T],
        *,
        on_error: Literal["yield"],
        **options: Unpack[Options],
    ) -> Generator[T | PpdError, None, None]: ...
    def predict_many(
        self,
        photos: Iterable[PhotoSource],
        finish: Callable[[DepthMap], Any] | None = None,
        *,
        on_error: Literal["raise", "yield"] = "raise",
        steps: int | None = None,
        seed: int = 0,
        area: int | None = None,
        metric: bool = False,
        keep_sky: bool = False,
    ) -> Generator[Any, None, None]:
        """The depth of many photos of any sizes, one result for each, in their order.

        Other threads read the next photos and finish the last ones while the network computes, as
        ``ppd predict`` does with a folder; photos of one size are computed together. The memory
        is bounded whatever the number of photos, which may come from a generator: it is asked for
        the next photo, on another thread, when there is room for one. To close this generator
        early ends its threads.

        Args:
            photos: each of any kind that ``predict`` takes.
            finish: what to make of each depth map, on another thread, such as to save it; the map
                itself if None. Its exceptions end everything.
            on_error: what becomes of a photo that cannot be used. "raise" raises its error when it
                is its turn, which ends everything; "yield" yields the error in its place.
            steps, seed, area, metric, keep_sky: as for ``predict``.

        Yields:
            What ``finish`` returns, or the error.

        Raises:
            UsageError: as ``predict``, or ``photos`` is no collection.
            InputError: a photo cannot be used, and ``on_error`` is "raise".
            PpdError: out of memory.
        """
        if on_error not in ("raise", "yield"):
            raise UsageError(f"on_error {on_error!r}: give raise or yield")
        self.checked_steps(steps, seed)
        if metric:
            self.require_estimator()
        stages = _Stages(self, _Settings(steps, seed, area, metric, keep_sky), finish or _as_it_is)
        return _results(each_photo(photos), stages, on_error == "raise")


@dataclass(frozen=True)
class _Settings:
    """What ``Options`` say, all of it."""

    steps: int | None
    seed: int
    area: int | None
    metric: bool
    keep_sky: bool


@dataclass(frozen=True)
class _Failure:
    """Stands for the result of a photo that cannot be used."""

    error: PpdError


def _results(
    photos: Iterable[PhotoSource], stages: _Stages[Any], raises: bool
) -> Generator[Any, None, None]:
    with closing(run_stages(enumerate(photos), stages.all(), *limits_here())) as results:
        for result in results:
            if not isinstance(result, _Failure):
                yield result
            elif raises:
                raise result.error
            else:
                yield result.error


def _as_it_is(depth: DepthMap) -> DepthMap:
    return depth


@dataclass(frozen=True)
class _Read:
    """A photo, and whether it has notes that nobody has been told."""

    photo: Photo
    is_new: bool


@dataclass(frozen=True)
class _Stages(Generic[T]):
    predictor: PredictsMany
    settings: _Settings
    finish: Callable[[DepthMap], T]

    def all(self) -> Stages[tuple[int, PhotoSource], _Read, Any, T | _Failure]:
        area = self.settings.area
        return Stages(
            self._read,
            weight=lambda read: read.photo.rgb[..., 0].size * PIXEL_BYTES,
            key=lambda read: self._size(read.photo),
            most=lambda read: self.predictor.batch_size(read.photo, area),
            compute=self._compute,
            finish=self._finish,
        )

    def _size(self, photo: Photo) -> Hashable:
        return self.predictor.size_of(photo, self.settings.area)

    def _read(self, item: tuple[int, PhotoSource]) -> _Read | Finished[T | _Failure]:
        index, source = item
        try:
            photo = load_member(source, index)
            photo.require_visible()
        except _ALONE as error:
            return Finished(_Failure(error))
        if photo is not source:  # else the program may change its pixels meanwhile
            self.predictor.make_ahead(photo, self.settings.area)
        return _Read(photo, photo is not source)

    def _compute(
        self, group: list[tuple[tuple[int, PhotoSource], _Read]]
    ) -> Sequence[tuple[DepthMap, Estimate | None] | Finished[T | _Failure]]:
        refused: dict[int, Finished[T | _Failure]] = {}
        estimates: list[Estimate | None] = []
        accepted: list[Photo] = []
        for place, (_, read) in enumerate(group):
            if read.is_new:
                warn(read.photo.notes)
            try:
                estimate = self._estimate(read.photo)
            except InputError as error:
                refused[place] = Finished(_Failure(_named(error, read.photo)))
            else:
                estimates.append(estimate)
                accepted.append(read.photo)
        depths = self.predictor.predict_batch(
            accepted,
            steps=self.settings.steps,
            seed=self.settings.seed,
            area=self.settings.area,
            keep_hidden=True,
        )
        computed = iter(zip(depths, estimates, strict=True))
        return [refused.get(place) or next(computed) for place in range(len(group))]

    def _estimate(self, photo: Photo) -> Estimate | None:
        if not self.settings.metric:
            return None
        return self.predictor.require_estimator().estimate(photo)

    def _finish(
        self,
        _item: tuple[int, PhotoSource],
        read: _Read,
        computed: tuple[DepthMap, Estimate | None],
    ) -> T | _Failure:
        depth, estimate = computed
        if estimate is not None:
            try:
                depth = to_metric(depth, estimate, self.settings.keep_sky, self.settings.seed)
            except InputError as error:
                return _Failure(_named(error, read.photo))
        return self.finish(depth.visible(read.photo.opaque))


def _named(error: InputError, photo: Photo) -> InputError:
    """The error with the photo's name, which one of the fit does not know."""
    if photo.name in str(error):
        return error
    named = InputError(f"{photo.name}: {error}")
    named.__cause__ = error
    return named
