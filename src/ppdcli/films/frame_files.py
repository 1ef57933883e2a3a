"""What a single frame of a film becomes: numbers and pictures for videos, and files of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import cv2
import numpy as np

from ppdcli.depth import DepthMap
from ppdcli.files import exr, npy, png
from ppdcli.files.formats import CLOUD_FORMATS
from ppdcli.files.preview import colorize
from ppdcli.films.encoding import in_steps
from ppdcli.films.frames import Frame
from ppdcli.films.metres import SceneMetres
from ppdcli.films.outputs import CLOUD_FOLDERS, FilmChoices, FilmFiles, Range
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.resize import resize_rgb
from ppdcli.photo import Photo
from ppdcli.views import View, view_by_fov

LONGEST_PREVIEW = 1920  # pixels; players on phones and in browsers decode that
ASSUMED_FOV = 60.0  # degrees on the longer side, as for photos


@dataclass(frozen=True, eq=False)
class DepthFrame:
    """A frame with its depth.

    Attributes:
        number: from 1.
        frame: the frame.
        values: (h, w) float32 in the network's unit.
        begins_scene: it is the first frame of a scene.
        whole, usual: ranges of the film: of all depths, and for pictures; in metres if there are.
        facts: of the model.
        metres: of the frame's scene; None: depth stays relative.
    """

    number: int
    frame: Frame
    values: np.ndarray
    begins_scene: bool
    whole: Range
    usual: Range
    facts: Mapping[str, str]
    metres: SceneMetres | None = None


class ForVideo(NamedTuple):
    """A frame as the videos take it: (H, W) uint16, and (H, W, 3) uint8; None if not wanted."""

    steps: np.ndarray | None
    picture: np.ndarray | None


class FrameMaker:
    """Makes the files of single frames. Any thread may call it."""

    def __init__(
        self,
        choices: FilmChoices,
        files: FilmFiles,
        start: Fraction,
        estimated_fov: float | None = None,
    ) -> None:
        self._choices, self._files, self._start = choices, files, start
        self._estimated_fov = estimated_fov

    def make(self, item: DepthFrame) -> ForVideo:
        """Writes the frame's own files, and returns what the videos need.

        Raises:
            OutputError: a file cannot be written.
        """
        wanted, outputs = self._choices, self._files.outputs
        rgb = item.frame.rgb
        photo = Photo(rgb, f"frame {item.number}")
        time = item.frame.time - self._start
        facts = {
            **item.facts,
            "frame": str(item.number),
            "time": f"{float(time):.6f} s",
            "timecode": timecode(time),
        }
        own = DepthMap(item.values, "relative", None, facts, photo=photo)
        if item.metres is not None:
            own = item.metres.of(own)
        depth = own.full_size() if wanted.full_size else own
        stem = f"{item.number:06d}"
        if "png" in outputs:
            png.write(outputs["png"] / f"{stem}.png", depth, "normalized", item.whole)
        if "exr" in outputs:
            exr.write(outputs["exr"] / f"{stem}.exr", depth)
        if "npy" in outputs:
            npy.write(outputs["npy"] / f"{stem}.npy", depth)
        if self._becomes_cloud(item):
            self._write_clouds(own, photo, stem)
        steps = in_steps(depth.values, *item.whole) if "mkv" in outputs else None
        picture = self._picture(depth, rgb, item.usual) if "mp4" in outputs else None
        return ForVideo(steps, picture)

    def _becomes_cloud(self, item: DepthFrame) -> bool:
        chosen = self._choices.frames
        return item.begins_scene if chosen is None else item.number in chosen

    def _write_clouds(self, depth: DepthMap, photo: Photo, stem: str) -> None:
        formats = [name for name in CLOUD_FOLDERS if name in self._files.outputs]
        if not formats:
            return
        cloud = depth.placed(photo, self._view(photo), self._choices.cloud)
        for name in formats:
            path = self._files.outputs[name] / f"{stem}.{name}"
            CLOUD_FORMATS[name].write(path, cloud, self._choices.cloud)

    def _view(self, photo: Photo) -> View:
        if self._choices.fov is not None:
            return view_by_fov(photo, self._choices.fov)
        height, width = photo.rgb.shape[:2]
        if self._estimated_fov is not None:
            camera = Camera.from_fov(self._estimated_fov, width, height)
            return View(camera, f"by MoGe-2, {self._estimated_fov:.1f} degrees across")
        camera = Camera.assumed(ASSUMED_FOV, width, height)
        return View(camera, f"with an assumed field of view, {ASSUMED_FOV:g} degrees")

    def _picture(self, depth: DepthMap, rgb: np.ndarray, usual: Range) -> np.ndarray:
        height, width = depth.shape
        columns = 2 if self._choices.preview == "side" else 1
        scale = min(1.0, LONGEST_PREVIEW / max(columns * width, height))
        size = (max(1, round(height * scale)), max(1, round(width * scale)))
        colours = colorize(depth, self._choices.colormap, self._choices.value_range or usual)
        if colours.shape[:2] != size:
            colours = cv2.resize(colours, size[::-1], interpolation=cv2.INTER_AREA)
        if columns == 1:
            return colours
        photo = rgb if rgb.shape[:2] == size else resize_rgb(rgb, *size)
        return np.hstack((photo, colours))


def timecode(time: Fraction) -> str:
    """Hours, minutes, seconds and milliseconds: ``00:01:02.040``."""
    milliseconds = round(time * 1000)
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}"
