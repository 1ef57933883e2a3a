"""Names of outputs, clashes, and the shares of a job array."""

from __future__ import annotations

from pathlib import Path, PurePath

import pytest
from PIL import Image

from ppdcli.errors import UsageError
from ppdcli.jobs.inputs import Input
from ppdcli.jobs.plan import Format, plan, share

NPY, PNG = Format("npy", "_depth.npy"), Format("png", "_depth.png")
PLY = Format("ply", ".ply")


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def images(*names: str) -> list[Input]:
    for name in names:
        Image.new("RGB", (2, 2)).save(name)
    return [Input(name, Path(name), PurePath(name).with_suffix("")) for name in names]


def test_outputs_mirror_the_inputs_below_the_output_folder() -> None:
    (task,) = plan(
        [Input("in/sub/a.jpg", Path("in/sub/a.jpg"), PurePath("sub/a"))], [PNG], Path("o")
    )
    assert task.outputs == {"png": Path("o/sub/a_depth.png")}


def test_a_file_is_meant_by_the_suffix_of_the_format() -> None:
    (task,) = plan(images("a.jpg"), [NPY], Path("x/Depth.NPY"))
    assert task.outputs == {"npy": Path("x/Depth.NPY")}


def test_a_folder_may_be_called_like_a_file() -> None:
    Path("depth.npy").mkdir()
    (task,) = plan(images("a.jpg"), [NPY], Path("depth.npy"))
    assert task.outputs == {"npy": Path("depth.npy/a_depth.npy")}


@pytest.mark.parametrize("name", ["v1.2", "out.v2", "2024.05.17", "run.final", ".hidden", "x."])
def test_a_folder_may_have_a_dot_in_its_name(name: str) -> None:
    (task,) = plan(images("a.jpg"), [NPY], Path(name))
    assert task.outputs == {"npy": Path(name, "a_depth.npy")}


def test_a_folder_that_is_there_may_be_called_like_any_file() -> None:
    Path("clouds.obj").mkdir()
    (task,) = plan(images("a.jpg"), [PLY], Path("clouds.obj"))
    assert task.outputs == {"ply": Path("clouds.obj/a.ply")}


def test_stdout_has_no_file() -> None:
    assert plan(images("a.jpg"), [NPY], None)[0].outputs == {}


@pytest.mark.parametrize(
    ("names", "formats", "output", "message"),
    [
        (["a.jpg", "b.jpg"], [NPY], None, "stdout takes one file, not 2"),
        (["a.jpg"], [NPY, PNG], None, "stdout takes one file, not 2"),
        (["a.jpg", "b.jpg"], [NPY], "d.npy", "one file cannot take 2"),
        (["a.jpg"], [NPY, PNG], "d.npy", "one file cannot take 2"),
        (["a.jpg"], [NPY], "d.png", "the output is npy, which is no .png"),
        (
            ["a.jpg"],
            [NPY],
            "d.TIF",
            r"is npy, which is no \.tif; the formats are png, exr, npy, preview",
        ),
        (
            ["a.jpg"],
            [PLY],
            "cloud.obj",
            r"is ply, which is no \.obj; the formats are ply, glb, html, side",
        ),
        (
            ["a.jpg", "b.jpg"],
            [PLY],
            "x.mp4",
            r"which is no \.mp4; the formats are ply, glb, html, side",
        ),
        (["a.jpg"], [NPY], "a.jpg", "is a file, not a folder"),
        (["a.jpg", "a.png"], [NPY], "out", "a.jpg and a.png would both write out/a_depth.npy"),
        (["a.jpg", "A.png"], [NPY], "out", "a.jpg and A.png would both write"),
        (["a.jpg", "a_depth.png"], [PNG], ".", "a_depth.png is an input"),
        (["a.jpg", "a_depth.png"], [PNG], "sub/..", "a_depth.png is an input"),
        (["a.jpg", "a_depth.png"], [PNG], "link", "a_depth.png is an input"),
    ],
)
def test_plans_that_cannot_work(
    names: list[str], formats: list[Format], output: str | None, message: str
) -> None:
    Path("sub").mkdir()
    Path("link").symlink_to("sub/..")
    with pytest.raises(UsageError, match=rf"{message}.*;"):
        plan(images(*names), formats, None if output is None else Path(output))


def test_the_file_behind_a_link_is_an_input_too() -> None:
    images("a_depth.png")
    Path("a.png").symlink_to("a_depth.png")
    with pytest.raises(UsageError, match=r"a_depth\.png is an input"):
        plan([Input("a.png", Path("a.png"), PurePath("a"))], [PNG], Path())


@pytest.mark.parametrize(
    ("names", "way_on"),
    [
        (("in/a.jpg", "in/a.png"), "; rename one, or run 'in/*.jpg' and 'in/*.png' one by one"),
        (("in/a.jpg", "in/A.JPG"), "; rename one, or run them one by one with different --output"),
        (("in/a.jpg", "on/a.jpg"), "; give the folder that holds both, or run them one by one"),
    ],
)
def test_the_way_on_of_two_photos_of_one_name(names: tuple[str, str], way_on: str) -> None:
    inputs = [Input(name, Path(name), PurePath(Path(name).stem)) for name in names]
    with pytest.raises(UsageError) as caught:
        plan(inputs, [PNG], Path("out"))
    assert way_on in str(caught.value)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 9])
def test_the_shares_of_a_plan_are_all_of_it_each_task_once(count: int) -> None:
    names = [f"{k}.jpg" for k in range(7)]
    tasks = plan([Input(n, Path(n), PurePath(n[0])) for n in names], [NPY], Path("out"))
    shares = [share(tasks, (number, count)) for number in range(1, count + 1)]
    together = [task.input.name for part in shares for task in part]
    assert sorted(together) == names
    sizes = [len(part) for part in shares]
    assert max(sizes) - min(sizes) <= 1


def test_without_shares_a_plan_stays_whole() -> None:
    tasks = plan([Input(n, Path(n), PurePath(n[0])) for n in ("a.jpg", "b.jpg")], [NPY], Path("o"))
    assert share(tasks, None) == tasks


def test_names_that_some_file_systems_take_for_one_clash() -> None:
    for first, second in (("A", "a"), ("caf\u00e9", "cafe\u0301")):
        inputs = [Input(name, Path(name), PurePath(name)) for name in (first, second)]
        with pytest.raises(UsageError, match="would both write"):
            plan(inputs, [PNG], Path("o"))
