"""Bars and the line of activity on a terminal."""

from __future__ import annotations

import io
import re
import sys
from contextlib import redirect_stderr

import pytest

from ppdcli.progress import activity, doing, film_progress, progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def text(self) -> str:
        """What was written, without colours and movements of the cursor."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.getvalue())


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


def test_a_line_says_what_is_happening(terminal: Terminal) -> None:
    with redirect_stderr(terminal), activity("starting"):
        doing("loading the model")
        doing("predicting [b]1[/b] of 4")  # no markup, whatever is in it
    assert "starting" in terminal.text()
    assert "predicting [b]1[/b] of 4" in terminal.text()
    doing("after the end")
    assert "after the end" not in terminal.text()


def test_lines_for_the_user_stay_whole_while_a_line_is_drawn(terminal: Terminal) -> None:
    with redirect_stderr(terminal), activity("starting"):
        sys.stderr.write("ppd-tiny on cpu\n")
    assert "\rppd-tiny on cpu\n" in terminal.text()


def test_nothing_is_drawn_where_there_is_no_terminal() -> None:
    stderr = io.StringIO()
    with redirect_stderr(stderr), activity("starting"), progress("items", 2) as bar:
        doing("predicting")
        bar.advance()
    assert stderr.getvalue() == ""
    assert bar.done == 1


def test_a_bar_inside_another_is_drawn_alone(terminal: Terminal) -> None:
    with redirect_stderr(terminal), activity("starting"):
        with progress("bytes", 10, label="da2-vitl") as bar:
            before = len(terminal.getvalue())
            doing("hidden while the bar is there")
            bar.set(10)
            assert "hidden" not in terminal.getvalue()[before:]
        doing("loading the model")
    assert "da2-vitl" in terminal.text()
    assert "loading the model" in terminal.text()


def test_a_failure_leaves_no_line_behind(terminal: Terminal) -> None:
    with pytest.raises(ValueError, match="bad"), redirect_stderr(terminal), activity("starting"):
        raise ValueError("bad")
    before = terminal.getvalue()
    assert "\x1b[?25h" in before  # the cursor is shown again
    with redirect_stderr(terminal), activity("again"):
        pass
    assert "again" in terminal.text()


def test_a_film_has_a_bar_for_each_kind_of_work(terminal: Terminal) -> None:
    with redirect_stderr(terminal), activity("starting"), film_progress() as show:
        for done in (1, 2):
            show("depth", done, 2)
        show("files", 1, 2)
    assert re.search(r"depth .*2/2", terminal.text())
    assert re.search(r"files .*1/2", terminal.text())


def test_a_film_of_unknown_length_has_a_line(terminal: Terminal) -> None:
    with redirect_stderr(terminal), activity("starting"), film_progress() as show:
        show("depth", 7, None)
    assert "depth, 7 frames done" in terminal.text()
