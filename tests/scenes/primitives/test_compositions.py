"""Composed scenes: a camera with a clear view, and depths like those of photos."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pytest

from ppdcli.scenes.primitives.compositions import (
    BENCHMARK,
    CLEARANCE,
    TRAINING,
    Family,
    Repertoire,
    compose,
)
from ppdcli.scenes.primitives.render import render
from ppdcli.scenes.primitives.repertoire.painter import Painter, Rng
from ppdcli.scenes.primitives.shapes import (
    BOX,
    CARD,
    CONE,
    ELLIPSOID,
    LEAFY,
    Scene,
    Shape,
    rotation,
)
from ppdcli.scenes.primitives.textures import make_texture_bank
from ppdcli.scenes.samples import SKY_DEPTH

BANK = make_texture_bank(1, count=6)
COUNT = 200
REPERTOIRES = {"benchmark": BENCHMARK, "training": TRAINING}
# Sums over 300 scenes of the evaluation: whoever changes them changes the benchmark.
HEIGHTS, SHAPES, PLACES, SIZES, MATERIALS = (
    378.3786537924431, 9872, 151546.29993278842, 27050.41781019373, 929758.5843441631,
)  # fmt: skip


@dataclass(frozen=True)
class Example:
    kind: str
    scene: Scene
    depth: np.ndarray


@dataclass(frozen=True)
class Examples:
    repertoire: Repertoire
    items: list[Example]


@pytest.fixture(scope="module", params=REPERTOIRES)
def examples(request: pytest.FixtureRequest) -> Examples:
    repertoire = REPERTOIRES[request.param]
    drawn: list[str] = []

    def noted(family: Family) -> Family:
        return lambda *arguments: drawn.append(family.__name__) or family(*arguments)

    families = {noted(family): weight for family, weight in repertoire.families.items()}
    noting = replace(repertoire, families=families)
    scenes = [compose(12, k, BANK.count, noting) for k in range(COUNT)]
    depths = [render(scene, 36, 48, BANK)[1] for scene in scenes]
    items = [Example(*row) for row in zip(drawn, scenes, depths, strict=True)]
    return Examples(repertoire, items)


def eye(scene: Scene) -> np.ndarray:
    return np.array([0.0, scene.height, 0.0])


def contains(shape: Shape, point: np.ndarray) -> bool:
    x, y, z = shape.axes.T @ (point - shape.center) / shape.half
    match shape.kind:
        case int(kind) if kind == BOX:
            return max(abs(x), abs(y), abs(z)) <= 1
        case int(kind) if kind in (ELLIPSOID, LEAFY):
            return x * x + y * y + z * z <= 1
        case int(kind) if kind == CONE:
            return abs(y) <= 1 and np.hypot(x, z) <= 1 - shape.cut[0] * (1 + y) / 2
    return False


def test_the_evaluations_scenes_stay_what_they_are() -> None:
    scenes = [compose(20_001, k, BENCHMARK.textures, BENCHMARK) for k in range(300)]
    shapes = [shape for scene in scenes for shape in scene.shapes]
    materials = [s.material for s in shapes] + [scene.ground for scene in scenes]
    assert sum(scene.height for scene in scenes) == pytest.approx(HEIGHTS, rel=1e-9)
    assert len(shapes) == SHAPES
    assert sum(np.abs(s.center).sum() for s in shapes) == pytest.approx(PLACES, rel=1e-9)
    assert sum(s.half.sum() for s in shapes) == pytest.approx(SIZES, rel=1e-9)
    assert sum(m.row()[:12].sum() for m in materials) == pytest.approx(MATERIALS, rel=1e-9)
    assert not any(m.row()[12:].any() for m in materials)
    for scene in scenes:
        assert not (scene.creases or scene.glare or scene.mirror or scene.lamps or scene.focus)


@pytest.mark.parametrize("repertoire", REPERTOIRES.values(), ids=REPERTOIRES)
def test_the_weights_of_the_families_sum_to_1(repertoire: Repertoire) -> None:
    assert sum(repertoire.families.values()) == pytest.approx(1)


def test_training_knows_all_the_families_of_the_evaluation_and_more() -> None:
    assert set(BENCHMARK.families) < set(TRAINING.families)
    assert TRAINING.textures > BENCHMARK.textures


def test_scenes_hold_some_shapes_but_not_too_many(examples: Examples) -> None:
    counts = [len(e.scene.shapes) for e in examples.items]
    assert max(counts) <= examples.repertoire.shapes
    assert np.mean([n > 0 for n in counts]) > 0.99 and np.median(counts) > 10


def test_shapes_are_rigid_and_finite(examples: Examples) -> None:
    shapes = [s for e in examples.items for s in e.scene.shapes]
    axes = np.array([s.axes for s in shapes])
    gram = axes @ axes.transpose(0, 2, 1)
    np.testing.assert_allclose(gram, np.broadcast_to(np.eye(3), gram.shape), atol=1e-9)
    assert np.isfinite([s.center for s in shapes]).all()
    assert (np.array([s.half for s in shapes]) > 0).all()
    assert all(0 <= s.cut[0] <= 1 for s in shapes if s.kind == CONE)
    assert all(s.cut[0] >= 1 for s in shapes if s.kind == LEAFY)


def test_the_camera_is_above_ground_and_in_no_shape(examples: Examples) -> None:
    for e in examples.items:
        assert e.scene.height > 0
        assert not any(contains(shape, eye(e.scene)) for shape in e.scene.shapes)


def repertoire_of(family: Family, varied: bool, shapes: int = 72) -> Repertoire:
    return Repertoire({family: 1.0}, textures=6, shapes=shapes, varied=varied)


@pytest.mark.parametrize("varied", [False, True])
def test_what_would_surround_the_camera_is_left_out(varied: bool) -> None:
    plain = Painter(np.random.default_rng(0), 6).material()

    def crowd(rng: Rng, paint: Painter) -> Scene:
        scene = Scene(1.5, 0, 0, 60, plain)
        for z in (0.9, 1.0 + CLEARANCE + 0.01):
            scene.add(BOX, (0, 1.5, z), (1, 1, 1), plain)
        scene.add(BOX, (0, 1.5, 0), (2, 2, 2), plain, rotation(0.7))
        scene.add(CARD, (0, 1.5, 0.2), (1, 1, 1), plain)
        return scene

    kept = compose(0, 0, 6, repertoire_of(crowd, varied)).shapes
    assert [(s.kind, round(s.center[2], 2)) for s in kept] == [(CARD, 0.2), (BOX, 1.06)]


def test_of_too_many_shapes_the_nearest_stay_or_in_training_the_largest_in_view() -> None:
    plain = Painter(np.random.default_rng(0), 6).material()

    def house(rng: Rng, paint: Painter) -> Scene:
        scene = Scene(1.5, 0, 0, 60, plain)
        scene.add(BOX, (0, 1.5, 20), (9, 9, 1), plain)
        for x in (-1, 0, 1):
            scene.add(BOX, (x, 1.5, 18.9), (0.4, 0.4, 0.1), plain)
        return scene

    nearest = compose(0, 0, 6, repertoire_of(house, False, shapes=2)).shapes
    largest = compose(0, 0, 6, repertoire_of(house, True, shapes=2)).shapes
    assert [s.half[0] for s in nearest] == [0.4, 0.4]
    assert [s.half[0] for s in largest] == [9, 0.4]


def test_the_camera_is_in_its_room(examples: Examples) -> None:
    rooms = [e.scene for e in examples.items if e.scene.room is not None]
    assert len(rooms) > 50
    for scene in rooms:
        assert scene.room is not None
        center, half, yaw = scene.room
        assert (np.abs(rotation(yaw).T @ (eye(scene) - center)) < half).all()


def test_hardly_any_picture_is_blocked_by_something_at_the_lens(examples: Examples) -> None:
    assert np.mean([(e.depth < 0.15).mean() > 0.5 for e in examples.items]) < 0.01


def test_sky_and_depths_are_like_those_of_photos(examples: Examples) -> None:
    sky = np.array([(e.depth == SKY_DEPTH).mean() for e in examples.items])
    outdoors = np.array([e.scene.room is None for e in examples.items])
    assert (sky[~outdoors] == 0).all()
    assert 0.1 < sky[outdoors].mean() < 0.35 and np.mean(sky > 0.95) < 0.01
    middle = [np.median(e.depth) for e in examples.items]
    assert 0.1 < np.quantile(middle, 0.05) < 1 and 5 < np.quantile(middle, 0.9) <= SKY_DEPTH
    spans = [np.quantile(e.depth, 0.98) / np.quantile(e.depth, 0.02) for e in examples.items]
    assert np.median(spans) > 3 and np.mean(np.array(spans) > 1.3) > 0.98


def test_every_kind_of_composition_comes_up_as_often_as_it_should(examples: Examples) -> None:
    counts = Counter(e.kind for e in examples.items)
    for family, weight in examples.repertoire.families.items():
        expected = weight * COUNT
        assert counts[family.__name__] > 0
        assert abs(counts[family.__name__] - expected) < 4 * expected**0.5 + 1


@pytest.mark.parametrize("family", TRAINING.families, ids=lambda f: f.__name__)
def test_every_family_stands_up_to_many_seeds(family: Family) -> None:
    """Also with a bank of one texture, and with what a bank has for training."""
    for k in range(12):
        for textures in (1, TRAINING.textures):
            scene = compose(5, k, textures, replace(TRAINING, families={family: 1.0}))
            numbers = [s.material.row() for s in scene.shapes] + [scene.ground.row()]
            assert np.isfinite(numbers).all() and (np.array(numbers)[:, 6:8] < textures).all()
            assert np.isfinite(scene.light).all() and 10 < scene.fov < 120
            assert abs(scene.pitch) < 2.5 and 0 <= scene.creases <= 1 and 0 <= scene.mirror < 1


@pytest.mark.parametrize("repertoire", REPERTOIRES.values(), ids=REPERTOIRES)
def test_seed_and_index_decide_everything(repertoire: Repertoire) -> None:
    def numbers(seed: int, index: int) -> np.ndarray:
        scene = compose(seed, index, 6, repertoire)
        return np.concatenate([[scene.height], *[s.center for s in scene.shapes]])

    np.testing.assert_array_equal(numbers(3, 8), numbers(3, 8))
    for other in ((3, 9), (4, 8)):
        assert not np.array_equal(numbers(*other)[:1], numbers(3, 8)[:1])
