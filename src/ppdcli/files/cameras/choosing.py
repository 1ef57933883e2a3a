"""Which of the cameras in a file took a photo."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from ppdcli.errors import InputError, shown
from ppdcli.files.cameras.stated import Contents, StatedCamera

_TOLD = 6  # labels that a message names


@dataclass(frozen=True)
class Chooser:
    """Finds the camera of a photo.

    Attributes:
        contents: of a camera file.
        file: its name, for messages.
    """

    contents: Contents
    file: str

    def chosen(self, photo: str, size: tuple[int, int]) -> StatedCamera:
        """The camera of a photo.

        Cameras that are all alike are one. Where the file names images, it is the one that it names
        for the photo: the name that shares the longest end of its path, and at least the file name.
        Else it is the one in whose folder the photo is, where cameras have folders; of several, or
        where there are no folders, the only one of the photo's size, where all state theirs.

        Args:
            photo: the photo's path, as the user gave it.
            size: width and height of the photo; a photo on its side counts, too.

        Raises:
            InputError: none of them, or several.
        """
        cameras = self.contents.cameras
        if self._all_alike:
            return cameras[0]
        path = PurePosixPath(photo.replace("\\", "/"))
        if self.contents.images:
            return self._of_image(path)
        places = {*path.parts[:-1], path.stem}
        found = {cameras[index] for name, index in self.contents.folders if name in places}
        found = found or set(cameras)
        if len(found) > 1 and all(camera.size for camera in found):
            found = {camera for camera in found if camera.size in (size, size[::-1])}
        if len(found) == 1:
            return found.pop()
        labels = [shown(camera.label, 40) for camera in cameras if camera.label]
        told = ", ".join(labels[:_TOLD]) + (", ..." if len(labels) > _TOLD else "")
        raise InputError(
            f"{self.file}: holds {len(cameras)} cameras{f' ({told})' if told else ''} and does not "
            f"say which one took {photo}; {_way_on(self.contents)}"
        )

    def _of_image(self, path: PurePosixPath) -> StatedCamera:
        images = self.contents.images
        found = self._by_name.get(path.name) or self._by_name.get(path.stem) or []
        ranks = [(_likeness(recorded, path), index) for recorded, index in found]
        best = max((rank for rank, _ in ranks), default=None)
        likely = {self.contents.cameras[index] for rank, index in ranks if rank == best}
        if not likely:
            raise InputError(
                f"{self.file}: has no image {path.name} among its {len(images)}, such as "
                f"{shown(images[0][0])!r}; give the image under its name there, or a file with one "
                "camera"
            )
        if len(likely) > 1:
            raise InputError(
                f"{self.file}: names several images {path.name} with different cameras; give the "
                "image with its folders as they are named there"
            )
        return likely.pop()

    @cached_property
    def _all_alike(self) -> bool:
        return len(set(self.contents.cameras)) == 1

    @cached_property
    def _by_name(self) -> dict[str, list[tuple[PurePosixPath, int]]]:
        """Recorded paths by their last part."""
        table: dict[str, list[tuple[PurePosixPath, int]]] = {}
        for recorded, index in self.contents.images:
            path = PurePosixPath(recorded.replace("\\", "/"))
            table.setdefault(path.name, []).append((path, index))
        return table


def _way_on(contents: Contents) -> str:
    ways = [contents.missing] if contents.missing else []
    if contents.folders:
        ways.append(f"put the photo into its camera's folder, such as {contents.folders[0][0]}")
    return ", ".join([*ways, "keep one camera, or type its fx,fy,cx,cy"])


def _likeness(recorded: PurePosixPath, path: PurePosixPath) -> tuple[bool, int]:
    """How well two paths agree, whose last parts do: all of ``recorded``, and how many parts."""
    agree = 1
    for mine, theirs in zip(recorded.parts[-2::-1], path.parts[-2::-1], strict=False):
        if mine != theirs:
            break
        agree += 1
    return agree == len(recorded.parts), agree
