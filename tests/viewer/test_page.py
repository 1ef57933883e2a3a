"""The page as a file: one piece, which asks no network for anything, whatever names are in it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from ppdcli.files.html import ramp
from ppdcli.viewer.page import json_of, page_of, served_page
from ppdcli.viewer.scene import Scene

ROOT = Path(__file__).parents[2]
HOSTILE = [
    "</script><script>alert(1)</script>.jpg",
    "\"'&<b>.jpg",
    "<!--<script>.png",
    "雪 Ünïcode 📷.jpg",
    "@SCRIPT@ @DATA@.jpg",
    "a\n\x1b[31m\u202e.jpg",
    "bytes \udcff.jpg",
]


class Parts(HTMLParser):
    """The tags of a page with their attributes, and the texts of its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        self._inside = attributes.get("id") or tag

    def handle_data(self, data: str) -> None:
        self.texts[self._inside] = self.texts.get(self._inside, "") + data

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""


def parts(title: str = "photo.jpg") -> Parts:
    scene = Scene({"title": title, "notes": [title]}, b"\0\1\2\xff")
    return Parts(page_of(scene, ramp()).decode("utf-8"))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_stays_a_name(name: str) -> None:
    made, plain = parts(name), parts()
    assert [tag for tag, _ in made.tags] == [tag for tag, _ in plain.tags]
    assert json.loads(made.texts["scene"])["notes"] == [name]
    assert made.texts["script"] == plain.texts["script"]
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", made.texts["title"])


def test_the_bytes_are_in_it() -> None:
    assert base64.b64decode(parts().texts["data"]) == b"\0\1\2\xff"
    assert len(base64.b64decode(parts().texts["ramp"])) == 3 * 256


def test_nothing_is_loaded_and_only_its_own_script_runs() -> None:
    made = parts()
    for tag, attributes in made.tags:
        assert "src" not in attributes, tag
        assert attributes.get("href", "data:,") == "data:,", tag
        assert not any(name.startswith("on") for name in attributes), tag
    policy = next(a["content"] for _, a in made.tags if a.get("http-equiv"))
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'" and "connect-src" not in rules
    for part, rule in (("script", "script-src"), ("style", "style-src")):
        digest = hashlib.sha256(made.texts[part].encode()).digest()
        assert rules[rule] == f"'sha256-{base64.b64encode(digest).decode()}'"


def test_a_served_page_may_load_from_its_own_server_alone() -> None:
    page = Parts(served_page(HOSTILE, ramp()).decode("utf-8"))
    policy = next(a["content"] for _, a in page.tags if a.get("http-equiv"))
    assert policy is not None and "connect-src 'self' blob: data:;" in policy
    assert "http" not in policy.replace("http-equiv", "")
    names = json.loads(page.texts["list"])
    assert names[0] == HOSTILE[0] and names[6] == r"bytes \xff.jpg"


def test_facts_are_json_that_cannot_hold_nan() -> None:
    with pytest.raises(ValueError, match="JSON"):
        json_of(Scene({"near": float("nan")}, b""))


def test_the_licence_of_three_js_comes_along() -> None:
    licence = "Permission is hereby granted, free of charge, to any person"
    assert licence in parts().texts["script"]
    assets = ROOT / "src/ppdcli/viewer/assets"
    assert licence in (assets / "three-LICENSE.txt").read_text(encoding="utf-8")
    assert "three.js" in (ROOT / "NOTICE").read_text(encoding="utf-8")


def test_the_colours_of_depth_are_those_of_previews() -> None:
    colors = ramp()
    assert colors.shape == (256, 3) and colors.dtype == np.uint8
    assert colors[0].tolist() == [0x9E, 0x01, 0x42] and colors[255].tolist() == [0x5E, 0x4F, 0xA2]
