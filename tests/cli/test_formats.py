"""The table of formats: what it takes to add one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from ppdcli.depth import DepthMap
from ppdcli.depth_data import DepthData, Kind
from ppdcli.errors import PpdWarning
from ppdcli.files.choices import Choices, PngScale
from ppdcli.files.depth_files import read_depth, states_unit
from ppdcli.files.formats import (
    CLOUD_FORMATS,
    DEPTH_FORMATS,
    DepthFormat,
    Reading,
    own_endings,
    readable,
)

MAGIC = b"DUMMY "


def write_dummy(path: Path, depth: DepthData, _choices: Choices) -> str:
    np.save(path.with_suffix(".npy"), depth.values)
    values = path.with_suffix(".npy").read_bytes()
    path.write_bytes(MAGIC + values)
    path.with_suffix(".npy").unlink()
    return f"{path}: is a dummy"


def read_dummy(path: Path, _kind: Kind | None, _png_scale: PngScale | None) -> DepthData:
    copy = path.with_name("copy.npy")
    copy.write_bytes(path.read_bytes().removeprefix(MAGIC))
    return DepthData(np.load(copy), "metric")


@pytest.fixture
def dummy(monkeypatch: pytest.MonkeyPatch) -> DepthFormat:
    """One more row."""
    reading = Reading("dummy", MAGIC, read_dummy, lambda path: True, lambda path: False)
    row = DepthFormat("dummy", "_depth.dummy", write_dummy, (), reading)
    monkeypatch.setitem(DEPTH_FORMATS, row.name, row)
    return row


def test_a_row_is_all_that_a_format_needs(
    dummy: DepthFormat, ppd: Callable[..., Result], photo: Path, tiny: list[str]
) -> None:
    result = ppd("predict", photo, *tiny, "-f", "dummy,npy", "-o", "out")
    assert result.exit_code == 0, result.stderr
    assert "is a dummy" in result.stderr
    values = np.load(f"out/{photo.stem}_depth.npy")
    path = Path(f"out/{photo.stem}_depth.dummy")
    np.testing.assert_array_equal(read_depth(path).values, np.where(values > 0, values, np.nan))
    assert states_unit(path)
    with pytest.warns(PpdWarning, match="is a dummy"):
        DepthMap(values, "metric").save("saved.dummy")
    np.testing.assert_array_equal(read_dummy(Path("saved.dummy"), None, None).values, values)
    named = ppd("predict", photo, *tiny, "-o", "named.dummy")
    assert named.exit_code == 0 and Path("named.dummy").read_bytes().startswith(MAGIC)


def test_an_unknown_format_is_told_which_there_are(
    dummy: DepthFormat, ppd: Callable[..., Result], photo: Path
) -> None:
    result = ppd("predict", photo, "-f", "jpg")
    assert result.exit_code == 2
    assert "choose from png, exr, npy, preview, dummy" in result.stderr


def test_rows_differ() -> None:
    rows = [*DEPTH_FORMATS.values(), *CLOUD_FORMATS.values()]
    assert len({row.name for row in rows}) == len(rows)
    assert len({row.ending for row in rows}) == len(rows)
    magic = [reading.magic for reading in readable()]
    assert not [a for a in magic for b in magic if a is not b and a.startswith(b)]
    assert own_endings() == (
        *("_depth.png", "_depth.exr", "_depth.npy", "_preview.png", "_side.png"),
    )
