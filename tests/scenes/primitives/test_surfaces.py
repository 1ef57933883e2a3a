"""Named materials: fitting colours and textures, in any bank."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.scenes.natural_textures import numbers_of
from ppdcli.scenes.primitives.repertoire.painter import Painter
from ppdcli.scenes.primitives.repertoire.surfaces import (
    SURFACES,
    glowing,
    surface,
    with_varied_cells,
)
from ppdcli.scenes.primitives.shapes import MATERIAL
from ppdcli.scenes.primitives.textures import COUNT


def painter(textures: int, seed: int = 0) -> Painter:
    return Painter(np.random.default_rng(seed), textures)


@pytest.mark.parametrize("name", SURFACES)
@pytest.mark.parametrize("textures", [1, 6, 160])
def test_a_material_is_within_the_renderers_range(name: str, textures: int) -> None:
    paint = painter(textures)
    for _ in range(20):
        material = surface(paint, name, 2.0)
        for color in (material.color_a, material.color_b):
            assert (color > 0).all() and (color <= 1).all()
        assert 0 <= material.texture < textures and 0 <= material.grain < textures
        assert material.period > 0 and 0 <= material.gloss <= 1 and material.glow == 0
        assert len(material.row()) == MATERIAL


@pytest.mark.parametrize(
    ("name", "kinds"), [("leaves", ("foliage", "mottled")), ("tiles", ("tiles",))]
)
def test_the_texture_fits_the_name(name: str, kinds: tuple[str, ...]) -> None:
    paint = painter(160)
    found = {surface(paint, name, 1.0).texture for _ in range(60)}
    assert found <= set(numbers_of(kinds, COUNT, 160)) and len(found) > 1


def test_lawns_are_green_and_snow_is_white() -> None:
    paint = painter(160)
    lawns = np.array([surface(paint, "lawn", 1.0).color_a for _ in range(100)])
    assert ((lawns[:, 1] > lawns[:, 0]) & (lawns[:, 1] > lawns[:, 2])).mean() > 0.4
    snow = np.array([surface(paint, "snow", 1.0).color_a for _ in range(100)])
    assert snow.min() > 0.4 and np.ptp(snow, axis=1).max() < 0.35


def test_varied_cells_and_glowing_change_only_their_fields() -> None:
    plain = surface(painter(6), "wood", 1.0)
    mixed = with_varied_cells(plain, 3, 5, 0.5)
    np.testing.assert_array_equal(mixed.row()[:12], plain.row()[:12])
    assert mixed.row()[12:].tolist() == [3, 5, 0.5] and plain.row()[12:].tolist() == [0, 0, 0]
    assert glowing((1, 1, 1), 4).glow == 4
