"""Composed scenes: a camera with a clear view, and depths like those of photos."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from ppdcli.training import compositions
from ppdcli.training.compositions import CLEARANCE, MAX_SHAPES, compose
from ppdcli.training.render import SKY_DEPTH, render
from ppdcli.training.shapes import BOX, CARD, CONE, ELLIPSOID, Scene, Shape, rotation
from ppdcli.training.textures import make_texture_bank

BANK = make_texture_bank(1, count=6)
COUNT = 300


KINDS = ("_street", "_room", "_park", "_close_up", "_yard", "_clutter")


@dataclass(frozen=True)
class Example:
    kind: str
    scene: Scene
    depth: np.ndarray


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    drawn: list[str] = []

    def noted(name: str) -> Callable[..., Scene]:
        draw = getattr(compositions, name)
        return lambda *arguments: drawn.append(name) or draw(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        for name in KINDS:
            patch.setattr(compositions, name, noted(name))
        scenes = [compose(12, k, BANK.count) for k in range(COUNT)]
    depths = [render(scene, 36, 48, BANK)[1] for scene in scenes]
    return [Example(*row) for row in zip(drawn, scenes, depths, strict=True)]


def eye(scene: Scene) -> np.ndarray:
    return np.array([0.0, scene.height, 0.0])


def contains(shape: Shape, point: np.ndarray) -> bool:
    x, y, z = shape.axes.T @ (point - shape.center) / shape.half
    match shape.kind:
        case int(kind) if kind == BOX:
            return max(abs(x), abs(y), abs(z)) <= 1
        case int(kind) if kind == ELLIPSOID:
            return x * x + y * y + z * z <= 1
        case int(kind) if kind == CONE:
            return abs(y) <= 1 and np.hypot(x, z) <= 1 - shape.cut[0] * (1 + y) / 2
    return False


def test_scenes_hold_some_shapes_but_not_too_many(examples: list[Example]) -> None:
    counts = [len(e.scene.shapes) for e in examples]
    assert max(counts) <= MAX_SHAPES
    assert np.mean([n > 0 for n in counts]) > 0.99 and np.median(counts) > 10


def test_shapes_are_rigid_and_finite(examples: list[Example]) -> None:
    for shape in (s for e in examples for s in e.scene.shapes):
        np.testing.assert_allclose(shape.axes @ shape.axes.T, np.eye(3), atol=1e-9)
        assert np.isfinite(shape.center).all() and (shape.half > 0).all()
        assert shape.kind != CONE or 0 <= shape.cut[0] <= 1


def test_the_camera_is_above_ground_and_in_no_shape(examples: list[Example]) -> None:
    for e in examples:
        assert e.scene.height > 0
        assert not any(contains(shape, eye(e.scene)) for shape in e.scene.shapes)


def test_what_would_surround_the_camera_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = compositions._Painter(np.random.default_rng(0), 6).material()

    def crowd(rng: np.random.Generator, paint: compositions._Painter) -> Scene:
        scene = Scene(1.5, 0, 0, 60, plain)
        for z in (0.9, 1.0 + CLEARANCE + 0.01):
            scene.add(BOX, (0, 1.5, z), (1, 1, 1), plain)
        scene.add(BOX, (0, 1.5, 0), (2, 2, 2), plain, rotation(0.7))
        scene.add(CARD, (0, 1.5, 0.2), (1, 1, 1), plain)
        return scene

    for name in KINDS:
        monkeypatch.setattr(compositions, name, crowd)
    kept = compose(0, 0, 6).shapes
    assert [(s.kind, round(s.center[2], 2)) for s in kept] == [(CARD, 0.2), (BOX, 1.06)]


def test_the_camera_is_in_its_room(examples: list[Example]) -> None:
    rooms = [e.scene for e in examples if e.scene.room is not None]
    assert len(rooms) > 50
    for scene in rooms:
        assert scene.room is not None
        center, half, yaw = scene.room
        assert (np.abs(rotation(yaw).T @ (eye(scene) - center)) < half).all()


def test_hardly_any_picture_is_blocked_by_something_at_the_lens(examples: list[Example]) -> None:
    assert np.mean([(e.depth < 0.15).mean() > 0.5 for e in examples]) < 0.01


def test_sky_and_depths_are_like_those_of_photos(examples: list[Example]) -> None:
    sky = np.array([(e.depth == SKY_DEPTH).mean() for e in examples])
    outdoors = np.array([e.scene.room is None for e in examples])
    assert (sky[~outdoors] == 0).all()
    assert 0.1 < sky[outdoors].mean() < 0.35 and sky.max() < 0.95
    middle = [np.median(e.depth) for e in examples]
    assert 0.1 < np.quantile(middle, 0.05) < 1 and 5 < np.quantile(middle, 0.9) <= SKY_DEPTH
    spans = [np.quantile(e.depth, 0.98) / np.quantile(e.depth, 0.02) for e in examples]
    assert np.median(spans) > 3 and np.mean(np.array(spans) > 1.3) > 0.98


def test_every_kind_of_composition_comes_up(examples: list[Example]) -> None:
    counts = Counter(e.kind for e in examples)
    assert set(counts) == set(KINDS)
    assert counts["_room"] == max(counts.values()) and counts["_clutter"] == min(counts.values())


def test_seed_and_index_decide_everything() -> None:
    def numbers(seed: int, index: int) -> np.ndarray:
        scene = compose(seed, index, 6)
        return np.concatenate([[scene.height], *[s.center for s in scene.shapes]])

    np.testing.assert_array_equal(numbers(3, 8), numbers(3, 8))
    for other in ((3, 9), (4, 8)):
        assert not np.array_equal(numbers(*other)[:1], numbers(3, 8)[:1])
