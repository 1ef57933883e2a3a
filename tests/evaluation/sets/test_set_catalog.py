"""Sets by name: what they state, where their lists are, and one bad image among good ones."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from set_writers import LINES, gradient, listed, load_one, paths, save_photo, save_steps, write_any

from ppdcli.errors import InputError, UsageError
from ppdcli.evaluation.sets.catalog import RULES, open_set
from ppdcli.evaluation.sets.names import SETS

LISTS = {
    "nyuv2": "filename_list_test.txt",
    "kitti": "eigen_test_files_with_gt.txt",
    "eth3d": "eth3d_filename_list.txt",
    "scannet": "scannet_val_sampled_list_800_1.txt",
    "diode": "diode_val_all_filename_list.txt",
}
SMALL = [name for name in SETS if name != "eth3d"]  # its depth has 98 MB


@pytest.mark.parametrize(
    ("name", "expected", "depth_range"),
    [
        ("nyuv2", 654, (0.1, 10)),
        ("kitti", 652, (0.1, 80)),
        ("eth3d", 454, (0.01, math.inf)),
        ("scannet", 800, (0.01, 10)),
        ("diode", 771, (0.6, 350)),
        ("hypersim", None, (0.1, 65)),
    ],
)
def test_what_a_set_states(
    tmp_path: Path, name: str, expected: int | None, depth_range: tuple[float, float]
) -> None:
    depth_set = open_set(name, tmp_path, listed(tmp_path, name))
    assert depth_set.name == name and depth_set.expected == expected
    assert depth_set.depth_range == depth_range
    assert depth_set.facts and all("\n" not in fact for fact in depth_set.facts)
    assert f"{depth_range[0]:g}" in " ".join(depth_set.facts)


def test_the_names_are_those_of_the_readers_and_cost_nothing() -> None:
    assert list(SETS) == list(RULES)
    assert all(str(rules.expected) in SETS[name] for name, rules in RULES.items() if rules.expected)
    code = (
        "import sys, ppdcli.evaluation.sets.names;"
        "sys.exit(any(m in sys.modules for m in ('numpy', 'cv2', 'scipy', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_entries_are_named_by_their_photos_in_the_lists_order(tmp_path: Path) -> None:
    lines = ("b/2.png b/2d.png 721.5", "a/9.png None 718.9", "./a/1.png a/1d.png 718.9")
    depth_set = open_set("kitti", tmp_path, listed(tmp_path, "kitti", *lines))
    assert [entry.name for entry in depth_set.entries] == ["b/2.png", "a/1.png"]
    assert depth_set.passed_over == 1


@pytest.mark.parametrize("name", LISTS)
def test_the_published_list_is_found_in_the_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / LISTS[name]).write_text(LINES[name])
    assert len(open_set(name, tmp_path, None).entries) == 1


@pytest.mark.parametrize("name", SETS)
def test_without_a_list_the_way_on_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="name a list with --list; its lines are `photo depth"):
        open_set(name, tmp_path, None)


def test_a_wrong_name_or_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'nyu'; choose nyuv2, kitti, eth3d, scannet, diode, hy"):
        open_set("nyu", tmp_path, None)
    with pytest.raises(UsageError, match="there: no such folder"):
        open_set("nyuv2", tmp_path / "there", None)
    (tmp_path / "nyu.tar").touch()
    with pytest.raises(
        UsageError, match=r"nyu\.tar: is a file, not a folder; name the folder that"
    ):
        open_set("nyuv2", tmp_path / "nyu.tar", None)


@pytest.mark.parametrize("name", SMALL)
def test_a_whole_set_of_one_image(tmp_path: Path, name: str) -> None:
    write_any(tmp_path, name)
    frame = load_one(tmp_path, name)
    assert frame.photo.rgb.shape[:2] == frame.depth.shape == frame.valid.shape
    assert frame.photo.path == paths(tmp_path, name)[0]
    assert frame.depth.dtype == np.float32 and frame.valid.dtype == bool and frame.valid.any()
    assert (frame.crop is None) == (name != "kitti")
    assert (frame.camera is None) == (name not in ("nyuv2", "hypersim"))


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("missing", [0, 1])
def test_a_missing_file_is_that_entrys_error(tmp_path: Path, name: str, missing: int) -> None:
    write_any(tmp_path, name)
    gone = paths(tmp_path, name)[missing]
    gone.unlink()
    with pytest.raises(InputError, match=f"^{gone}: no such file"):
        load_one(tmp_path, name)


@pytest.mark.parametrize("name", SMALL)
def test_a_broken_file_is_that_entrys_error(tmp_path: Path, name: str) -> None:
    write_any(tmp_path, name)
    for file in paths(tmp_path, name)[: len(RULES[name].fields)]:
        if not file.exists():  # what the protocol does not use
            continue
        content = file.read_bytes()
        for broken in (b"", b"no such format", content[: len(content) // 2]):
            file.write_bytes(broken)
            with pytest.raises(InputError, match=f"^{file}: ") as caught:
                load_one(tmp_path, name)
            assert "\n" not in str(caught.value)
        file.write_bytes(content)
    assert load_one(tmp_path, name).valid.any()


@pytest.mark.parametrize("name", SMALL)
def test_photo_and_depth_of_unequal_size(tmp_path: Path, name: str) -> None:
    write_any(tmp_path, name)
    photo = paths(tmp_path, name)[0]
    height, width = load_one(tmp_path, name).depth.shape
    save_photo(photo, gradient(height * 2, width * 2))
    with pytest.raises(InputError, match=f"{photo} is {width * 2}x{height * 2}; check the list"):
        load_one(tmp_path, name)


@pytest.mark.parametrize("name", ["nyuv2", "scannet", "kitti"])
def test_depth_that_is_no_16_bit_png(tmp_path: Path, name: str) -> None:
    write_any(tmp_path, name)
    depth = paths(tmp_path, name)[1]
    save_photo(depth, gradient(480, 640))
    with pytest.raises(InputError, match="no 16-bit grey PNG"):
        load_one(tmp_path, name)


def test_a_bad_image_leaves_the_others(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        save_photo(tmp_path / f"{number}.jpg", gradient(6, 8))
        save_steps(tmp_path / f"{number}.png", np.full((6, 8), 1000 * number))
    (tmp_path / "2.png").write_bytes(b"broken")
    lines = [f"{number}.jpg {number}.png" for number in (1, 2, 3)]
    first, second, third = open_set("scannet", tmp_path, listed(tmp_path, "x", *lines)).entries
    with pytest.raises(InputError):
        second.load()
    assert first.load().depth[0, 0] == 1 and third.load().depth[0, 0] == 3
