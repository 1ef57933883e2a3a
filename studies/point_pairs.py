"""Ordinal accuracy on real photos: ``python -m studies.point_pairs FOLDER...``.

It is the share of hand-marked pairs of points whose order of depth a model predicts correctly.
Chance is one half.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np

from ppdcli.photo import Photo, load_photo

Pair = tuple[float, float, float, float]  # near x, near y, far x, far y; shares of the sides


def load_pairs() -> dict[str, list[Pair]]:
    """Returns the marked pairs by the photo's file name."""
    text = (files("ppdcli.evaluation") / "point-pairs.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def right_order(depth: np.ndarray, pairs: Sequence[Pair]) -> list[bool]:
    """Returns for each pair whether the near point is nearer.

    Args:
        depth: (H, W), larger is farther, on any grid.
        pairs: See ``Pair``.
    """
    height, width = depth.shape

    def at(x: float, y: float) -> float:
        return float(depth[min(int(y * height), height - 1), min(int(x * width), width - 1)])

    return [at(*pair[:2]) < at(*pair[2:]) for pair in pairs]


def count_right(
    folders: Sequence[Path], predict: Callable[[Photo], np.ndarray]
) -> dict[str, tuple[int, int]]:
    """Returns the number of correct pairs and of all pairs, for each photo found in a folder."""
    found = {}
    for name, pairs in load_pairs().items():
        path = next((folder / name for folder in folders if (folder / name).is_file()), None)
        if path is not None:
            found[name] = sum(right_order(predict(load_photo(path)), pairs)), len(pairs)
    return found


def main() -> None:
    """Prints a line for each photo, and the total."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folders", nargs="+", type=Path, help="folders of the photos")
    parser.add_argument("--model", default="ppd-tiny")
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--steps", type=int)
    given = parser.parse_args()
    from ppdcli import load

    predictor = load(given.model, checkpoint=given.checkpoint)
    counts = count_right(
        given.folders, lambda photo: predictor.predict(photo, steps=given.steps).values
    )
    for name, (right, pairs) in counts.items():
        print(f"{name:<16}{right:>4} of {pairs}")
    right, pairs = (sum(column) for column in zip(*counts.values(), strict=True))
    print(f"{'all':<16}{right:>4} of {pairs}, {100 * right / pairs:.0f} %")


if __name__ == "__main__":
    main()
