"""docs/architecture.md lists the modules that one photo passes; here one photo passes them."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import PIL.Image
import pytest
import torch.nn.functional as F

import ppdcli
from ppdcli.__main__ import run
from ppdcli.geometry import upsample

PACKAGE = Path(ppdcli.__file__).parent
PAGE = Path(__file__).parents[2] / "docs/architecture.md"


def listed() -> list[str]:
    """The modules in the table of the walk, in its order."""
    return [module for row in rows() for module in re.findall(r"`([\w/]+\.py)`", row)]


def rows() -> list[str]:
    """The steps of the walk."""
    return re.findall(r"^\| \d+ \| `.*", PAGE.read_text(encoding="utf-8"), re.M)


def on_the_stack(frame: FrameType | None) -> list[str]:
    """The package's modules that wait for the one that runs, the outermost first, each once."""
    modules = []
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(PACKAGE):
            modules.append(path.relative_to(PACKAGE).as_posix())
        frame = frame.f_back
    return list(dict.fromkeys(reversed(modules)))


def test_the_walk_of_one_photo_is_that_of_the_page(
    monkeypatch: pytest.MonkeyPatch, photo: Path, tiny: list[str]
) -> None:
    stacks: dict[str, list[str]] = {}

    def watch(owner: Any, name: str, also: str | None = None) -> None:
        original = getattr(owner, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            found = on_the_stack(sys._getframe(1))
            stacks.setdefault(name, found if also is None else [*found, also])
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, watched)

    watch(PIL.Image, "open")
    watch(F, "scaled_dot_product_attention")
    watch(upsample, "make_axis", "geometry/step_cells.py")
    watch(Path, "replace")  # the finished file gets its name
    monkeypatch.setattr(sys, "argv", ["ppd", "predict", str(photo), *tiny, "-f", "png"])
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 0
    walk = listed()
    assert set(walk) == {module for stack in stacks.values() for module in stack}
    for stack in stacks.values():
        assert stack == sorted(stack, key=walk.index)


def test_the_page_counts_its_list() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert f"{len(listed())} modules" in text and f"{len(rows())} steps" in text
    assert [int(row.split("|")[1]) for row in rows()] == list(range(1, len(rows()) + 1))
