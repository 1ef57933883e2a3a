"""The models that scenes are furnished with: found, packed once, split in two."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections import OrderedDict
from pathlib import Path

from ppdcli.errors import InputError
from ppdcli.scenes.furnished.models.model import Entry, Model
from ppdcli.scenes.furnished.models.packing import Pack, write_pack
from ppdcli.scenes.furnished.models.sh3f import listed_models, read_model

DEBIAN_FOLDER = Path("/usr/share/sweethome3d/furniture")
HELD_OUT = 0.12  # share of the models that training does not see
_KEPT = 300  # models that stay in memory


class Library:
    """Models by number, decoded when they are asked for.

    Attributes:
        entries: what the catalogue says about each.
        dropped: why models of the source are not here, by their id.
    """

    def __init__(self, pack: Pack) -> None:
        self.entries = pack.entries
        self.dropped = pack.dropped
        self._pack = pack
        self._models: OrderedDict[int, Model] = OrderedDict()

    def model(self, number: int) -> Model:
        """The model of ``entries[number]``; the last few hundred are kept in memory.

        Raises:
            InputError: the packed file is damaged.
        """
        if number not in self._models:
            self._models[number] = self._pack.model(number)
            if len(self._models) > _KEPT:
                self._models.popitem(last=False)
        self._models.move_to_end(number)
        return self._models[number]

    def numbers(self, held_out: bool) -> list[int]:
        """Numbers of the models of one part: those for training, or those kept out of it."""
        kept = held_out_ids(self.entries)
        return [k for k, entry in enumerate(self.entries) if (entry.id in kept) == held_out]


def held_out_ids(entries: list[Entry]) -> set[str]:
    """Ids of the models that training does not see: of each category those of lowest hash."""
    kept: set[str] = set()
    for category in {entry.category for entry in entries}:
        ids = sorted({entry.id for entry in entries if entry.category == category}, key=_hash)
        kept.update(ids[: round(HELD_OUT * len(ids))])
    return kept


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def open_library(source: Path | None = None, cache: Path | None = None) -> Library:
    """Opens the furniture. The first time it packs the libraries, which takes minutes.

    Args:
        source: a packed file, or a folder of ``.sh3f`` libraries; by default Debian's folder.
        cache: folder of the packed file; by default one in the user's cache folder.

    Raises:
        InputError: there are no libraries, or a file cannot be read.
        OutputError: the packed file cannot be written.
    """
    if source is not None and source.is_file():
        return Library(Pack(source))
    paths = _libraries_in(source or DEBIAN_FOLDER)
    # Other libraries, or other versions of them, are packed into another file.
    sizes = "".join(f"{path.name} {path.stat().st_size} " for path in paths)
    packed = (cache or _cache_folder()) / f"furniture-{_hash(sizes).hex()[:12]}.pack"
    if not packed.is_file():
        _pack(paths, packed)
    return Library(Pack(packed))


def pack_libraries(folder: Path, target: Path) -> None:
    """Packs the ``.sh3f`` libraries of a folder into one file.

    Raises:
        InputError: the folder has no library, or one cannot be read.
        OutputError: the file cannot be written.
    """
    _pack(_libraries_in(folder), target)


def _libraries_in(folder: Path) -> list[Path]:
    paths = sorted(folder.glob("*.sh3f"))
    if not paths:
        raise InputError(
            f"{folder}: has no furniture libraries (.sh3f); install them with `apt install "
            "sweethome3d-furniture` on Debian or Ubuntu, or download them from sweethome3d.com "
            "into a folder and name that folder"
        )
    return paths


def _pack(paths: list[Path], target: Path) -> None:
    models: list[tuple[Entry, Model]] = []
    dropped: dict[str, str] = {}
    for path in paths:
        try:
            with zipfile.ZipFile(path) as library:
                for listed in listed_models(library):
                    try:
                        models.append((listed.entry, read_model(library, listed)))
                    except (ValueError, KeyError, zlib.error) as error:
                        dropped[listed.entry.id] = str(error)
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise InputError(
                f"{path}: is not a furniture library ({error}); download it again"
            ) from error
    write_pack(target, models, dropped)


def _cache_folder() -> Path:
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("ppdcli", appauthor=False)) / "scenes"
