"""Names of outputs for photos that differ in their ending alone, such as IMG_1.HEIC and .JPG."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePath
from unicodedata import normalize


def endings_kept(names: Sequence[str], stems: Sequence[PurePath]) -> dict[int, PurePath]:
    """Longer stems for photos of one folder that would share an output's name.

    IMG_1.HEIC and IMG_1.JPG become IMG_1.HEIC_depth.png and IMG_1.JPG_depth.png; a photo that is
    alone becomes IMG_1_depth.png. So a name depends on the folder's photos, and not on their order.

    Args:
        names: of the photos, with their folders.
        stems: of their outputs.

    Returns:
        Index -> stem, of those that change.
    """
    longer: dict[int, PurePath] = {}
    while True:
        groups: defaultdict[tuple[PurePath, str], list[int]] = defaultdict(list)
        for index, (name, stem) in enumerate(zip(names, stems, strict=True)):
            # Some file systems do not tell A from a, nor the two ways to write an accent.
            folded = normalize("NFC", str(longer.get(index, stem))).casefold()
            groups[PurePath(name).parent, folded].append(index)
        clashing = {k for group in groups.values() if len(group) > 1 for k in group} - longer.keys()
        if not clashing:
            return longer
        longer |= {k: stems[k].with_name(PurePath(names[k]).name) for k in sorted(clashing)}
