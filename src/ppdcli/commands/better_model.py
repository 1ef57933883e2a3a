"""A hint, given once, that there are better models than the one inside the package."""

from __future__ import annotations

from ppdcli.announce import Announce, silent
from ppdcli.checkpoints.catalog_rows import AUTO, FALLBACK
from ppdcli.checkpoints.pins import NoFolderError, own_folder

MARKER = "told-of-better-models"  # in the folder of the package's own


def tell_of_better_model(asked: str, taken: str, announce: Announce) -> None:
    """Names the paper's model if the small one was taken for want of it. A user reads it once.

    Args:
        asked: the model's name as the user gave it.
        taken: the model that was loaded.
    """
    if asked != AUTO or taken != FALLBACK or announce is silent or not _first_time():
        return
    announce(
        f"{taken} is the small model inside the package; for the paper's, give -m ppd-da2 "
        "(downloads about 3.3 GB once; its encoder's licence, CC-BY-NC-4.0, forbids commercial "
        "use). This hint is not repeated"
    )


def _first_time() -> bool:
    """Leaves a mark for later runs; where that is impossible, every run is the first."""
    try:
        marker = own_folder() / MARKER
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch(exist_ok=False)
    except FileExistsError:
        return False
    except (OSError, NoFolderError):
        return True
    return True
