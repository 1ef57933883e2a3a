"""``ppd pointcloud --world``: photos, models and options that cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from colmap_models import write_model
from PIL import Image
from posed_scenes import cast
from typer.testing import Result
from world_photos import COLMAP, NAMES, POSES, failures, hidden_in_colors, require_the_scene

World = Callable[..., Result]


def test_photos_that_cannot_be_used_are_named(world: World) -> None:
    flat = hidden_in_colors(np.full((96, 128), 3.0))
    Image.fromarray(flat).save("photos/4.png")  # of one depth, unlike its points
    Image.fromarray(flat).save("photos/new.png")
    Path("photos/broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    result = world(*COLMAP)
    assert result.exit_code == 3
    said = "\n".join(failures(result))
    assert len(failures(result)) == 3, said
    assert "photos/new.png: is not in sparse/0, which has 5 images" in said
    assert "photos/4.png: " in said and "predicted depth" in said
    require_the_scene()


def test_points_of_one_depth_fix_no_scale(world: World) -> None:
    lines = []
    made = write_model(Path("text"), NAMES, POSES, text=True)
    for line in Path("text/points3D.txt").read_text().splitlines():
        if not line.startswith("#"):
            words = line.split()
            place = np.array([float(word) for word in words[1:4]])
            inside = POSES[0].to_camera(place[None])[0]
            moved = POSES[0].to_world((3.0 * inside / inside[2])[None])[0]
            lines.append(" ".join([words[0], *map(str, moved), *words[4:]]))
    assert len(lines) == made.num_points3D()
    Path("text/points3D.txt").write_text("\n".join(lines))
    result = world("--intrinsics", "text", photos="photos/0.png")
    assert result.exit_code == 1
    assert "photos/0.png: its known depths are all at one depth (3 to 3)" in result.stderr


def test_points_behind_the_camera(world: World) -> None:
    behind = [
        type(pose)(np.diag([1, -1, -1.0]) @ pose.rotation, pose.translation) for pose in POSES
    ]
    write_model(Path("text"), NAMES, POSES, text=True)
    lines = Path("text/images.txt").read_text().splitlines()
    write_model(Path("other"), NAMES, behind, text=True, each=0)
    heads = [x for x in Path("other/images.txt").read_text().splitlines() if ".png" in x]
    replaced = iter(heads)
    mixed = [next(replaced) if ".png" in line else line for line in lines]
    Path("text/images.txt").write_text("\n".join(mixed))
    result = world("--intrinsics", "text")
    assert result.exit_code == 1
    assert "points that it sees lie behind its camera" in failures(result)[0]
    assert len(failures(result)) == 5


def test_an_image_without_points_fails_alone(world: World) -> None:
    write_model(Path("text"), NAMES, POSES, text=True)
    lines = Path("text/images.txt").read_text().splitlines()
    place = next(k for k, line in enumerate(lines) if line.endswith("3.png"))
    lines[place + 1] = ""
    Path("text/images.txt").write_text("\n".join(lines))
    result = world("--intrinsics", "text")
    assert result.exit_code == 3
    assert "photos/3.png: sees 0 points of text/points3D.txt" in failures(result)[0]
    require_the_scene()


def test_two_photos_of_one_image_are_left_out(world: World) -> None:
    Path("photos/more").mkdir()
    Path("photos/more/2.png").write_bytes(Path("photos/2.png").read_bytes())
    result = world(*COLMAP)
    assert result.exit_code == 3 and len(failures(result)) == 2
    assert "is one of 2 photos that are the image '2.png'" in failures(result)[0]
    require_the_scene()


def test_a_photo_of_something_else_is_named(world: World) -> None:
    rng = np.random.default_rng(0)
    wrong = np.kron(rng.uniform(1, 6, (12, 16)), np.ones((8, 8))).astype(np.float32)
    Image.fromarray(hidden_in_colors(wrong)).save("photos/2.png")
    result = world(*COLMAP)
    assert result.exit_code == 3 and "photos/2.png" in failures(result)[0]
    require_the_scene()


def test_a_photo_upside_down_does_no_harm(world: World) -> None:
    Image.fromarray(hidden_in_colors(cast(POSES[2])[::-1, ::-1].copy())).save("photos/2.png")
    assert world(*COLMAP).exit_code in (0, 3)
    require_the_scene()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "--world needs to know where the photos were taken"),
        (("--intrinsics", "100,100,63.5,47.5"), "--world needs to know where"),
        (("--intrinsics", "sparse"), "1 of its folders have (0); give one of them"),
        (("--intrinsics", "sparse/0", "--near-far", "1,5"), "--near-far does not go with --world"),
        ((*COLMAP, "--fov", 60), "--fov does not go with --world"),
        ((*COLMAP, "--known-length", "1,1,9,9,1"), "--known-length does not go with"),
        ((*COLMAP, "-f", "ply"), "--format does not go with --world"),
        ((*COLMAP, "--axes", "blender"), "--axes does not go with --world"),
        ((*COLMAP, "--depth", "d.npy"), "--depth does not go with --world"),
        ((*COLMAP, "--watch"), "--watch does not go with --world"),
        ((*COLMAP, "-o", "-"), "with --world it is a folder"),
        ((*COLMAP, "-o", "x.ply"), "with --world it is a folder"),
        ((*COLMAP, "--voxel", 0), "give a length above 0"),
        ((*COLMAP, "--voxel", 1e-9), "too small for this scene"),
        (("--intrinsics", "sparse/0", "--align", "k.txt"), "give a COLMAP model"),
        (("--intrinsics", "sparse/0", "--metric"), "has points, which fix the scale"),
    ],
)
def test_options_that_do_not_go_together(world: World, options: tuple[Any, ...], said: str) -> None:
    Path("k.txt").write_text("100 100 63.5 47.5")
    result = world(*options)
    assert result.exit_code in (1, 2), result.stderr
    assert said in result.stderr and not Path("scene.ply").exists()


def test_a_name_without_a_format_is_refused(world: World) -> None:
    result = world(*COLMAP, to="scene.obj")
    assert result.exit_code == 2 and "ends in one of .ply, .glb, .html" in result.stderr
    assert not Path("ppd-out").exists()


def test_a_model_without_points_is_refused(world: World) -> None:
    write_model(Path("sparse/0"), NAMES, POSES, each=0)
    result = world(*COLMAP)
    assert result.exit_code == 2 and "sparse/0: has no points" in result.stderr
