"""What of a task is still to be made while other runs work in the same folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ppdcli.jobs.inputs import discover
from ppdcli.jobs.journal import Journal
from ppdcli.jobs.journal_entries import Entry, source_of
from ppdcli.jobs.plan import Format, Task, plan
from ppdcli.jobs.todo import TodoList

FORMATS = (Format("npy", "_depth.npy"), Format("preview", "_preview.png"))
OUT = Path("out")


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Task:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (2, 2)).save("a.png")
    return plan(discover(["a.png"]).inputs, FORMATS, OUT)[0]


def settings(steps: int) -> Callable[[], Mapping[str, Mapping[str, Any]]]:
    return lambda: {"npy": {"steps": steps}, "preview": {"steps": steps, "colormap": "gray"}}


def another_run(task: Task, steps: int) -> None:
    """Makes all of a task's files."""
    journal = Journal(OUT, [OUT])
    for name, path in task.outputs.items():
        temporary = path.with_name(f"new{path.suffix}")
        temporary.write_bytes(b"1234")
        source = source_of(task.input.path, OUT)
        journal.place(temporary, path, Entry(path.name, 4, settings(steps)()[name], source))
    journal.close()


@pytest.mark.parametrize("known", [False, True])
def test_what_another_run_has_just_made_with_these_settings_is_finished(
    task: Task, known: bool
) -> None:
    if known:
        another_run(task, steps=4)
    todos = TodoList(OUT, settings(10), overwrite=False)
    if known:
        todos.read_records()
        assert todos.of(task).made_again == "steps 4 -> 10"
    else:
        assert todos.of(task).outputs == task.outputs
    another_run(task, steps=10)
    todo = todos.of(task)
    assert todo.finished and todo.made_again is None and todo.refusal is None


def test_what_another_run_has_just_made_with_other_settings_is_made_again(task: Task) -> None:
    todos = TodoList(OUT, settings(10), overwrite=False)
    another_run(task, steps=4)
    todo = todos.of(task)
    assert todo.outputs == task.outputs
    assert todo.made_again == "steps 4 -> 10"


def test_settings_are_asked_for_where_there_is_a_record_only(task: Task) -> None:
    """They may need weights to be read."""
    todos = TodoList(OUT, lambda: pytest.fail("asked"), overwrite=False)
    assert todos.of(task).outputs == task.outputs
    OUT.mkdir()
    task.outputs["npy"].touch()
    assert todos.of(task).refusal is not None
    another_run(task, steps=4)
    again = TodoList(OUT, lambda: pytest.fail("asked"), overwrite=True)
    again.read_records()
    assert again.of(task).outputs == task.outputs
