"""What a film becomes: its formats, and the choices for them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ppdcli.cloud_options import CloudOptions
from ppdcli.files.choices import Colormap

VIDEO_FORMATS = {"mkv": "_depth.mkv", "mp4": "_preview.mp4"}
"""Name -> what follows the film's name in the name of the file."""
SEQUENCE_FORMATS = {"png": "_depth_png", "exr": "_depth_exr", "npy": "_depth_npy"}
"""Name -> what follows the film's name in the name of the folder, which has a file a frame."""
CLOUD_FOLDERS = {"ply": "_ply", "html": "_html"}
"""The same, of chosen frames."""
FILM_FORMATS = (*VIDEO_FORMATS, *SEQUENCE_FORMATS, *CLOUD_FOLDERS)
CARD_ENDING = "_film.json"

Preview = Literal["depth", "side"]
Range = tuple[float, float]


@dataclass(frozen=True)
class FilmChoices:
    """How the files of a film are written.

    Attributes:
        formats: names of ``FILM_FORMATS``.
        full_size: at the film's size; otherwise as the network gives it.
        preview: depth alone, or the photo and depth side by side.
        colormap: of the preview.
        value_range: depth at the ends of the preview's colours; None: those of the film.
        live: write each part at once, in one pass.
        sound: keep it in the preview.
        frames: numbers, from 1, of those that become clouds; None: the first of each scene.
        fov: horizontal field of view for clouds, in degrees; None: an assumed one.
        near_far: metres of the film's nearest and farthest depth.
        metric: metres by MoGe-2. With neither, depth is relative.
        cloud: what they are like.
    """

    formats: tuple[str, ...]
    full_size: bool = True
    preview: Preview = "side"
    colormap: Colormap = "spectral"
    value_range: Range | None = None
    live: bool = False
    sound: bool = True
    frames: frozenset[int] | None = None
    fov: float | None = None
    near_far: Range | None = None
    metric: bool = False
    cloud: CloudOptions = CloudOptions()  # noqa: RUF009  frozen


@dataclass(frozen=True)
class FilmFiles:
    """Where the files of a film go.

    Attributes:
        outputs: format -> file, or folder of a file a frame.
        card: the JSON with the facts of film and frames; None: it is not wanted.
        parts: the folder of what is finished, until all is.
    """

    outputs: dict[str, Path]
    card: Path | None
    parts: Path
