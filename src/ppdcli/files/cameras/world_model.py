"""Where photos were taken, and points of the world: what reconstructions give besides cameras."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

import numpy as np

from ppdcli.errors import InputError, shown
from ppdcli.files.cameras.image_names import ImageNames
from ppdcli.geometry.posed import Pose


@dataclass(frozen=True, eq=False)
class WorldPoints:
    """Points of the world whose place is known.

    Attributes:
        places: (P, 3) float64, in the unit of the poses.
        seen: of each image the indices of the points that it sees; None if nothing says it.
        source: a description for reports.
    """

    places: np.ndarray
    seen: tuple[np.ndarray, ...] | None
    source: str

    def digest(self) -> str:
        """Returns 16 hexadecimal digits that identify the points and who sees them."""
        arrays = [self.places, *(self.seen or ())]
        return _digest(part for array in arrays for part in (str(array.shape), array.tobytes()))


@dataclass(frozen=True, eq=False)
class WorldModel:
    """The poses of images in one world.

    Attributes:
        name: the file or folder, for messages.
        format: its format, for messages and reports.
        images: names of the images, each once.
        poses: of the stored images, or why there is none.
        points: of the world; None without any.
        notes: lines for the user.
        numbered: no photo is named; the name of an image is the number in its photo's name.
    """

    name: str
    format: str
    images: tuple[str, ...]
    poses: tuple[Pose | str, ...]
    points: WorldPoints | None = None
    notes: tuple[str, ...] = ()
    numbered: bool = False

    @staticmethod
    def numbered_from_0(name: str, format_: str, poses: tuple[Pose | str, ...]) -> WorldModel:
        """The model of a file that lists poses without names; see the class."""
        note = (
            f"{name}: names no photos; a photo has the pose of the number in its name, from 0 to "
            f"{len(poses) - 1}"
        )
        numbers = tuple(map(str, range(len(poses))))
        return WorldModel(name, format_, numbers, poses, notes=(note,), numbered=True)

    def digest(self) -> str:
        """Returns 16 hexadecimal digits that identify the images and their poses."""
        parts: list[str | bytes] = list(self.images)
        for pose in self.poses:
            if isinstance(pose, Pose):
                parts += (pose.rotation.tobytes(), pose.translation.tobytes())
            else:
                parts.append(pose)
        return _digest(parts)

    def index_of(self, photo: str) -> int:
        """Returns the index of the image that a photo is.

        Args:
            photo: the photo's path, as the user gave it.

        Raises:
            InputError: no image has its name, or several have, or the image has no pose.
        """
        path = PurePosixPath(photo.replace("\\", "/"))
        if self.numbered:
            path = PurePosixPath(_number_in(path.stem))
        likely = self._names.likely(path)
        if not likely:
            raise InputError(
                f"{photo}: is not in {self.name}, which has {len(self.images)} images, such as "
                f"{shown(self.images[0], 60)!r}; leave it out, or give it its name there"
            )
        if len(likely) > 1:
            raise InputError(
                f"{photo}: could be {len(likely)} images of {self.name}, such as "
                f"{shown(self.images[likely[0]], 60)!r}; give it with its folders as they are "
                "named there"
            )
        problem = self.poses[likely[0]]
        if isinstance(problem, str):
            raise InputError(f"{photo}: {problem} in {self.name}; export it again")
        return likely[0]

    def pose(self, index: int) -> Pose:
        """The pose of an image from ``index_of``."""
        pose = self.poses[index]
        assert isinstance(pose, Pose)
        return pose

    @cached_property
    def _names(self) -> ImageNames:
        return ImageNames(self.images)


def _number_in(stem: str) -> str:
    """The number that a name ends in, without zeros before it: "7" for frame_007."""
    digits = re.search(r"[0-9]*\Z", stem)
    assert digits is not None
    return digits[0].lstrip("0") or digits[0][:1]


def _digest(parts: Iterable[str | bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()[:16]
