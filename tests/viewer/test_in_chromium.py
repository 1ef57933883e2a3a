"""The page in a real browser: it draws, turns, and does what its controls say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from browser import Browser

from ppdcli.cloud import PointCloud, make_cloud
from ppdcli.cloud_options import CloudOptions
from ppdcli.depth_data import DepthData
from ppdcli.files import html
from ppdcli.geometry.camera import Camera

RED, BLUE, SIGNAL = (200, 30, 30), (30, 30, 200), (255, 43, 214)
HEIGHT, WIDTH = 120, 160


def cloud(smeared: bool = False) -> PointCloud:
    """A wall whose left half is red and nearer, and whose right half is blue."""
    depth = np.full((HEIGHT, WIDTH), 4, np.float32)
    depth[:, : WIDTH // 2] = 2
    if smeared:
        depth[:, WIDTH // 2 : WIDTH // 2 + 3] = 2.5, 3, 3.5
    rgb = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    rgb[:, : WIDTH // 2], rgb[:, WIDTH // 2 :] = RED, BLUE
    camera = Camera.from_fov(60, WIDTH, HEIGHT)
    return make_cloud(DepthData(depth, "metric"), rgb, camera, CloudOptions(keep_flying=True))


def opened(tab: Browser, made: PointCloud, path: Path) -> Browser:
    html.write(path, made)
    tab.open(path.as_uri())
    tab.settle()
    return tab


def share(picture: np.ndarray, color: tuple[int, int, int], tolerance: int = 12) -> float:
    """The share of a picture's pixels that have a colour."""
    return float((np.abs(picture.astype(int) - color).max(axis=-1) <= tolerance).mean())


def middle(picture: np.ndarray) -> np.ndarray:
    """The part of the page that neither the head nor the tools cover."""
    return picture[100:470, 140:660]


def test_it_shows_what_the_camera_saw_and_asks_for_nothing_else(
    quiet: Browser, tmp_path: Path
) -> None:
    opened(quiet, cloud(), tmp_path / "wall.html")
    picture = middle(quiet.picture())
    half = picture.shape[1] // 2
    assert share(picture[:, : half - 5], RED) > 0.98
    assert share(picture[:, half + 5 :], BLUE) > 0.98
    assert [address.partition(":")[0] for address in set(quiet.requests)] == ["file"]
    assert quiet.evaluate("document.getElementById('about').textContent") == "19,200 points"
    assert "metres" in quiet.evaluate("document.getElementById('unit').textContent")
    quiet.evaluate("fetch('https://example.org/').catch(() => 0)")
    assert quiet.problems and "Content Security Policy" in quiet.problems[0]
    quiet.problems.clear()


def test_the_frame_has_the_proportions_of_the_photo(quiet: Browser, tmp_path: Path) -> None:
    picture = opened(quiet, cloud(), tmp_path / "wall.html").picture()
    colored = np.abs(picture.astype(int) - RED).max(axis=-1) <= 12
    colored |= np.abs(picture.astype(int) - BLUE).max(axis=-1) <= 12
    rows, columns = (np.flatnonzero(colored.mean(axis=axis) > 0.3) for axis in (1, 0))
    width, height = np.ptp(columns) + 1, np.ptp(rows) + 1
    assert width / height == pytest.approx(WIDTH / HEIGHT, rel=0.03)


def test_a_drag_turns_it_and_the_button_turns_it_back(quiet: Browser, tmp_path: Path) -> None:
    before = opened(quiet, cloud(), tmp_path / "wall.html").picture()
    quiet.drag((400, 290), (480, 320))
    quiet.settle()
    turned = quiet.picture()
    assert share(middle(turned), RED) < share(middle(before), RED) - 0.05
    quiet.evaluate("document.getElementById('home').click()")
    quiet.settle()
    np.testing.assert_array_equal(middle(quiet.picture()), middle(before))


@pytest.mark.parametrize("key", ["ArrowLeft", "ArrowUp", "+", "-", "c"])
def test_keys_do_what_the_mouse_does(quiet: Browser, tmp_path: Path, key: str) -> None:
    before = opened(quiet, cloud(), tmp_path / "wall.html").picture()
    quiet.key(key)
    quiet.settle()
    assert (quiet.picture()[70:500] != before[70:500]).mean() > 0.002


def test_points_can_be_smaller_and_larger(quiet: Browser, tmp_path: Path) -> None:
    opened(quiet, cloud(), tmp_path / "wall.html")
    for key, least, most in (("[", 0.02, 0.2), ("]", 0.4, 1)):
        for _ in range(10):
            quiet.key(key)
        quiet.settle()
        assert least < share(middle(quiet.picture()), RED) <= most
    size = "document.getElementById('size')"
    quiet.evaluate(f"{size}.value = -10; {size}.dispatchEvent(new Event('input'))")
    quiet.settle()
    assert share(middle(quiet.picture()), RED) < 0.2


def test_a_wheel_and_a_double_click_come_closer_to_a_point(quiet: Browser, tmp_path: Path) -> None:
    opened(quiet, cloud(), tmp_path / "wall.html")
    quiet.click(260, 290, count=2)
    quiet.settle()
    assert share(middle(quiet.picture())[180:195, 255:265], RED) == 1  # what was clicked
    before = share(quiet.picture(), RED)
    for _ in range(3):
        quiet.wheel(400, 290, -200)
    quiet.settle()
    assert share(quiet.picture(), RED) > before + 0.05


def test_the_toggle_shows_what_the_filter_removed(quiet: Browser, tmp_path: Path) -> None:
    made = cloud(smeared=True)
    assert made.removed == 3 * HEIGHT
    opened(quiet, made, tmp_path / "wall.html")
    assert quiet.evaluate("document.getElementById('removed').innerText") == "Flying pixels (360)"
    without = quiet.picture()
    assert share(middle(without), SIGNAL) == 0
    quiet.key("f")
    quiet.settle()
    assert share(middle(quiet.picture()), SIGNAL) > 0.01
    quiet.evaluate("document.getElementById('removed').click()")
    quiet.settle()
    np.testing.assert_array_equal(middle(quiet.picture()), middle(without))


def test_without_removed_points_there_is_no_toggle(quiet: Browser, tmp_path: Path) -> None:
    opened(quiet, cloud(), tmp_path / "wall.html")
    assert quiet.evaluate("document.getElementById('removed').hidden")


def test_depth_has_the_colours_of_previews(quiet: Browser, tmp_path: Path) -> None:
    opened(quiet, cloud(), tmp_path / "wall.html")
    quiet.evaluate("document.getElementById('depth').click()")
    quiet.settle()
    picture = middle(quiet.picture())
    half = picture.shape[1] // 2
    near, far = (tuple(int(c) for c in html.ramp()[k]) for k in (0, 255))
    assert share(picture[:, : half - 5], near) > 0.95  # type: ignore[arg-type]
    assert share(picture[:, half + 5 :], far) > 0.95  # type: ignore[arg-type]
    assert quiet.evaluate(
        "document.getElementById('legend').innerText.split(/\\s+/).join(' ')"
    ) == ("2 m 4 m")


def test_a_phone(quiet: Browser, tmp_path: Path) -> None:
    try:
        quiet.resize(390, 844)
        picture = opened(quiet, cloud(), tmp_path / "wall.html").picture()
        colored = share(picture[:, 10:190], RED), share(picture[:, 200:380], BLUE)
        assert min(colored) > 0.3
        wide = quiet.evaluate("document.documentElement.scrollWidth")
        tools = quiet.evaluate("document.getElementById('tools').getBoundingClientRect().height")
        assert wide == 390 and tools < 120
        finger = [{"x": 200, "y": 400}]
        quiet.send("Input.dispatchTouchEvent", type="touchStart", touchPoints=finger)
        for x in (230, 260, 290):
            moved = [{"x": x, "y": 420}]
            quiet.send("Input.dispatchTouchEvent", type="touchMove", touchPoints=moved)
        quiet.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        quiet.settle()
        assert (quiet.picture()[100:600] != picture[100:600]).mean() > 0.02
    finally:
        quiet.resize(800, 600)


@pytest.mark.parametrize("near", [1e-3, 1, 1e6])
def test_any_unit_is_drawn_alike(quiet: Browser, tmp_path: Path, near: float) -> None:
    made = cloud()
    scaled = PointCloud(made.points * np.float32(near / 2), made.colors, made.comments)
    picture = middle(opened(quiet, scaled, tmp_path / "wall.html").picture())
    assert share(picture, RED) > 0.45 and share(picture, BLUE) > 0.45


def test_one_point(quiet: Browser, tmp_path: Path) -> None:
    made = cloud()
    lone = PointCloud(np.float32([[0, 0, 2]]), made.colors[:1], made.comments)
    picture = opened(quiet, lone, tmp_path / "wall.html").picture()
    assert share(middle(picture), RED) > 0
    assert quiet.evaluate("document.getElementById('about').textContent") == "1 point"


def test_a_hostile_name_is_shown_as_it_is(quiet: Browser, tmp_path: Path) -> None:
    made = cloud()
    name = '</script><script>alert(1)</script> & "雪".jpg'
    made.comments = (*made.comments, f"photo {name}")
    opened(quiet, made, tmp_path / "wall.html")
    assert quiet.evaluate("document.getElementById('title').textContent") == name
    assert quiet.evaluate("document.title") == name


def test_without_webgl_the_page_says_so(quiet: Browser, tmp_path: Path) -> None:
    html.write(tmp_path / "wall.html", cloud())
    script = "HTMLCanvasElement.prototype.getContext = () => null"
    added = quiet.send("Page.addScriptToEvaluateOnNewDocument", source=script)
    try:
        quiet.open((tmp_path / "wall.html").as_uri(), "failed")
        said = quiet.evaluate("document.getElementById('message').textContent")
        assert "needs WebGL 2" in said
    finally:
        quiet.send("Page.removeScriptToEvaluateOnNewDocument", **added)
