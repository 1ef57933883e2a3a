"""The formats of depth and of clouds, one row each. All other code takes its knowledge from here.

Nothing heavy is imported before a row's function is called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ppdcli.cloud_data import CloudData
    from ppdcli.cloud_options import CloudOptions
    from ppdcli.depth_data import DepthData, Kind
    from ppdcli.files.choices import Choices, Scale


@dataclass(frozen=True)
class Reading:
    """How a format is read.

    Attributes:
        name: the format's name.
        magic: the first bytes of its files.
        read: reads the depth in a file. The given kind and scale hold if the file does not state
            its own. Raises InputError, also if neither the file nor the caller states them.
        states_unit: whether a file states what its values are.
        needs_scale: whether a file holds whole numbers and does not say what a step is. Raises
            InputError.
    """

    name: str
    magic: bytes
    read: Callable[[Path, Kind | None, Scale | None], DepthData]
    states_unit: Callable[[Path], bool]
    needs_scale: Callable[[Path], bool]


@dataclass(frozen=True)
class DepthFormat:
    """A format that depth is written in.

    Attributes:
        name: the name for --format.
        ending: follows the photo's name in the name of the file.
        write: writes a map; returns a line for the user or None. Raises OutputError.
        choices: the attributes of ``Choices`` that its files depend on.
        reading: how it is read; None for pictures, which cannot be turned back into depth.
    """

    name: str
    ending: str
    write: Callable[[Path, DepthData, Choices], str | None]
    choices: tuple[str, ...] = ()
    reading: Reading | None = None

    @property
    def suffix(self) -> str:
        """The file suffix, such as ``.png``."""
        return Path(f"x{self.ending}").suffix


@dataclass(frozen=True)
class CloudFormat:
    """A format that clouds are written in.

    Attributes:
        name: as --format has it.
        ending: what follows the photo's name in that of the file.
        write: writes a cloud as the options say; returns a line for the user or None. Raises
            InputError if the cloud does not allow it, and OutputError.
    """

    name: str
    ending: str
    write: Callable[[Path, CloudData, CloudOptions], str | None]

    @property
    def suffix(self) -> str:
        """The file suffix, such as ``.ply``."""
        return Path(f"x{self.ending}").suffix


def _write_png(path: Path, depth: DepthData, choices: Choices) -> str | None:
    from ppdcli.files import png

    return png.write(path, depth, choices.png_scale)


def _read_png(path: Path, _kind: Kind | None, scale: Scale | None) -> DepthData:
    from ppdcli.files import png

    return png.read(path, scale)


def _png_states_unit(path: Path) -> bool:
    from ppdcli.files import png

    return png.states_scale(path)


def _png_needs_scale(path: Path) -> bool:
    return not _png_states_unit(path)


def _write_exr(path: Path, depth: DepthData, _choices: Choices) -> None:
    from ppdcli.files import exr

    exr.write(path, depth)


def _read_exr(path: Path, _kind: Kind | None, scale: Scale | None) -> DepthData:
    from ppdcli.files import exr
    from ppdcli.files.depth_scale import require_no_step

    require_no_step(path, scale)
    return exr.read(path)


def _write_npy(path: Path, depth: DepthData, _choices: Choices) -> None:
    from ppdcli.files import npy

    npy.write(path, depth)


def _read_npy(path: Path, kind: Kind | None, scale: Scale | None) -> DepthData:
    from ppdcli.files import npy

    return npy.read(path, _stated(kind, path), scale)


def _read_npz(path: Path, kind: Kind | None, scale: Scale | None) -> DepthData:
    from ppdcli.files import npz_depth

    return npz_depth.read(path, _stated(kind, path), scale)


def _npy_needs_scale(path: Path) -> bool:
    from ppdcli.files import npy

    return npy.holds_steps(path)


def _npz_needs_scale(path: Path) -> bool:
    from ppdcli.files import npz_depth

    return npz_depth.holds_steps(path)


def _stated(kind: Kind | None, path: Path) -> Kind:
    from ppdcli.errors import InputError

    if kind is None:
        raise InputError(
            f"{path}: {path.suffix or '.npy'} files do not say what their values are; say whether "
            "they are metric or relative, or give PNG or EXR"
        )
    return kind


def _write_preview(path: Path, depth: DepthData, choices: Choices) -> None:
    from ppdcli.files import preview

    preview.write(path, depth, choices.colormap, choices.value_range)


def _write_ply(path: Path, cloud: CloudData, _options: CloudOptions) -> None:
    from ppdcli.files import ply

    ply.write(path, cloud)


def _write_glb(path: Path, cloud: CloudData, options: CloudOptions) -> None:
    from ppdcli.files import cloud_mesh, glb

    glb.write(path, cloud_mesh.mesh_of(cloud, options.axes, options.faces))


def _write_html(path: Path, cloud: CloudData, _options: CloudOptions) -> str | None:
    from ppdcli.files import html

    return html.write(path, cloud)


def _write_side(path: Path, cloud: CloudData, options: CloudOptions) -> None:
    from ppdcli.files import cloud_picture

    cloud_picture.write(path, cloud, options.axes)


_DEPTH = (
    DepthFormat(
        "png",
        "_depth.png",
        _write_png,
        ("png_scale",),
        Reading("png", b"\x89PNG\r\n\x1a\n", _read_png, _png_states_unit, _png_needs_scale),
    ),
    # An EXR that does not state its kind holds metres, by convention.
    DepthFormat(
        "exr",
        "_depth.exr",
        _write_exr,
        (),
        Reading("exr", b"\x76\x2f\x31\x01", _read_exr, lambda path: True, lambda path: False),
    ),
    DepthFormat(
        "npy",
        "_depth.npy",
        _write_npy,
        (),
        Reading("npy", b"\x93NUMPY", _read_npy, lambda path: False, _npy_needs_scale),
    ),
    DepthFormat("preview", "_preview.png", _write_preview, ("colormap", "value_range")),
)
_CLOUDS = (
    CloudFormat("ply", ".ply", _write_ply),
    CloudFormat("glb", ".glb", _write_glb),
    CloudFormat("html", ".html", _write_html),
    CloudFormat("side", "_side.png", _write_side),
)

DEPTH_FORMATS: dict[str, DepthFormat] = {row.name: row for row in _DEPTH}
CLOUD_FORMATS: dict[str, CloudFormat] = {row.name: row for row in _CLOUDS}


# Formats of other programs, which are only read.
_FOREIGN = (Reading("npz", b"PK\x03\x04", _read_npz, lambda path: False, _npz_needs_scale),)


def readable() -> Iterator[Reading]:
    """Yields the readers of all formats that depth can be read from."""
    own = (row.reading for row in DEPTH_FORMATS.values())
    return (reading for reading in (*own, *_FOREIGN) if reading is not None)


def own_endings() -> tuple[str, ...]:
    """Returns the endings of our own pictures and depth maps. They are never taken for photos."""
    endings = [row.ending for row in DEPTH_FORMATS.values()]
    endings += [row.ending for row in CLOUD_FORMATS.values()]
    return tuple(ending for ending in endings if ending.startswith("_"))
