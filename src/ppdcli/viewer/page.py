"""The HTML page: one file that asks no network for anything, or one that its own server feeds."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

import numpy as np

from ppdcli.errors import printable
from ppdcli.version import __version__
from ppdcli.viewer.scene import Scene

_MARK = re.compile(r"@([A-Z]+)@")
_ALONE = "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'"
_SERVED = (
    "default-src 'none'; connect-src 'self' blob: data:; img-src data: blob:; base-uri 'none'; "
    "form-action 'none'"
)
_STOPS = 9  # of the legend


def page_of(scene: Scene, ramp: np.ndarray) -> bytes:
    """A page with a scene inside, which opens without a server.

    Args:
        scene: to show; not a mesh, which a page loads from its server.
        ramp: (256, 3) uint8 colours of depth, near to far.
    """
    data = _block("scene", "application/json", _json(scene.facts))
    data += _block("data", "text/plain", base64.b64encode(scene.data).decode("ascii"))
    return _filled(str(scene.facts["title"]), _ALONE, data, ramp)


def served_page(names: Sequence[str], ramp: np.ndarray) -> bytes:
    """A page that loads ``scene/K.json`` and ``scene/K.bin`` of the K-th of these names."""
    shown = [printable(name) for name in names]
    return _filled("ppd view", _SERVED, _block("list", "application/json", _json(shown)), ramp)


def json_of(scene: Scene) -> bytes:
    """The facts of a scene, for a page that is served."""
    return _json(scene.facts).encode("ascii")


def _filled(title: str, policy: str, data: str, ramp: np.ndarray) -> bytes:
    script = _asset("viewer.js")
    stops = ramp[np.linspace(0, 255, _STOPS).round().astype(int)]
    colors = ", ".join("rgb({}, {}, {})".format(*stop) for stop in stops)
    style = _replaced(_asset("page.css"), {"RAMP": colors})
    allowed = f"{policy}; script-src {_hash(script)}; style-src {_hash(style)}"
    data += _block("ramp", "text/plain", base64.b64encode(ramp.tobytes()).decode("ascii"))
    values = {
        "POLICY": html.escape(allowed, quote=False),
        "GENERATOR": f"ppdcli {__version__}",
        "TITLE": html.escape(printable(title)),
        "STYLE": style,
        "DATA": data,
        "SCRIPT": script,
    }
    return _replaced(_asset("page.html"), values).encode("utf-8", "backslashreplace")


def _replaced(text: str, values: Mapping[str, str]) -> str:
    """The text with its marks replaced, once: what stands in for one is not looked at again."""
    return _MARK.sub(lambda match: values[match[1]], text)


def _block(name: str, kind: str, text: str) -> str:
    return f'<script id="{name}" type="{kind}">{text}</script>\n'


def _json(value: object) -> str:
    """JSON in ASCII that cannot end the block that it is in."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


@cache
def _asset(name: str) -> str:
    return (files("ppdcli.viewer") / "assets" / name).read_text(encoding="utf-8")
