"""Series of pictures of furnished places."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.scenes.furnished.camera import take
from ppdcli.scenes.furnished.models.library import Library
from ppdcli.scenes.furnished.places.gardens import garden, meadow, square
from ppdcli.scenes.furnished.places.kinds import KINDS, ModelsByKind
from ppdcli.scenes.furnished.places.rooms import room
from ppdcli.scenes.furnished.places.site import Site
from ppdcli.scenes.furnished.places.streets import street
from ppdcli.scenes.furnished.places.tabletops import tabletop
from ppdcli.scenes.furnished.scene import Store
from ppdcli.scenes.furnished.series import Furnished, make_furnished, picture_quality
from ppdcli.scenes.samples import SKY_DEPTH

SHAPE = (36, 48)


@pytest.mark.usefixtures("embree")
def test_pictures_depend_on_their_number_alone(tiny: Library) -> None:
    whole = make_furnished(tiny, 3, 0, 8, SHAPE)
    assert whole.rgb.shape == (8, *SHAPE, 3)
    assert whole.rgb.dtype == np.uint8
    assert whole.depth.dtype == np.float32
    assert (whole.depth > 0).all()
    assert (whole.depth <= SKY_DEPTH).all()
    part = make_furnished(tiny, 3, 5, 3, SHAPE)
    assert np.array_equal(part.rgb, whole.rgb[5:])
    assert np.array_equal(part.depth, whole.depth[5:])
    other = make_furnished(tiny, 4, 0, 2, SHAPE)
    assert not np.array_equal(other.depth, whole.depth[:2])


@pytest.mark.usefixtures("embree")
def test_what_was_made_before_changes_nothing(tiny: Library) -> None:
    maker = Furnished(tiny)
    maker.samples(9, 0, 2, SHAPE)
    after = maker.samples(3, 6, 2, SHAPE)
    fresh = make_furnished(tiny, 3, 6, 2, SHAPE)
    assert np.array_equal(after.rgb, fresh.rgb)
    assert np.array_equal(after.depth, fresh.depth)


@pytest.mark.usefixtures("embree")
@pytest.mark.parametrize("shape", [(20, 72), (48, 20), (33, 33)])
def test_any_shape(tiny: Library, shape: tuple[int, int]) -> None:
    samples = make_furnished(tiny, 1, 0, 1, shape)
    assert samples.depth.shape == (1, *shape)


@pytest.mark.usefixtures("embree")
@pytest.mark.parametrize("place", [room, tabletop, street, garden, meadow, square])
@pytest.mark.parametrize("held_out", [False, True])
def test_every_place_can_be_built_with_few_models(
    tiny: Library, place: object, held_out: bool
) -> None:
    for seed in range(4):
        rng = np.random.default_rng(seed)
        built = place(Site(Store(tiny), ModelsByKind(tiny, held_out), rng, 0))  # type: ignore[operator]
        light, depth = take(built.scene, built.camera(rng, wide=seed == 1), *SHAPE)
        assert np.isfinite(light).all()
        assert (depth > 0).all()


def test_parts_of_the_library_stay_apart(tiny: Library) -> None:
    training, other = ModelsByKind(tiny, held_out=False), ModelsByKind(tiny, held_out=True)
    for kind in KINDS:
        assert not set(training.all(kind)) & set(other.all(kind))


def test_hung_things_do_not_stand(tiny: Library) -> None:
    models = ModelsByKind(tiny, held_out=False)
    names = {
        tiny.entries[k].name for kind in KINDS for k in models.all(kind) if not KINDS[kind].hung
    }
    assert not names & {"Upper cabinet", "Window"}


def test_dull_pictures_are_told_from_good_ones() -> None:
    rng = np.random.default_rng(0)
    light = rng.uniform(0, 1, (20, 30, 3)).astype(np.float32)
    depth = np.linspace(1, 8, 600, dtype=np.float32).reshape(20, 30)
    depth[:, ::4] *= 0.8  # things before a wall
    assert picture_quality(light, depth) == 1
    smooth = np.sort(depth.ravel()).reshape(20, 30)
    assert picture_quality(light, smooth) < 0.5  # nothing stands out
    assert picture_quality(np.full_like(light, 0.5), depth) < 0.5  # nothing is seen
    assert picture_quality(light, np.full_like(depth, 2)) < 0.1  # a bare wall
    assert picture_quality(light, depth / 50) < 0.5  # too near
    mostly_sky = np.where(depth > 1.5, 75, depth).astype(np.float32)
    assert picture_quality(light, mostly_sky) <= 0.5
