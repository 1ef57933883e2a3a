"""The furniture models: finds them, packs them once, and splits them into two parts."""

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
HELD_OUT = 0.12  # share of the models that training never uses
_KEPT = 300  # models that stay in memory


class Library:
    """Models by number, decoded on demand.

    Attributes:
        entries: Catalogue entry of each model.
        dropped: Reasons why models of the source are missing, by their id.
    """

    def __init__(self, pack: Pack) -> None:
        self.entries = pack.entries
        self.dropped = pack.dropped
        self._pack = pack
        self._models: OrderedDict[int, Model] = OrderedDict()

    def model(self, number: int) -> Model:
        """Returns the model of ``entries[number]``. The latest few hundred are kept in memory.

        Raises:
            InputError: The packed file is damaged.
        """
        if number not in self._models:
            self._models[number] = self._pack.model(number)
            if len(self._models) > _KEPT:
                self._models.popitem(last=False)
        self._models.move_to_end(number)
        return self._models[number]

    def numbers(self, held_out: bool) -> list[int]:
        """Returns the numbers of the models for training, or of those held out."""
        kept = held_out_ids(self.entries)
        return [k for k, entry in enumerate(self.entries) if (entry.id in kept) == held_out]


def held_out_ids(entries: list[Entry]) -> set[str]:
    """Returns the ids of the held-out models: those with the lowest hashes of each category."""
    kept: set[str] = set()
    for category in {entry.category for entry in entries}:
        ids = sorted({entry.id for entry in entries if entry.category == category}, key=_hash)
        kept.update(ids[: round(HELD_OUT * len(ids))])
    return kept


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def open_library(source: Path | None = None, cache: Path | None = None) -> Library:
    """Opens the furniture. The first call packs the libraries, which takes minutes.

    Args:
        source: A packed file, or a folder of ``.sh3f`` libraries; by default Debian's folder.
        cache: Folder of the packed file; by default one in the user's cache folder.

    Raises:
        InputError: There are no libraries, or a file cannot be read.
        OutputError: The packed file cannot be written.
    """
    if source is not None and source.is_file():
        return Library(Pack(source))
    paths = _libraries_in(source or DEBIAN_FOLDER)
    # Other libraries, or other versions of them, get their own packed file.
    sizes = "".join(f"{path.name} {path.stat().st_size} " for path in paths)
    packed = (cache or _cache_folder()) / f"furniture-{_hash(sizes).hex()[:12]}.pack"
    if not packed.is_file():
        _pack(paths, packed)
    return Library(Pack(packed))


def pack_libraries(folder: Path, target: Path) -> None:
    """Packs the ``.sh3f`` libraries of a folder into one file.

    Raises:
        InputError: The folder has no library, or one cannot be read.
        OutputError: The file cannot be written.
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
