"""Libraries are read, packed once, and split."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_library import MODELS, write_library

from ppdcli.errors import InputError
from ppdcli.scenes.furnished.models.library import (
    DEBIAN_FOLDER,
    HELD_OUT,
    Library,
    held_out_ids,
    open_library,
)
from ppdcli.scenes.furnished.models.model import Entry, Material, Model
from ppdcli.scenes.furnished.models.packing import Pack, write_pack
from ppdcli.scenes.furnished.models.sh3f import listed_models, read_model


def test_catalogue_is_read(tiny: Library) -> None:
    assert [e.name for e in tiny.entries] == [name for name, *_ in MODELS]
    sofa, table, window = tiny.entries[0], tiny.entries[1], tiny.entries[-1]
    assert sofa.size == (2.0, 0.8, 0.9)
    assert sofa.top == 0.4
    assert table.top == 0.45  # without a stated height, its own
    assert (window.elevation, window.opening) == (0.9, True)
    assert (sofa.library, sofa.license, sofa.creator) == ("Tiny", "CC0", "Nobody")


def test_model_has_its_stated_size_and_stands_on_the_origin(tiny: Library) -> None:
    for number, entry in enumerate(tiny.entries):
        vertices = tiny.model(number).vertices
        assert np.ptp(vertices, axis=0) == pytest.approx(entry.size, rel=1e-4)
        assert vertices[:, 1].min() == pytest.approx(0, abs=1e-6)
        assert vertices[:, [0, 2]].mean(0) == pytest.approx([0, 0], abs=1e-4)


def test_materials_and_textures_are_read(tiny: Library) -> None:
    model = tiny.model(0)
    assert len(model.triangles) == 12
    wood, glass = model.materials
    assert wood.texture == 0
    assert glass.opacity == 0.25
    assert glass.color == (0.2, 0.4, 0.9)
    (texture,) = model.textures
    assert texture.shape == (32, 32, 4)  # 24 and 40 are brought to powers of two
    assert (texture[..., 3] == 255).all()
    assert model.material[:6].tolist() == [0] * 6
    assert model.material[6:].tolist() == [1] * 6


def test_broken_model_is_left_out_and_named(tmp_path: Path) -> None:
    extra = "id#99=Tiny#broken\nmodel#99=/tiny/broken.obj\nwidth#99=1\ndepth#99=1\nheight#99=1\n"
    write_library(tmp_path, extra)
    library = open_library(tmp_path, tmp_path)
    assert len(library.entries) == len(MODELS)
    assert list(library.dropped) == ["Tiny#broken"]
    assert "vertex" in library.dropped["Tiny#broken"]


def test_libraries_are_packed_once(tmp_path: Path) -> None:
    write_library(tmp_path)
    cache = tmp_path / "cache"
    open_library(tmp_path, cache)
    (packed,) = cache.iterdir()
    before = packed.stat().st_mtime_ns
    open_library(tmp_path, cache)
    assert [p.stat().st_mtime_ns for p in cache.iterdir()] == [before]
    # The packed file is all that is needed elsewhere.
    assert open_library(packed).entries == open_library(tmp_path, cache).entries


def test_packing_keeps_a_model_within_quantisation(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    vertices = rng.normal(0, 5, (500, 3)).astype(np.float32)
    model = Model(
        vertices,
        rng.permutation(1500).reshape(500, 3).astype(np.int32) % 500,
        rng.normal(0, 9, (500, 3, 2)).astype(np.float32),
        rng.integers(0, 300, 500).astype(np.int32),
        tuple(Material((0.1, 0.2, k / 300), -1, 0.5) for k in range(300)),
        (rng.integers(0, 255, (4, 8, 4)).astype(np.uint8),),
    )
    entry = Entry("a", "b", "c", "d", "e", "f", (1.0, 2.0, 3.0), 0.5, None, True)
    write_pack(tmp_path / "p.pack", [(entry, model)], {"x": "why"})
    pack = Pack(tmp_path / "p.pack")
    assert pack.entries == [entry]
    assert pack.dropped == {"x": "why"}
    again = pack.model(0)
    step = np.ptp(vertices, axis=0) / 65535
    corners, same = model.vertices[model.triangles], again.vertices[again.triangles]
    assert (np.abs(corners - same) <= 0.51 * step + 1e-6).all()
    assert np.abs(again.uv - model.uv).max() <= 0.51 * np.ptp(model.uv) / 65535 + 1e-6
    assert (again.material == model.material).all()
    assert again.materials == model.materials
    assert (again.textures[0] == model.textures[0]).all()  # with alpha, without loss


def test_split_keeps_a_share_of_every_category() -> None:
    blank = Entry("", "", "", "", "", "", (1.0, 1.0, 1.0))
    entries = [
        replace(blank, id=f"{category} {k}", category=category)
        for category, count in (("chairs", 100), ("cars", 25), ("one", 1))
        for k in range(count)
    ]
    kept = held_out_ids(entries)
    for category, count in (("chairs", 100), ("cars", 25), ("one", 1)):
        mine = [i for i in kept if i.startswith(category)]
        assert len(mine) == round(HELD_OUT * count)
    assert held_out_ids(entries[::-1]) == kept  # whatever the order


def test_parts_of_the_split_have_nothing_in_common(tiny: Library) -> None:
    training, other = tiny.numbers(held_out=False), tiny.numbers(held_out=True)
    assert not set(training) & set(other)
    assert sorted(training + other) == list(range(len(MODELS)))


def test_missing_libraries_are_one_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"apt install sweethome3d-furniture") as error:
        open_library(tmp_path, tmp_path)
    assert "\n" not in str(error.value)
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", b"text"])
def test_damaged_library_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.sh3f").write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.sh3f: is not a furniture library"):
        open_library(tmp_path, tmp_path)


def test_damaged_pack_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.pack"
    path.write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"bad\.pack: is not a packed file"):
        open_library(path)


def test_pack_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "old.pack"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("catalogue.json", '{"version": 0}')
    with pytest.raises(InputError, match="another version"):
        open_library(path)


@pytest.mark.skipif(not DEBIAN_FOLDER.is_dir(), reason="sweethome3d-furniture is not installed")
def test_debians_libraries_can_be_read() -> None:
    paths = sorted(DEBIAN_FOLDER.glob("*.sh3f"))
    assert len(paths) >= 5
    for path in paths:
        with zipfile.ZipFile(path) as library:
            listed = list(listed_models(library))
            assert len(listed) > 20
            small = min(listed, key=lambda m: library.getinfo(m.path).file_size)
            model = read_model(library, small)
            assert np.ptp(model.vertices, axis=0).max() == pytest.approx(
                max(small.entry.size), rel=1e-3
            )
            assert small.entry.license
