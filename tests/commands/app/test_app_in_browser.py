"""The page as a person uses it, in Chromium."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.viewer.browser import Browser, browser, chromium

pytest.importorskip("nicegui", reason="the extra app is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="there is no Chromium on this machine"),
]

TABS = "[...document.querySelectorAll('[role=tab]')]"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("temporary")
    process = subprocess.Popen(
        [sys.executable, "-m", "ppdcli", "app", "--no-browser"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(folder)},
    )
    assert process.stderr is not None
    line = process.stderr.readline()
    found = re.search(r"http://127\.0\.0\.1:\d+/", line)
    assert found, line
    yield found[0]
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=60)[1]
    assert process.returncode == 130, rest
    assert "Traceback" not in rest
    assert not list(folder.iterdir()), "the folder of the page is removed"


@pytest.fixture
def page(address: str, tmp_path: Path) -> Iterator[Browser]:
    with browser(tmp_path / "profile", 1300, 1000) as tab:
        tab.send("Page.navigate", url=address)
        tab.wait("!!document.querySelector('.app-start')")
        yield tab


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A red half and a blue half, 480x360."""
    pixels = np.zeros((360, 480, 3), np.uint8)
    pixels[:, :240, 0] = pixels[:, 240:, 2] = 255
    path = tmp_path / "halves & <b>.png"
    Image.fromarray(pixels).save(path)
    return path


def test_a_request_to_end_leaves_no_files(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "ppdcli", "app", "--no-browser"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert process.stderr is not None
    assert "the page is at" in process.stderr.readline()
    assert list(tmp_path.iterdir())
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert not list(tmp_path.iterdir())


def choose(page: Browser, path: Path) -> None:
    root = page.send("DOM.getDocument", depth=-1)["root"]["nodeId"]
    node = page.send("DOM.querySelector", nodeId=root, selector=".app-photo input[type=file]")
    page.send("DOM.setFileInputFiles", files=[str(path)], nodeId=node["nodeId"])
    page.wait("document.querySelector('.app-photo').innerText.includes('100.00%')")


def press(page: Browser, name: str) -> None:
    page.evaluate(f"document.querySelector('.app-{name}').click()")


def show(page: Browser, tab: str) -> None:
    page.evaluate(f"{TABS}.find(t => t.textContent.includes('{tab}')).click()")


def make(page: Browser, path: Path) -> None:
    choose(page, path)
    press(page, "start")
    page.wait("document.querySelectorAll('.app-files a').length == 6")


def click_on_photo(page: Browser, x: float, y: float) -> None:
    """Clicks at a share of the width and height of the photo."""
    place = (
        "(() => { const r = document.querySelector('.app-measured img').getBoundingClientRect(); "
        "return [r.x, r.y, r.width, r.height]; })()"
    )
    left, top, width, height = page.evaluate(place)
    page.click(left + x * width, top + y * height)


def measure(page: Browser) -> str:
    show(page, "Measure")
    page.wait("document.querySelector('.app-measured img')?.naturalWidth > 0")
    page.settle()
    click_on_photo(page, 0.2, 0.8)
    page.wait("document.querySelector('.app-length').innerText.includes('another')")
    click_on_photo(page, 0.7, 0.4)
    page.wait("document.querySelector('.app-length').innerText.includes('apart')")
    return str(page.evaluate("document.querySelector('.app-length').innerText"))


def foreign(page: Browser, address: str) -> list[str]:
    """Requests to other machines."""
    return [u for u in page.requests if not u.startswith((address, "data:", "blob:"))]


def test_a_photo_becomes_depth_and_a_cloud(page: Browser, address: str, photo: Path) -> None:
    make(page, photo)
    page.wait("document.querySelectorAll('.compare img').length == 2")
    show(page, "Cloud")
    page.wait("document.querySelector('.app-cloud iframe')?.getBoundingClientRect().width > 200")
    link = page.evaluate("document.querySelector('.app-cloud iframe').src")
    assert link.startswith(address)
    left, top, width, height = page.evaluate(
        "(() => { const r = document.querySelector('.app-cloud iframe').getBoundingClientRect(); "
        "return [r.x, r.y, r.width, r.height]; })()"
    )

    def half(share: float) -> np.ndarray:
        middle = round(left + share * width), round(top + height / 2)
        around = page.picture()[middle[1] - 20 : middle[1] + 20, middle[0] - 20 : middle[0] + 20]
        return np.median(around.reshape(-1, 3), axis=0)

    for _ in range(100):
        page.settle()
        red, blue = half(0.35), half(0.65)
        if red[0] > 150 and blue[2] > 150:
            break
    assert red[0] > 150 > red[2] and blue[2] > 150 > blue[0]
    assert foreign(page, address) == []


def test_files_can_be_downloaded(page: Browser, photo: Path) -> None:
    make(page, photo)
    starts = (b"\x89PNG", b"\x76\x2f\x31\x01", b"\x93NUMPY", b"ply\n", b"glTF", b"<!doctype")
    links = page.evaluate("[...document.querySelectorAll('.app-files a')].map(a => a.href)")
    for link, start in zip(links, starts, strict=True):
        with urllib.request.urlopen(link) as answer:
            assert answer.read(len(start)) == start
            assert "halves" in answer.headers["Content-Disposition"]


def test_a_known_length_sets_the_scale(page: Browser, photo: Path) -> None:
    make(page, photo)
    assert "relative units" in measure(page)
    before = page.evaluate("document.querySelector('.app-files a').href")
    page.evaluate("document.querySelector('.app-true-length input').focus()")
    page.evaluate("document.querySelector('.app-true-length input').select()")
    page.send("Input.insertText", text="2.5")
    page.evaluate("document.querySelector('.app-true-length input').blur()")
    page.settle()
    press(page, "rescale")
    page.wait("document.querySelector('.app-length').innerText.includes('2.5 m apart')")
    assert "known length of 2.5 m" in page.evaluate(
        "document.querySelector('.app-notes').innerText"
    )
    assert page.evaluate("document.querySelector('.app-files a').href") != before


def test_two_tabs_do_not_mix(address: str, page: Browser, photo: Path, tmp_path: Path) -> None:
    with browser(tmp_path / "second", 900, 700) as other:
        other.send("Page.navigate", url=address)
        other.wait("!!document.querySelector('.app-start')")
        make(page, photo)
        second = tmp_path / "second.png"
        Image.new("RGB", (60, 80), (90, 120, 30)).save(second)
        make(other, second)
        assert "halves" in page.evaluate("document.querySelector('.app-photo').innerText")
        links = [
            tab.evaluate("document.querySelectorAll('.app-files a')[3].href")
            for tab in (page, other)
        ]
        names = [urllib.request.urlopen(link).headers["Content-Disposition"] for link in links]
        assert "halves" in names[0] and "second" in names[1]


@pytest.mark.parametrize("content", [b"not a picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, b""])
def test_a_bad_upload_is_a_line_on_the_page(
    page: Browser, photo: Path, tmp_path: Path, content: bytes
) -> None:
    bad = tmp_path / "<img src=x onerror=alert(1)>.png"
    bad.write_bytes(content)
    choose(page, bad)
    press(page, "start")
    page.wait("!!document.querySelector('.q-notification')")
    text = page.evaluate("document.querySelector('.q-notification').innerText")
    assert "onerror" in text and len(text) < 400
    assert not page.evaluate("!!document.querySelector('.q-notification img[src=x]')")
    assert page.evaluate("document.querySelectorAll('.app-files a').length") == 0


def test_without_a_photo_the_page_says_so(page: Browser) -> None:
    press(page, "start")
    page.wait("document.querySelector('.q-notification')?.innerText.includes('Choose a photo')")
