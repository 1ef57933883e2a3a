"""One Chromium for all tests of a file, and synthetic pages for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser import Browser, browser, chromium


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser of 800 by 600 pixels; without Chromium the test is skipped."""
    if chromium() is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    with browser(tmp_path_factory.mktemp("profile"), 800, 600) as tab:
        yield tab


@pytest.fixture
def quiet(tab: Browser) -> Iterator[Browser]:
    """The browser; the test fails if a page has complained or asked for what is not its own."""
    tab.problems.clear()
    tab.requests.clear()
    yield tab
    assert tab.problems == []
