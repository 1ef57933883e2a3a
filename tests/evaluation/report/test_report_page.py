"""The page: whole, escaped, readable without a network, and the same each time."""

from __future__ import annotations

import base64
import io
import math
import re
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from ppdcli.evaluation.report.content import Column, Picture, Profile, Report, Table, TableRow
from ppdcli.evaluation.report.page import MOST_UNFOLDED, Chart, render_page
from ppdcli.evaluation.report.panels import make_panels

VOID = {"meta", "img", "source", "br"}
HOSTILE = "<script>alert('x')</script> \" onload=\"y & &lt; </title></style>"
UNPRINTABLE = "a\x00b\x1b[31m\ud800\uffff"


@dataclass
class Page(HTMLParser):
    """What a page holds; tags that do not match fail."""

    open_tags: list[str] = field(default_factory=list)
    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    texts: dict[str, list[str]] = field(default_factory=dict)
    body: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        assert len(attrs) == len(dict(attrs))
        if tag not in VOID:
            self.open_tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in self.open_tags:
            self.texts.setdefault(tag, []).append(data)
        if "body" in self.open_tags:
            self.body += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def text_of(self, tag: str) -> str:
        return "".join(self.texts.get(tag, ()))


def parse(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    assert page.open_tags == []
    return page


def png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (30, 20)).save(buffer, format="PNG")
    return buffer.getvalue()


def picture(name: str = "room/1.png", predictor: str = "ours", **changes: object) -> Picture:
    truth = np.linspace(1, 4, 48).reshape(6, 8)
    rgb = np.zeros((6, 8, 3), np.uint8)
    valid = np.ones((6, 8), bool)
    scores = {"abs_rel": 0.1234, "delta1": 0.5}
    made = Picture(name, predictor, rgb, truth, truth * 1.1, valid, scores, "worst")
    return replace(made, **changes)  # type: ignore[arg-type]


COLUMNS = (
    Column("abs_rel", "AbsRel", "lower", ".3f", "mean of |p - t| / t; < 0.1 is good"),
    Column("delta1", "delta1", "higher", ".1%"),
    Column("chamfer", "Chamfer (m)", "lower", ".3f"),
)
ROWS = (
    TableRow("ours", (0.1, 0.9, math.nan), 8, {"no valid pixel": 2}),
    TableRow("theirs", (0.2, 0.95, None), 8, {"no valid pixel": 2}),
)
FAILURES = tuple((f"{k}.png", r.predictor, "no valid pixel") for r in ROWS for k in range(2))
REPORT = Report(
    "Synthetic",
    ("Protocol: authors.", "Edges: Canny 50, 150."),
    Table(COLUMNS, ROWS),
    (picture(), picture("hall.png", why="best")),
    (
        Profile("ours", (0, 1, 4, math.inf), np.array([1.0, 0, 0.5]), np.array([10, 0, 100])),
        Profile("theirs", (0, 1, 4, math.inf), np.array([2.0, 0, 0.5]), np.array([10, 0, 100])),
    ),
    FAILURES,
    "ppdcli 1.2.3",
    "2026-11-27",
)


def render(report: Report = REPORT, charts: bool = True) -> str:
    chart = Chart(png(), png()) if charts else None
    return render_page(report, [make_panels(p) for p in report.pictures], chart, chart)


@pytest.fixture(scope="module")
def page() -> Page:
    return parse(render())


def test_language_title_and_width(page: Page) -> None:
    assert page.named("html") == [{"lang": "en"}]
    assert page.text_of("title") == page.text_of("h1") == "Synthetic"
    metas = {meta.get("name"): meta.get("content") for meta in page.named("meta")}
    assert metas["viewport"] == "width=device-width, initial-scale=1"
    assert metas["color-scheme"] == "light dark"
    assert "prefers-color-scheme: dark" in page.text_of("style")


def test_nothing_is_loaded_or_run(page: Page) -> None:
    html = render()
    for word in ("http://", "https://", "url(", "@import", "<script", "<link", "<iframe"):
        assert word not in html
    sources = [
        value for _, attributes in page.tags for name, value in attributes.items()
        if name in ("src", "href", "srcset", "poster", "action")
    ]  # fmt: skip
    assert len(sources) == 2 * 4 + 2 * 2  # panels of two pictures, two charts in two colours
    assert all(value is not None and value.startswith("data:image/") for value in sources)
    policy = [m["content"] for m in page.named("meta") if "http-equiv" in m]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


def test_every_picture_has_a_text_and_a_size_and_can_be_decoded(page: Page) -> None:
    for image in page.named("img"):
        assert image["alt"]
        uri = image["src"] or ""
        with Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))) as decoded:
            decoded.load()
            size = (int(image["width"] or 0), int(image["height"] or 0))
            assert decoded.size == size
    assert any("room/1.png" in (image["alt"] or "") for image in page.named("img"))


def test_the_maps_on_the_page_are_exact() -> None:
    image = parse(render()).named("img")[2 + 1]  # after the charts: photo, truth
    with Image.open(io.BytesIO(base64.b64decode((image["src"] or "").split(",")[1]))) as decoded:
        np.testing.assert_array_equal(np.asarray(decoded), make_panels(picture()).truth)


def test_tables_have_headers_with_a_scope(page: Page) -> None:
    headers = page.named("th")
    assert headers and all(header.get("scope") in ("col", "row") for header in headers)
    assert "AbsRel" in page.text_of("th") and "lower is better" in page.text_of("th")


def test_the_best_values_are_bold_and_missing_ones_a_dash() -> None:
    html = render()
    assert "<strong>0.100</strong>" in html and "<strong>95.0%</strong>" in html
    assert html.count("<strong>") == 2
    assert html.count('<td class="number">-</td>') == 2 + 2  # Chamfer, and a bin without pixels
    assert "nan" not in parse(html).text_of("td").lower()


def test_a_control_is_marked_and_never_the_best() -> None:
    rows = (*ROWS, TableRow("constant", (0.0, 1.0, 0.0), 10, {}, control=True))
    html = render(replace(REPORT, table=Table(COLUMNS, rows)), charts=False)
    assert re.findall("<td.*?<strong>(.*?)<", html) == ["0.100", "95.0%"]
    page = parse(html)
    assert "control" in page.text_of("th")
    assert "A control is no model" in page.text_of("p")
    # A control with the same value as the best one is not marked either.
    rows = (*ROWS, TableRow("constant", (0.1, 0.95, 0.0), 10, {}, control=True))
    html = render(replace(REPORT, table=Table(COLUMNS, rows)), charts=False)
    assert re.findall("<td.*?<strong>(.*?)<", html) == ["0.100", "95.0%"]


def test_the_columns_are_explained() -> None:
    page = parse(render(charts=False))
    assert page.text_of("dt").strip() == "AbsRel"
    assert "< 0.1 is good" in page.text_of("dd")
    plain = replace(REPORT, table=Table(COLUMNS[1:], (TableRow("ours", (0.9, 0.1), 8, {}),)))
    assert not parse(render(plain, charts=False)).text_of("dt")


def test_the_day_is_stated() -> None:
    assert "2026-11-27" in parse(render(charts=False)).text_of("footer")


def test_equal_values_are_both_the_best() -> None:
    rows = (
        TableRow("a", (0.1001,), 1, {}),
        TableRow("b", (0.1002,), 1, {}),
        TableRow("c", (0.2,), 1, {}),
    )
    html = render(replace(REPORT, table=Table(COLUMNS[:1], rows)))
    assert html.count("<strong>0.100</strong>") == 2


def test_settings_counts_failures_and_version_are_there(page: Page) -> None:
    assert page.text_of("li").count("\n") == 0
    for line in REPORT.settings:
        assert line in page.texts["li"]
    assert "8 images scored, 2 not." in page.body
    assert "2: 2 × no valid pixel" in page.body
    assert "4 in all" in page.text_of("summary")
    for image, predictor, reason in FAILURES:
        assert {image} <= set(page.texts["th"]) and {predictor, reason} <= set(page.texts["td"])
    assert "ppdcli 1.2.3" in page.text_of("footer")


def test_the_profiles_numbers_are_there(page: Page) -> None:
    assert {"0 to below 1", "1 to below 4", "4 and more"} <= set(page.texts["th"])
    assert {"10.00%", "20.00%", "0.50%"} <= set(page.texts["td"])


def test_scores_of_pictures_are_written_as_in_the_table(page: Page) -> None:
    assert "AbsRel 0.123" in page.body and "delta1 50.0%" in page.body
    assert page.texts["h4"] == ["room/1.png", "hall.png"]
    assert page.texts["h3"] == ["Worst", "Best"]


@pytest.mark.parametrize(
    "change",
    [
        {"table": Table(COLUMNS, (ROWS[0], replace(ROWS[1], scored=9, not_scored={})))},
        {"failures": (*FAILURES[:3], ("7.png", "theirs", "no valid pixel"))},
    ],
    ids=["other counts", "other images"],
)
def test_means_over_different_images_are_told(change: dict) -> None:
    assert "cannot be compared" not in parse(render()).body
    assert "cannot be compared" in parse(render(replace(REPORT, **change))).body


@pytest.mark.parametrize("text", [HOSTILE, UNPRINTABLE])
def test_no_text_is_taken_for_html(text: str) -> None:
    hostile = Report(
        text,
        (text,),
        Table(
            (Column("k", text, "lower", ".3f", text),),
            (TableRow(text, (0.5,), 1, {text: 1}), TableRow("b", (0.6,), 1, {})),
        ),
        (picture(text, text, scores={text: 0.5}),),
        (Profile(text, (0, math.inf), np.ones(1), np.ones(1)),),
        ((text, text, text),),
        text,
        text,
    )
    html = render(hostile)
    html.encode()
    page = parse(html)
    plain = parse(render(replace(REPORT, pictures=REPORT.pictures[:1])))
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in plain.tags}
    attributes = {name for _, attrs in page.tags for name in attrs}
    assert attributes <= {name for _, attrs in plain.tags for name in attrs} | {"open"}
    shown = text if text == HOSTILE else "a\ufffdb\ufffd[31m\ufffd\ufffd"
    for tag in ("title", "h1", "h4", "li", "th", "td", "footer"):
        assert shown in page.text_of(tag)
    assert any(shown in (image["alt"] or "") for image in page.named("img"))


def test_equal_reports_give_equal_pages() -> None:
    assert render() == render()


def test_many_failures_are_folded() -> None:
    for count, unfolded in ((MOST_UNFOLDED, 1), (MOST_UNFOLDED + 1, 0)):
        failures = tuple((f"{k}.png", "ours", "broken") for k in range(count))
        page = parse(render(replace(REPORT, failures=failures)))
        assert sum("open" in details for details in page.named("details")) == unfolded
        assert f"{count - 1}.png" in page.texts["th"]


def test_parts_that_are_empty_are_left_out() -> None:
    empty = Report("Empty", (), Table(COLUMNS, ()), (), (), (), "v", "d")
    page = parse(render(empty, charts=False))
    assert "Nothing was scored." in page.body
    assert page.texts["h2"] == ["Scores", "How it was measured"]
    assert not page.named("img")


def test_one_predictor_and_all_failed() -> None:
    alone = replace(REPORT, table=Table(COLUMNS, ROWS[:1]), failures=FAILURES[:2])
    html = render(alone)
    assert "<strong>" not in html and "8 images scored, 2 not." in html
    failed = TableRow("ours", (None, None, None), 0, {"broken <file>": 3})
    lost = replace(
        alone, table=Table(COLUMNS, (failed,)), pictures=(), profiles=(), failures=FAILURES[:1]
    )
    page = parse(render(lost, charts=False))
    assert "0 images scored, 3 not." in page.body and "3: 3 × broken <file>" in page.body
