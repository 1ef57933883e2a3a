"""The layout and protocol of a set, as its reader declares them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ppdcli.evaluation.frames import Frame


@dataclass(frozen=True)
class SetRules:
    """A set's layout and protocol.

    Attributes:
        fields: The fields of a line of its list, in order. "photo", "depth" and "mask" are files
            below the set's root; other fields are not used.
        list_name: File name of the list that is published with the set; None if there is none in
            this layout.
        expected: Number of entries of the whole test set; None if there is no agreed number.
        depth_range: (lo, hi) metres that count as valid; hi may be infinite.
        facts: Lines that state the protocol.
        read: Makes a frame from the files of a line, in the order of ``fields``. Raises InputError
            if one is missing, broken or of another size.
        no_depth: The text in place of the depth file for an image without depth. Such lines are
            skipped.
    """

    fields: tuple[str, ...]
    list_name: str | None
    expected: int | None
    depth_range: tuple[float, float]
    facts: tuple[str, ...]
    read: Callable[..., Frame]
    no_depth: str | None = None

    @property
    def line(self) -> str:
        """Returns the content of a line of the list, for messages."""
        return f"`{' '.join(self.fields)}`, with paths below the set's folder"
