"""The result of a prediction: a depth map that knows what its numbers mean."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import numpy as np

from ppdcli.announce import warn
from ppdcli.depth_data import DepthData
from ppdcli.errors import InputError, UsageError
from ppdcli.photo import Photo, PhotoSource, load_photo

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ppdcli.axes import Axes
    from ppdcli.cloud import PointCloud
    from ppdcli.cloud_options import CloudOptions
    from ppdcli.files.choices import Colormap, PngScale, Scale
    from ppdcli.files.sparse_depth import SparseDepth
    from ppdcli.geometry.upsample import Enlarge
    from ppdcli.metric import Estimate, Estimator
    from ppdcli.views import CameraSource, View


@dataclass(frozen=True, eq=False, repr=False)
class DepthMap(DepthData):
    """Depth values that can be resized, saved and placed in space; see ``DepthData``.

    Attributes:
        photo: that the map is of; None where it is not known.
    """

    photo: Photo | None = None

    def _repr_html_(self) -> str:
        from ppdcli.files.notebook import depth_html

        return depth_html(self, repr(self))

    def _repr_png_(self) -> bytes:
        from ppdcli.files.notebook import depth_png

        return depth_png(self)

    def preview(
        self, colormap: Colormap = "spectral", value_range: tuple[float, float] | None = None
    ) -> np.ndarray:
        """A picture for the eye, (H, W, 3) uint8 RGB; see ``files.preview.colorize``.

        Args:
            colormap: spectral, inferno, turbo, viridis or gray.
            value_range: values that get the nearest and the farthest colour, the same for all
                frames of a video; the map's own 2nd and 98th percentile if None.

        Raises:
            UsageError: an unknown colormap, or a range that is not min < max.
        """
        from ppdcli.files.preview import colorize

        return colorize(self, colormap, value_range)

    def full_size(self, enlarge: Enlarge | None = None) -> DepthMap:
        """The map at the size of its photo, whose edges it follows; see ``resized``.

        Args:
            enlarge: ``Predictor.enlarge``, which is fast where the model is on a graphics card.

        Raises:
            UsageError: the photo is not known.
        """
        photo = self._known_photo("full_size")
        values, mask = self._before_masks(photo)
        height, width = photo.rgb.shape[:2]
        map_ = self if mask is not None else replace(self, values=values, unmasked=None)
        return map_.resized(height, width, photo.rgb, enlarge).visible(photo.opaque)

    def to_metric(
        self,
        *,
        near_far: tuple[float, float] | None = None,
        known: SparseDepth | ArrayLike | str | os.PathLike[str] | None = None,
        moge2: Estimator | Estimate | None = None,
        keep_sky: bool = False,
        scale: Scale | None = None,
        seed: int = 0,
    ) -> DepthMap:
        """This relative map in metres, by one of three ways.

        Args:
            near_far: depth in metres of the map's nearest and farthest pixel, 0 < near < far.
            known: depths that are known: (N, 3) rows of u, v and metres, or a file of these, or a
                depth map with holes (``files.sparse_depth.read_sparse_depth``). u and v are column
                and row in pixels of the photo, or of this map where it has no photo; the first
                pixel's centre is (0, 0). Outliers are tolerated.
            moge2: a model that was loaded with ``metric=True``, or its estimate of the photo.
            keep_sky: with MoGe-2, depth also where it sees none, at most its farthest.
            scale: what a step of whole numbers in a file of known depths is: mm, kitti, tum or
                metres.
            seed: of RANSAC.

        Returns:
            The metric map on the same grid. By MoGe-2 it has a camera too, and no depth in the sky.

        Raises:
            UsageError: not one of the three, near and far that do not fit, rows of another shape,
                no photo for MoGe-2, or a map that is metric already.
            InputError: the depths do not fix a scale, do not fit, or cannot be read.
        """
        if self.kind == "metric":
            raise UsageError("this depth map is metric already; keep it as it is")
        if sum(way is not None for way in (near_far, known, moge2)) != 1:
            raise UsageError("metres come from one of near_far, known and moge2; give one of them")
        if near_far is not None:
            from ppdcli.known_depths import by_near_far

            return by_near_far(self, near_far)
        if known is not None:
            return self._aligned(known, scale, seed)
        from ppdcli.metric import Estimate, to_metric

        if not isinstance(moge2, Estimate):
            if moge2 is None or not hasattr(moge2, "estimate"):
                raise UsageError("moge2 takes a model that was loaded with metric=True")
            moge2 = moge2.estimate(self._known_photo("to_metric by MoGe-2"))
        return to_metric(self, moge2, keep_sky, seed)

    def to_pointcloud(
        self,
        rgb: PhotoSource | None = None,
        camera: CameraSource | None = None,
        axes: Axes = "opencv",
        edge_clean: bool = True,
        *,
        fov: float | None = None,
        snap: bool = False,
        normals: bool = False,
        voxel: float | None = None,
        near_far: tuple[float, float] | None = None,
    ) -> PointCloud:
        """One coloured point a pixel of the photo.

        The map need not have the photo's size, and is best not enlarged before: flying pixels are
        found on its own grid. A relative map without ``near_far`` is placed between 1 and 10; its
        proportions in depth are then not those of the scene.

        Args:
            rgb: the photo, where the map does not know its own, or another of the same size: what
                ``load_photo`` takes.
            camera: of the photo: a ``Camera``, or fx, fy, cx, cy in pixels, or a camera file; the
                map's own if not given.
            axes: "opencv" (x right, y down, z forward), "opengl" (x right, y up, z backward) or
                "blender" (x right, y forward, z up).
            edge_clean: leave out flying pixels, which hang in the air between two surfaces.
            fov: horizontal field of view in degrees, in place of a camera.
            snap: move flying pixels onto the surface that has their colour instead.
            normals: give each point a normal; points without one are left out.
            voxel: side of the cells that keep one point each, in the cloud's unit.
            near_far: depth in metres of a relative map's nearest and farthest point.

        Raises:
            UsageError: no camera or no photo is known, one of them is for another size, or an
                argument is out of range.
            InputError: the map holds no depth to place, the photo is a panorama or of other
                proportions, or a file cannot be read.
        """
        photo = self._known_photo("to_pointcloud") if rgb is None else self._photo_of(rgb)
        from ppdcli.cloud_options import CloudOptions
        from ppdcli.views import View

        view = self._view(photo, camera, fov)
        options = CloudOptions(axes, edge_clean, snap, normals, voxel)
        cloud = self.placed(photo, view, options, near_far)
        if not isinstance(camera, View):  # whose notes somebody has read already
            warn(view.notes)
        return cloud

    def placed(
        self,
        photo: Photo,
        view: View,
        options: CloudOptions,
        near_far: tuple[float, float] | None = None,
    ) -> PointCloud:
        """``to_pointcloud`` once photo, camera and options are known; it raises the same."""
        from ppdcli.cloud import make_cloud

        notes = [f"photo {PurePath(photo.name).name}", f"camera {view.source}"]
        if near_far is not None:
            notes.append("scale_from near-far {:g},{:g} m".format(*near_far))
        values, mask = self._before_masks(photo)
        return make_cloud(
            replace(self, values=values),
            photo.rgb,
            view.camera,
            options,
            near_far=near_far,
            distortion=view.distortion,
            mask=mask,
            opaque=photo.opaque,
            notes=tuple(notes),
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a depth file; the suffix picks the format.

        ``.png``: 16 bit, millimetres when metric, normalized when relative. ``.exr``: float32
        channels Z and Y. ``.npy``: the float32 values. For other encodings see ``ppdcli.files``.

        Warns:
            PpdWarning: some depths are beyond what the format holds.

        Raises:
            UsageError: another suffix.
            OutputError: the file cannot be written.
        """
        from ppdcli.files.choices import Choices
        from ppdcli.files.formats import DEPTH_FORMATS

        path = Path(path)
        png_scale: PngScale = "mm" if self.kind == "metric" else "normalized"
        for row in DEPTH_FORMATS.values():
            if row.reading is not None and path.suffix.lower() == row.suffix:
                note = row.write(path, self, Choices(png_scale=png_scale))
                warn([] if note is None else [note])
                return
        raise UsageError(f"{path}: depth is saved as .png, .exr or .npy; use one of these")

    def _aligned(
        self,
        known: SparseDepth | ArrayLike | str | os.PathLike[str],
        scale: Scale | None,
        seed: int,
    ) -> DepthMap:
        from ppdcli.files.depth_scale import given_step
        from ppdcli.files.sparse_depth import SparseDepth
        from ppdcli.known_depths import by_known, known_in_photo

        height, width = self.shape if self.photo is None else self.photo.rgb.shape[:2]
        if isinstance(known, SparseDepth):
            return by_known(self, known, width, height, seed)
        found = known_in_photo(known, (width, height), self.photo, given_step(scale))
        try:
            metric = by_known(self, found, width, height, seed)
        except InputError as error:
            if not isinstance(known, str | os.PathLike):
                raise
            raise InputError(f"{os.fspath(known)}: {error}") from error
        warn(found.notes)
        return metric

    def _view(self, photo: Photo, camera: CameraSource | None, fov: float | None) -> View:
        """The camera of the photo; by its own size, whatever the map's."""
        from ppdcli.panoramas import require_pinhole
        from ppdcli.views import View, view_by_fov, view_of

        if camera is not None and fov is not None:
            raise UsageError("camera and fov both name the camera; give one")
        require_pinhole(photo, camera is not None or fov is not None, "camera or fov")
        if camera is not None:
            return view_of(photo, camera)
        if fov is not None:
            return view_by_fov(photo, fov)
        height, width = photo.rgb.shape[:2]
        if self.camera is not None:
            return View(self.camera.resized(width, height), "of the depth map")
        raise UsageError(
            "this depth map has no camera; give one, such as Camera.from_fov(60, width, height), "
            "or its field of view as fov"
        )

    def _photo_of(self, rgb: PhotoSource) -> Photo:
        """A photo that may be of this map."""
        from ppdcli.files.depth_files import require_view

        photo = load_photo(rgb)
        height, width = photo.rgb.shape[:2]
        require_view(photo.name, self.shape, width, height)
        return photo

    def _before_masks(self, photo: Photo) -> tuple[np.ndarray, np.ndarray | None]:
        """The values that edges are found with, and where the map has depth, where that differs.

        Of a relative map only transparent pixels are taken out, which the photo still knows.
        """
        if self.unmasked is None:
            return self.values, None
        if self.kind == "relative" and photo.opaque is not None:
            return self.unmasked, None
        return self.unmasked, np.isfinite(self.values)

    def _known_photo(self, wanted: str) -> Photo:
        if self.photo is None:
            raise UsageError(f"{wanted} needs the photo, which this depth map does not know")
        return self.photo
