"""OBJ and MTL text, as other programs write it."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.scenes.furnished.models.obj import parse_mtl, parse_obj


def test_polygons_become_fans() -> None:
    mesh = parse_obj("v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nv -1 0 0\nf 1 2 3 4 5\n")
    assert mesh.triangles.tolist() == [[0, 1, 2], [0, 2, 3], [0, 3, 4]]
    assert (mesh.uv == 0).all()


@pytest.mark.parametrize(
    "face", ["f 1/1/1 2/2/1 3/3/1", "f -3/-3 -2/-2 -1/-1", "f 1/1 2/2 3/3 # end"]
)
def test_ways_to_name_a_corner(face: str) -> None:
    text = "v 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvt .5 0\nvt 0 .25\nvn 0 0 1\n"
    mesh = parse_obj(text + face.split("#", maxsplit=1)[0])
    assert mesh.triangles.tolist() == [[0, 1, 2]]
    assert np.array_equal(mesh.uv[0], [[0, 0], [0.5, 0], [0, 0.25]])


def test_corner_without_texture() -> None:
    mesh = parse_obj("v 0 0 0\nv 1 0 0\nv 0 1 0\nvn 0 0 1\nf 1//1 2//1 3//1\n")
    assert (mesh.uv == 0).all()


@pytest.mark.parametrize("text", ["", "v 0 0 0\n", "v 0 0 0\nf 1 2 3\n", "v x 0 0\nf 1 1 1\n"])
def test_text_that_is_no_mesh_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_obj(text)


def test_materials() -> None:
    text = "newmtl a b\nKd 0.1 2 0.3\nTr 0.25\nmap_Kd -s 1 1 1 wood.jpg\nnewmtl c\nKd x\nNs\n"
    found = parse_mtl(text)
    assert found["a b"].diffuse == (0.1, 1.0, 0.3)
    assert found["a b"].opacity == 0.75
    assert found["a b"].picture == "wood.jpg"
    assert set(found) == {"a b", "c"}
