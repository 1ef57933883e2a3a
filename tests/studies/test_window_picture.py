"""What the network's pictures lose, and what enlarging loses, with known answers."""

from __future__ import annotations

import pytest

from studies.window_picture import WAYS, contrasts, enlarged, pictures


@pytest.mark.parametrize(
    ("upright", "name", "share"),
    [
        (True, "squeezed", 1 - 2 / 7.5),  # two of the 7.5 pixels of a step are looked at
        (False, "squeezed", 1 - 2 / 4.21875),
        (True, "with antialias", 0),
        (False, "with bars", 1 - 2 / 7.5),
    ],
)
def test_a_line_is_missing_where_no_pixel_is_taken(upright: bool, name: str, share: float) -> None:
    values = contrasts((2160, 3840), 1, upright, WAYS[name])
    assert (values == 0).mean() == pytest.approx(share, abs=0.03)


def test_every_film_line_and_way_has_a_row() -> None:
    head, *lines = pictures([(1080, 1920)])
    assert head.startswith("film")
    assert len(lines) == 3 * 2 * 3


def test_enlarging_bilinearly_makes_depth_between_surfaces() -> None:
    _, plain, guided = (line.split() for line in enlarged([(720, 1280)]))
    assert float(plain[-2]) > 1
    assert float(guided[-2]) < 0.05
