"""Makes lenses from the names that programs give to their models."""

from __future__ import annotations

import math

from ppdcli.errors import shown
from ppdcli.geometry.distortion import NAMES, Distortion, Model

_MODELS: dict[str, Model] = {
    "plumb_bob": "opencv",  # ROS
    "rational_polynomial": "opencv",
    "radtan": "opencv",  # Kalibr
    "radial_tangential": "opencv",  # EuRoC
    "brown_conrady": "opencv",  # RealSense
    "opencv": "opencv",
    "simple_radial": "opencv",
    "radial": "opencv",
    "perspective": "opencv",
    "equidistant": "fisheye",
    "equi": "fisheye",
    "fisheye": "fisheye",
    "opencv_fisheye": "fisheye",
    "kannala_brandt": "fisheye",
    "kannala_brandt4": "fisheye",
    "kannalabrandt8": "fisheye",  # ORB-SLAM
    "fov": "fov",
}
_NO_MODEL = ("", "none", "pinhole", "simple_pinhole")
# Their polynomials have the other direction. Without coefficients they are pinholes too.
_LIKE_BROWN = ("inverse_brown_conrady", "modified_brown_conrady")

# The numbers of coefficients that a model may have. OpenCV's last ones are prisms and tilt.
_COUNTS: dict[Model, tuple[int, ...]] = {
    "opencv": (4, 5, 8, 12, 14),
    "fisheye": (4,),
    "fov": (1,),
    "thin_prism_fisheye": (8,),
}

FIRST = "undistort the image first"


def named_model(name: str) -> str:
    """Returns a model's name in lower case with underscores, as in "radial_tangential"."""
    plain = name.strip().lower().removeprefix("distortion.")
    return plain.replace("-", "_").replace(" ", "_")


def is_model(name: str) -> bool:
    """Whether a name is that of a model that can be undistorted."""
    plain = named_model(name)
    return plain in _MODELS or plain in _NO_MODEL or plain in _LIKE_BROWN


def is_no_lens(name: str) -> bool:
    """Whether a name is that of a camera without distortion."""
    return named_model(name) in _NO_MODEL


def lens_of(name: str, coefficients: list[float]) -> Distortion | None:
    """Returns the lens of a model with its coefficients; None for a pinhole.

    Coefficients without a model are those of OpenCV.

    Raises:
        ValueError: the lens cannot be undistorted. The text is the reason and what to do.
    """
    plain = named_model(name)
    if plain in _NO_MODEL or plain in _LIKE_BROWN:
        if not any(coefficients):
            return None
        plain = "opencv" if plain in _NO_MODEL else plain
    if plain not in _MODELS:
        raise ValueError(
            f"its distortion model {shown(name)} cannot be undistorted; {FIRST}, or calibrate with "
            "plumb_bob (radtan), rational_polynomial or equidistant"
        )
    model = _MODELS[plain]
    known = len(NAMES[model])
    if any(coefficients[known:]):
        raise ValueError(
            f"its {len(coefficients)} distortion coefficients are more than the {known} that can "
            f"be undistorted; {FIRST}, or calibrate without the others"
        )
    needed = any(coefficients) or model == "fov"
    if needed and len(coefficients[:known]) not in _COUNTS[model]:
        counts = ", ".join(map(str, _COUNTS[model]))
        raise ValueError(
            f"its {len(coefficients)} distortion coefficients are no complete set of "
            f"{model} ({counts}); correct them"
        )
    return checked_lens(model, coefficients[:known])


def checked_lens(model: Model, coefficients: list[float]) -> Distortion | None:
    """Returns a lens by our own name of its model; None for a pinhole.

    Raises:
        ValueError: a coefficient is out of range. The text is the reason and what to do.
    """
    if model == "fov" and coefficients and not abs(coefficients[0]) < math.pi:
        raise ValueError(f"its omega is {coefficients[0]:g}, not below pi; export it again")
    distortion = Distortion.of(model, *coefficients)
    return None if distortion.is_pinhole else distortion
