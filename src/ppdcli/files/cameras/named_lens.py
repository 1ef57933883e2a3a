"""Reads the lens from a camera's named values: a list of coefficients, or named coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ppdcli.errors import InputError, shown
from ppdcli.files.cameras.lens import FIRST, is_model, is_no_lens, lens_of
from ppdcli.files.cameras.names import (
    COEFFICIENT,
    DEVICE,
    FISHEYE,
    MODELS,
    flat,
    lenses,
    plain_name,
    unknown_lenses,
)
from ppdcli.files.cameras.stated import number, numbers
from ppdcli.geometry.distortion import NAMES, Distortion

_OMNIDIRECTIONAL = "xi"
_LENS_MODELS = MODELS[:2]  # the others name models of cameras


def lens_of_named(
    values: Mapping[str, Any], plain: Mapping[str, Any], where: str, which: str
) -> Distortion | None:
    """Returns the lens; None for a pinhole.

    Args:
        values: the camera's values by name.
        plain: the same values by the form of the names that is compared.
        where: the file, for messages.
        which: the camera whose lens is read, as in ``names.matrices``.

    Raises:
        InputError: a value makes no sense, or there are two lenses.
        ValueError: the lens cannot be undistorted. The text is the reason and what to do.
    """
    for key in unknown_lenses(values):
        raise InputError(
            f"{where}: {shown(key, 40)} is not a known entry; rename it to distortion_coefficients"
        )
    if _OMNIDIRECTIONAL in plain:
        raise ValueError(f"its lens has xi, which cannot be undistorted; {FIRST}")
    model = _model(plain, where)
    stated: dict[str, Any] = {}
    for key in lenses(values, which):
        value = flat(values[key])
        if isinstance(value, str):  # "distortion": "none"
            if not is_model(value):
                raise ValueError(f"its {key} {shown(value)} cannot be undistorted; {FIRST}")
            model = model or value
        elif value is not None and value is not False and value not in ([], {}):
            stated[key] = value
    named = {name: value for name, value in plain.items() if _is_coefficient(name, value)}
    if any(number(value, name, where) for name, value in named.items()):
        stated["k1, p1"] = named
    if len(stated) > 1:
        first, second = (shown(key, 40) for key in list(stated)[:2])
        raise InputError(f"{where}: {first} and {second} both state the lens; keep one")
    for key, value in stated.items():
        if isinstance(value, dict):
            bends = any(isinstance(v, int | float) and v for v in value.values())
            return _of_names(value, model or _device_model(plain, bends), where)
        coefficients = numbers(value if isinstance(value, list) else [value], key, where)
        return lens_of(model or _device_model(plain, any(coefficients)), coefficients)
    lens = lens_of(model, [])
    if _needs_coefficients(plain):
        raise ValueError(
            f"it states the distortion model {shown(model)} without coefficients; add them"
        )
    return lens


def _needs_coefficients(plain: Mapping[str, Any]) -> bool:
    """Whether a lens is named without coefficients. An empty list counts as coefficients of 0."""
    names = [plain.get(key) for key in _LENS_MODELS]
    stated = any(isinstance(name, str) and not is_no_lens(name) for name in names)
    return stated and not lenses(plain, "")


def _is_coefficient(name: str, value: Any) -> bool:
    return COEFFICIENT.fullmatch(name) is not None and isinstance(value, int | float | str)


def _of_names(values: Mapping[str, Any], model: str, where: str) -> Distortion | None:
    """Returns the lens of named coefficients. The model's name may be among them."""
    for key, value in values.items():
        if plain_name(str(key)) in ("model", "type", *MODELS) and isinstance(value, str):
            model = model or value
    coefficients = {key: value for key, value in values.items() if not isinstance(value, str)}
    stated = {plain_name(str(k)): number(v, str(k), where) for k, v in coefficients.items()}
    is_fisheye = lens_of(model, []) is not None
    names = NAMES["fisheye"] if is_fisheye else NAMES["opencv"][:5]
    for name, value in stated.items():
        if value and name not in names:  # in some programs k4 is the coefficient of r^8
            raise ValueError(f"its lens has {shown(name, 40)} beside {' '.join(names)}; {FIRST}")
    return lens_of(model, [stated.get(name, 0.0) for name in names])


def _model(plain: Mapping[str, Any], where: str) -> str:
    """Returns the name of the lens model or the camera model; empty if there is none."""
    if FISHEYE in plain and number(flat(plain[FISHEYE]), "fisheye_model", where) != 0:
        return "fisheye"
    for key in MODELS:
        value = plain.get(key)
        if isinstance(value, str) and value:
            return value
    return ""


def _device_model(plain: Mapping[str, Any], bends: bool) -> str:
    """Returns the entry ``model``: the lens model in RealSense's files, a device's name in others.

    An unknown name counts if there are coefficients, because it may be the name of their model.
    """
    value = plain.get(DEVICE, "")
    return str(value) if bends or (isinstance(value, str) and is_model(value)) else ""
