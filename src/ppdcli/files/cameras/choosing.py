"""Chooses the camera of a photo among the cameras of a file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from ppdcli.errors import InputError, shown
from ppdcli.files.cameras.image_names import ImageNames
from ppdcli.files.cameras.stated import Contents, StatedCamera

_TOLD = 6  # number of labels in a message


@dataclass(frozen=True)
class Chooser:
    """Finds the camera of a photo.

    Attributes:
        contents: the content of a camera file.
        file: the file's name, for messages.
    """

    contents: Contents
    file: str

    def chosen(self, photo: str, size: tuple[int, int]) -> StatedCamera:
        """Returns the camera of a photo, by the first rule that applies:

        1. All cameras are equal: any of them.
        2. The file names images: the camera of the image whose path shares the longest end with the
           photo's path. At least the file names must agree.
        3. The cameras have folders: the camera in whose folder the photo is.
        4. Several cameras are left, and all state a size: the only one with the photo's size.

        Args:
            photo: the photo's path, as the user gave it.
            size: width and height of the photo; swapped sides count too.

        Raises:
            InputError: no camera or several cameras are left.
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
        likely = {self.contents.cameras[images[k][1]] for k in self._names.likely(path)}
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
    def _names(self) -> ImageNames:
        return ImageNames([name for name, _ in self.contents.images])


def _way_on(contents: Contents) -> str:
    ways = [contents.missing] if contents.missing else []
    if contents.folders:
        ways.append(f"put the photo into its camera's folder, such as {contents.folders[0][0]}")
    return ", ".join([*ways, "keep one camera, or type its fx,fy,cx,cy"])
