"""Natural textures: they tile, have contrast, and are found by their kind."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.scenes import natural_textures
from ppdcli.scenes.natural_textures import SIZE, natural_texture, numbers_of

KINDS = sorted(natural_textures.KINDS)
TILEABLE = sorted({*KINDS} - {"print"})  # a page has margins, and a picture on it


def draw(kind: str, seed: int) -> np.ndarray:
    return natural_texture(np.random.default_rng(seed), numbers_of((kind,), 0, 200)[0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_texture_fills_its_range_and_shows_something(kind: str) -> None:
    for seed in range(4):
        picture = draw(kind, seed)
        assert picture.shape == (SIZE, SIZE) and np.isfinite(picture).all()
        assert picture.min() > -0.5 and picture.max() < 1.5
        assert np.clip(picture, 0, 1).std() > 0.03


@pytest.mark.parametrize("kind", TILEABLE)
def test_there_is_no_seam_where_tiles_meet(kind: str) -> None:
    inner, seam = [], []
    for seed in range(4):
        picture = draw(kind, seed)
        for p in (picture, picture.T):
            steps = np.abs(np.diff(p, axis=0)).mean(1)
            # Planks and tiles may have a joint there: no worse than at their other joints.
            inner.append(np.max(steps))
            seam.append(np.abs(p[0] - p[-1]).mean())
    assert np.mean(seam) < 1.1 * np.mean(inner)


def test_kinds_are_found_from_a_number_on_and_only_they() -> None:
    found = numbers_of(("foliage", "streaks"), 96, 160)
    assert found and all(96 <= k < 160 for k in found)
    leaves = set(numbers_of(("foliage",), 96, 160))
    assert leaves < set(found) and all(k % 2 for k in leaves)
    assert numbers_of(("foliage",), 96, 96) == ()
    everything = [k for kind in KINDS for k in numbers_of((kind,), 0, 160)]
    assert sorted(everything) == list(range(160))


def test_even_textures_are_fields_without_a_pattern() -> None:
    """Grain and cut-outs are taken from the even ones."""
    fields = {kind for kind in KINDS if any(k % 2 == 0 for k in numbers_of((kind,), 0, 160))}
    assert fields == {"warped", "ridged", "streaks", "mottled"}
