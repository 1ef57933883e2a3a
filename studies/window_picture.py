"""What is lost between a film and the 512 x 512 that the authors' video model computes.

``python -m studies.window_picture`` needs no weights. Its first table shows a film's frames to the
network: squeezed as its authors do, the same with antialias, and with bars, which keep the aspect
ratio. A line pans by a pixel a frame. The second table enlarges exact depth of 512 x 512 to the
film's size, bilinearly and along the edges of the picture.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from ppdcli.films.windowed import bilinear
from ppdcli.geometry.upsample import downsample_depth, upsample_depth

SIDE = 512
FILMS = ((1080, 1920), (2160, 3840))
LINES = (1, 2, 4)  # widths in pixels
SEEN = 0.1  # least contrast of a line that counts as seen, of its own contrast
PERIODS = 64  # of the network's pixels over which a line pans
OFF = 0.05  # of the step between two surfaces: further from both, a pixel is on neither

Way = tuple[bool, bool]  # whether antialias is used, and whether the aspect ratio is kept

WAYS: dict[str, Way] = {
    "squeezed": (False, False),
    "with antialias": (True, False),
    "with bars": (False, True),
}


def contrasts(size: tuple[int, int], line: int, upright: bool, way: Way) -> np.ndarray:
    """The contrast of a white line on black in the network's picture, at each place of a pan."""
    antialias, bars = way
    length = size[1] if upright else size[0]
    target = round(SIDE * length / max(size)) if bars else SIDE
    found = []
    for place in range(int(PERIODS * length / target)):
        across = np.zeros((1, length), np.float32)
        across[:, length // 3 + place : length // 3 + place + line] = 1
        if antialias:
            seen = cv2.resize(across, (target, 1), interpolation=cv2.INTER_AREA)
        else:
            seen = bilinear(across, 1, target)
        found.append(float(seen.max()))
    return np.array(found)


def pictures(films: Sequence[tuple[int, int]]) -> Iterator[str]:
    """The first table: how often a line is missing, and its contrast from least to most."""
    yield "film       line          way             missing  contrast"
    for size in films:
        for line in LINES:
            for upright in (True, False):
                for name, way in WAYS.items():
                    values = contrasts(size, line, upright, way)
                    direction = "upright" if upright else "level"
                    yield (
                        f"{size[1]}x{size[0]:<5} {line} px {direction:<8} {name:<15} "
                        f"{np.mean(values < SEEN):6.0%}   {values.min():.2f} to {values.max():.2f}"
                    )


def scene(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Depth of discs and slanted bars at 0.2 before a wall at 0.8, and their picture."""
    height, width = size
    near = np.zeros(size, np.uint8)
    rng = np.random.default_rng(0)
    for _ in range(12):
        centre = tuple(int(v) for v in rng.integers((0, 0), (width, height)))
        cv2.circle(near, centre, int(rng.integers(height // 40, height // 8)), 1, -1)
        ends = rng.integers((0, 0), (width, height), (2, 2)).tolist()
        cv2.line(near, tuple(ends[0]), tuple(ends[1]), 1, max(2, height // 90))
    texture = rng.integers(0, 40, (*size, 3))
    picture = (np.where(near[..., None] > 0, 190, 40) + texture).astype(np.uint8)
    return np.where(near > 0, np.float32(0.2), np.float32(0.8)), picture


def enlarged(films: Sequence[tuple[int, int]]) -> Iterator[str]:
    """The second table: pixels on neither surface, and on the wrong one, for all pixels of edges.

    Edges are counted once for each pixel of their length.
    """
    yield "film       enlarged        on neither  on the wrong one (pixels for each pixel of edge)"
    for size in films:
        depth, picture = scene(size)
        small = downsample_depth(depth, SIDE, SIDE)
        edge = int((np.diff(depth, axis=0) != 0).sum() + (np.diff(depth, axis=1) != 0).sum())
        ways = {
            "bilinearly": bilinear(small, *size),
            "along edges": upsample_depth(small, *size, guide=picture),
        }
        for name, large in ways.items():
            apart = np.minimum(np.abs(large - 0.2), np.abs(large - 0.8)) / 0.6
            neither = apart > OFF
            wrong = ~neither & (np.abs(large - depth) > 0.3)
            yield (
                f"{size[1]}x{size[0]:<5} {name:<15} {neither.sum() / edge:9.2f}"
                f"  {wrong.sum() / edge:9.2f}"
            )


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.parse_args(arguments)
    for line in (*pictures(FILMS), "", *enlarged(FILMS)):
        print(line)


if __name__ == "__main__":
    main()
