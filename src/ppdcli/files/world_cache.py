"""Posed depth maps on disk, between the two stages of a merge: our own files, one a photo."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ppdcli.errors import InputError
from ppdcli.files.atomic import atomic_path
from ppdcli.files.foreign import open_regular
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.distortion import Distortion
from ppdcli.geometry.posed import Pose, PosedDepth

ENDING = "_world.npz"
LAYOUT = 1  # of the files; a file of another layout is made again


def write(path: Path, view: PosedDepth, image: str) -> None:
    """Writes a depth map; ``image`` is what the model of the world calls its photo.

    Raises:
        OutputError: the file cannot be written.
    """
    lens = view.distortion
    facts = {
        "layout": LAYOUT,
        "name": view.name,
        "image": image,
        "camera": asdict(view.camera),
        "lens": None if lens is None else [lens.model, *lens.coefficients],
        "spread": view.spread,
    }
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez(
            stream,
            depth=view.depth.astype(np.float32, copy=False),
            colors=view.colors,
            rotation=view.pose.rotation,
            translation=view.pose.translation,
            facts=np.frombuffer(json.dumps(facts).encode("ascii"), np.uint8),
        )


def read(path: Path, pixels: bool = True) -> PosedDepth:
    """Reads a depth map that ``write`` wrote.

    Args:
        path: the file.
        pixels: read depth and colours; without, they are empty.

    Raises:
        InputError: the file is missing or damaged.
    """
    with _reading(path) as arrays:
        facts = _facts(arrays)
        lens = facts["lens"]
        return PosedDepth(
            facts["name"],
            arrays["depth"] if pixels else np.empty((0, 0), np.float32),
            arrays["colors"] if pixels else np.empty((0, 0, 3), np.uint8),
            Camera(**facts["camera"]),
            Pose(arrays["rotation"], arrays["translation"]),
            None if lens is None else Distortion(lens[0], tuple(lens[1:])),
            facts["spread"],
        )


def image_of(path: Path) -> str:
    """What the model of the world calls the photo of a depth map.

    Raises:
        InputError: the file is missing or damaged.
    """
    with _reading(path) as arrays:
        return str(_facts(arrays)["image"])


def _facts(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    facts = dict(json.loads(bytes(arrays["facts"])))
    if facts["layout"] != LAYOUT:
        raise ValueError("it has another layout")
    return facts


@contextmanager
def _reading(path: Path) -> Iterator[Mapping[str, np.ndarray]]:
    """Opens a file. Raises InputError if it is damaged or cannot be read."""
    try:
        with open_regular(path) as stream, np.load(stream, allow_pickle=False) as arrays:
            yield arrays
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: is damaged; delete it, and run the command again") from error
