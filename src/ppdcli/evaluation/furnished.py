"""The ``furnished`` set: rendered places with furniture and textures that training never uses.

Equal numbers give equal places. The last bits of the pictures can differ between processors, so
every frame carries a hash.
"""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

import numpy as np

from ppdcli.evaluation.frames import BenchmarkImage, Frame
from ppdcli.geometry.camera import Camera
from ppdcli.photo import Photo
from ppdcli.scenes.furnished.embree import load_embree
from ppdcli.scenes.furnished.models.library import Library, open_library
from ppdcli.scenes.furnished.series import Furnished
from ppdcli.scenes.samples import SKY_DEPTH

SEED = 20_011  # of the places; training uses seeds below recipe.SEEDS
SHAPE = (384, 512)
COUNT = 200  # default size of the set
FACTS = (
    "rendered places at fixed seeds, 512x384, with furniture and textures that training does not "
    "see; exact depth",
    "valid: nearer than the sky",
)


def open_furniture(source: Path | None) -> Library:
    """Opens the models and checks that they can be rendered.

    Args:
        source: A packed file or a folder of ``.sh3f`` libraries; None for Debian's package.

    Raises:
        InputError: There are no models, or a file cannot be read.
        OutputError: They cannot be packed.
        PpdError: Embree is not installed.
    """
    load_embree()
    return open_library(source)


def entries(library: Library, count: int) -> list[BenchmarkImage]:
    """Returns the first ``count`` places."""
    maker = Furnished(library, held_out=True)
    return [BenchmarkImage(f"furnished {k}", partial(_frame, maker, k)) for k in range(count)]


def models_digest(library: Library) -> str:
    """Returns 12 hexadecimal digits that identify a collection of models."""
    return hashlib.sha256(repr(library.entries).encode()).hexdigest()[:12]


def _frame(maker: Furnished, number: int) -> Frame:
    rgb, depth, focal = maker.picture(SEED, number, SHAPE)
    height, width = depth.shape
    camera = Camera(focal, focal, (width - 1) / 2, (height - 1) / 2, width, height)
    digest = hashlib.sha256(rgb.tobytes() + np.ascontiguousarray(depth).tobytes()).hexdigest()
    photo = Photo(rgb, f"furnished {number}")
    return Frame(photo, depth, depth < SKY_DEPTH, camera, digest=digest)
