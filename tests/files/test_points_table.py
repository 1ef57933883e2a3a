"""Tables of known depths as spreadsheets and other programs write them."""

from __future__ import annotations

import codecs
from pathlib import Path

import numpy as np
import pytest

from ppdcli.errors import InputError
from ppdcli.files.points_table import read_table
from ppdcli.files.sparse_depth import read_sparse_depth
from ppdcli.files.text import decode_text

EXPECTED = [[10, 20, 1.5], [30, 40, 2.25], [5, 6, 0.125]]
PATH = Path("points.csv")

SOUND = {
    "spaces": "10 20 1.5\n30 40 2.25\n5 6 0.125\n",
    "commas": "10,20,1.5\n30, 40, 2.25\n5,6,.125\n",
    "tabs": "u\tv\tdepth\n10\t20\t1.5\n30\t40\t2.25\n5\t6\t0.125\n",
    "semicolons": "u;v;depth\n10;20;1.5\n30;40;2.25\n5;6;0.125\n",
    "decimal commas": "u;v;depth\n10;20;1,5\n30;40;2,25\n5;6;0,125\n",
    "an index without a name": ",u,v,depth\n0,10,20,1.5\n1,30,40,2.25\n2,5,6,0.125\n",
    "an index with a name": "id,u,v,depth\n7,10,20,1.5\n9,30,40,2.25\n8,5,6,0.125\n",
    "a column behind": "u v depth confidence\n10 20 1.5 1\n30 40 2.25 .5\n5 6 0.125 0\n",
    "another order": "depth,row,col\n1.5,20,10\n2.25,40,30\n0.125,6,5\n",
    "quotes": '"u","v","depth"\n10,20,1.5\n30,40,2.25\n5,6,0.125\n',
    "comments and blank lines": "# u v\n\n10 20 1.5 # a\n \n30 40 2.25\n5 6 0.125",
}


@pytest.mark.parametrize("name", SOUND)
def test_ways_to_write_it(name: str) -> None:
    table = read_table(SOUND[name].splitlines(), PATH)
    np.testing.assert_array_equal(table.points, EXPECTED)
    assert table.notes == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("10 20 1.5 .9\n30 40 2.25 .8\n5 6 0.125 1\n", "the last is passed over"),
        ("0 10 20 1.5\n1 30 40 2.25\n2 5 6 0.125\n", "the first, an index, is passed over"),
    ],
)
def test_a_fourth_column_without_a_name_is_told(text: str, said: str) -> None:
    table = read_table(text.splitlines(), PATH)
    np.testing.assert_array_equal(table.points, EXPECTED)
    (note,) = table.notes
    assert note == f"points.csv: has four columns; {said}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 2\n", "line 1, '1 2', is not"),
        ("1 2 3 4 5\n", "line 1"),
        ("1 2 3\n1 2\n", "line 2"),
        ("1 2 3\n\nu v depth\n", "line 3"),
        ("u v depth\n1 2 3 4 5\n", "line 2"),
        ("u v depth\nu v depth\n", "line 2"),
        ("u u depth\n", "line 1"),
        ("x y z\n1 2 3\n", "line 1"),
        ("1;;3\n", "line 1 has no u or v"),
        ("1 nan 3\n", "line 1 has no u or v"),
        ("1 2 3 " * 100, "line 1"),
    ],
)
def test_rows_that_are_none(text: str, said: str) -> None:
    with pytest.raises(InputError, match=rf"points\.csv: {said}"):
        read_table(text.splitlines(), PATH)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(tmp_path: Path, encoding: str, end: str) -> None:
    text = SOUND["decimal commas"].replace("\n", end)
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    assert decode_text(text.encode(encoding)) == SOUND["decimal commas"]
    sparse = read_sparse_depth(tmp_path / "a.csv", 100, 100)
    np.testing.assert_allclose(np.stack([sparse.u, sparse.v, sparse.depth], 1), EXPECTED)


@pytest.mark.parametrize(
    "data", [b"a\0b", codecs.BOM_UTF16_LE + b"a", b"\xff\xff", codecs.BOM_UTF8 + b"\xff"]
)
def test_what_is_no_text(data: bytes) -> None:
    with pytest.raises(ValueError):
        decode_text(data)
