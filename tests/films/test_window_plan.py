from __future__ import annotations

import numpy as np
import pytest
from parity import ParityRecord
from video_parity import VideoGolden

from ppdcli.films.window_plan import FRAMES, NEW, keys_of, next_window


def plan(length: int) -> list[list[int]]:
    """The frames that each window of a film sees."""
    windows = [next_window([], range(min(FRAMES, length)))]
    for first in range(FRAMES, length, NEW):
        new = range(first, min(first + NEW, length))
        windows.append(next_window(keys_of(windows[-1]), new))
    return windows


def test_plan_parity(parity: ParityRecord) -> None:
    golden = VideoGolden("stitch")
    plans = [plan(int(length)) for length in golden["out.plan.lengths"]]
    parity.check_exact(golden, "out.plan.windows", [len(p) for p in plans], "frame plan")
    parity.check_exact(golden, "out.plan.frames", np.concatenate(plans), "frame plan")


@pytest.mark.parametrize("length", [1, 2, 3, 15])
def test_short_films_are_padded_with_their_last_frame(length: int) -> None:
    assert plan(length) == [[*range(length), *[length - 1] * (16 - length)]]


@pytest.mark.parametrize(("keys", "new"), [(0, 0), (0, 17), (3, 0), (3, 14), (2, 5), (16, 0)])
def test_what_is_no_window_is_refused(keys: int, new: int) -> None:
    with pytest.raises(ValueError, match=f"{keys} key frames and {new} new"):
        next_window(range(keys), range(new))
