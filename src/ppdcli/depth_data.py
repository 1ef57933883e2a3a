"""Depth values and what it takes to use them rightly, without any file or network."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from ppdcli.geometry.camera import Camera
from ppdcli.version import __version__
from ppdcli.wording import counted

if TYPE_CHECKING:
    from ppdcli.geometry.upsample import Enlarge

Kind = Literal["relative", "metric"]
Unit = Literal["m", "relative"]

MEANING: dict[Kind, str] = {
    "relative": "affine in log(depth in metres + 1); 0 is near, 1 is far",
    "metric": "depth along the camera's optical axis (Z), not ray length",
}

PROVENANCE = ("model", "seed", "steps", "size", "precision", "deviation", "scale_from")
"""What depth files carry about their origin, besides the program's version. ``precision`` is stated
where it is not fp32; ``deviation`` is how far depth may then be from that of fp32."""

PROGRAM = "program"
"""The key of that version; only files that this program wrote have it."""


@dataclass(frozen=True, eq=False, repr=False)
class DepthData:
    """A depth map and what it takes to use it rightly. ``np.asarray`` gives its values.

    Attributes:
        values: (H, W) float32. ``relative``: the network's own output x_0 + 0.5, about [0, 1],
            0 near, 1 far, affine in log(depth + 1) (paper section 3.1). ``metric``: metres along
            the optical axis, > 0. NaN where there is no depth.
        kind: what the values are.
        camera: pinhole camera of this very grid, if known.
        provenance: where the values come from, keys as in ``PROVENANCE``.
        timings: seconds that the parts of the prediction took, for the batch it was in.
        notes: lines for the user on how a file was read, each naming the file.
        as_shown: whether the map is known to be of the photo as it is shown. False for a file of
            another program, which may be of the image as it is stored, before EXIF turns it.
        unmasked: (H, W) float32, the values before those of the sky and of transparent pixels were
            taken out, which show where the edges before these are; None where none were.
    """

    values: np.ndarray
    kind: Kind
    camera: Camera | None = None
    provenance: dict[str, str] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    as_shown: bool = True
    unmasked: np.ndarray | None = None

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is None:
            return np.asarray(self.values, dtype)
        return np.array(self.values, dtype, copy=copy)

    def __repr__(self) -> str:
        height, width = self.shape
        known = self.values[np.isfinite(self.values)]
        unit = " m" if self.kind == "metric" else ""
        ends = f"{known.min():.3g} to {known.max():.3g}{unit}" if known.size else "no depth"
        holes = self.values.size - known.size
        without = f", {counted(holes, 'pixel')} without depth" if holes and known.size else ""
        model = f", by {self.provenance['model']}" if "model" in self.provenance else ""
        return f"<{type(self).__name__} {width}x{height}, {self.kind}, {ends}{without}{model}>"

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        height, width = self.values.shape
        return height, width

    @property
    def unit(self) -> Unit:
        """``m`` for metric depth, ``relative`` otherwise."""
        return "m" if self.kind == "metric" else "relative"

    def facts(self) -> dict[str, str]:
        """What every file of this map says about it: kind, unit, meaning, provenance, program."""
        return {
            "kind": self.kind,
            "unit": self.unit,
            "meaning": MEANING[self.kind],
            PROGRAM: f"ppdcli {__version__}",
            **self.provenance,
        }

    def report(self) -> dict[str, str | int]:
        """What a machine-readable report says about it: unit, model, seed, steps, size."""
        numbers: dict[str, str | int] = {
            key: int(value) for key, value in self.provenance.items() if key in ("seed", "steps")
        }
        return {"unit": self.unit, **self.provenance, **numbers}

    def visible(self, opaque: np.ndarray | None) -> Self:
        """The map without depth where the photo is transparent.

        Args:
            opaque: (h, w) bool of the photo, which may be on another grid; a pixel of the map that
                covers any True one keeps its depth. None: all are.
        """
        from ppdcli.geometry.masks import any_in_cell

        if opaque is None:
            return self
        return self.masked(any_in_cell(opaque, *self.values.shape))

    def masked(self, seen: np.ndarray) -> Self:
        """The map without depth where ``seen``, (H, W) bool, is False."""
        unmasked = self.values if self.unmasked is None else self.unmasked
        values = np.where(seen, self.values, np.float32(np.nan))
        return replace(self, values=values, unmasked=unmasked)

    def resized(
        self,
        height: int,
        width: int,
        rgb: np.ndarray | None = None,
        enlarge: Enlarge | None = None,
    ) -> Self:
        """The map and its camera on another grid, without depths between two surfaces.

        ``rgb`` (height, width, 3) uint8 is the photo on that grid, whose edges the map's then
        follow (``geometry.upsample``). ``enlarge`` takes the place of ``upsample_depth``.

        Metric values are interpolated in log(depth + 1), where the network's own output lives,
        so that one threshold suits near and far edges alike.
        """
        from ppdcli.geometry.upsample import upsample_depth

        if self.values.shape == (height, width):
            return self
        enlarge = enlarge or upsample_depth
        if self.kind == "metric":
            values = enlarge(np.log1p(self.values), height, width, guide=rgb)
            np.expm1(values, out=values)
        else:
            values = enlarge(self.values, height, width, guide=rgb)
        camera = self.camera.resized(width, height) if self.camera else None
        return replace(self, values=values, camera=camera, unmasked=None)
