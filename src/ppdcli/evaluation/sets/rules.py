"""What the reader of a set states about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ppdcli.evaluation.frames import Frame


@dataclass(frozen=True)
class SetRules:
    """A set's layout and protocol.

    Attributes:
        fields: what a line of its list holds, in this order. "photo", "depth" and "mask" are
            files below the set's root; other fields are not used.
        list_name: the file name of the list that is published with the set; None if there is none
            in this layout.
        expected: entries of the whole test set; None if there is no agreed number.
        depth_range: (lo, hi) metres that count as valid; hi may be infinite.
        facts: lines that state the protocol.
        read: makes a frame of the files of a line, in the order of ``fields``; raises InputError
            if one is missing, broken or of another size.
        no_depth: what stands in place of the depth file where an image has none; such lines are
            passed over.
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
        """What a line of the list holds, for messages."""
        return f"`{' '.join(self.fields)}`, with paths below the set's folder"
