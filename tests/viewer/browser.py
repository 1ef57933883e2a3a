"""Debian's Chromium without a window, driven through a pipe by its DevTools protocol."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SECONDS = 60.0
OPTIONS = """
    --headless=new --no-sandbox --use-gl=angle --use-angle=swiftshader
    --enable-unsafe-swiftshader --remote-debugging-pipe --no-first-run
    --disable-background-networking --disable-quic --disable-component-update --disable-sync
    --disable-extensions --disable-dev-shm-usage --hide-scrollbars --force-color-profile=srgb
"""


def chromium() -> str | None:
    """Where Chromium is; None if it is not on this machine or cannot be driven on it."""
    if sys.platform == "win32":
        return None  # has no pipes with given numbers
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if (path := shutil.which(name))), None)


class Browser:
    """One tab. ``problems``: what its console and its network have complained about."""

    def __init__(self, profile: Path, width: int, height: int) -> None:
        self.problems: list[str] = []
        self.requests: list[str] = []
        its_in, self._out = os.pipe()
        self._in, its_out = os.pipe()
        program = chromium()
        assert program is not None
        # Chromium reads from descriptor 3 and writes to 4.
        shell = f'exec "$@" 3<&{its_in} 4>&{its_out}'
        command = [program, *OPTIONS.split(), f"--user-data-dir={profile}", "about:blank"]
        self._process = subprocess.Popen(
            ["bash", "-c", shell, "bash", *command],
            pass_fds=(its_in, its_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(its_in)
        os.close(its_out)
        self._number = 0
        self._session: str | None = None
        self._rest = b""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        # Nothing glides on after a drag, however slow the machine.
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        self.send("Emulation.setEmulatedMedia", features=[still])
        self.resize(width, height)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Calls a method of the protocol; returns its answer."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + SECONDS
        while True:
            answer = self._receive(end)
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return dict(answer["result"])
            self._note(answer)

    def _receive(self, end: float) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._in], [], [], max(0.0, end - time.monotonic()))
            assert ready, "Chromium does not answer"
            chunk = os.read(self._in, 1 << 20)
            assert chunk, "Chromium has ended"
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\0")
        return dict(json.loads(line))

    def _note(self, event: dict[str, Any]) -> None:
        kind, about = event.get("method"), event.get("params", {})
        if kind == "Runtime.consoleAPICalled" and about["type"] in ("error", "warning", "assert"):
            values = [str(a.get("value", a.get("description"))) for a in about["args"]]
            self.problems.append(" ".join(values))
        elif kind == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(about["exceptionDetails"]))
        elif kind == "Log.entryAdded" and about["entry"]["level"] in ("error", "warning"):
            if "GPU stall due to ReadPixels" not in about["entry"]["text"]:  # by screenshots
                self.problems.append(about["entry"]["text"])
        elif kind == "Network.requestWillBeSent":
            self.requests.append(about["request"]["url"])

    def resize(self, width: int, height: int, ratio: float = 1.0) -> None:
        """Sizes the page in its own pixels; ``ratio``: the screen's pixels for each."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=ratio,
            mobile=False,
        )

    def open(self, address: str, state: str = "ready") -> None:
        """Loads a page and waits for its state."""
        self.send("Page.navigate", url=address)
        self.wait(f"document.documentElement?.dataset.state === {state!r}")

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, or of its promise."""
        answer = self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, expression: str) -> None:
        """Waits until an expression is true."""
        end = time.monotonic() + SECONDS
        while not self.evaluate(expression):
            assert time.monotonic() < end, f"{expression} has not become true"
            time.sleep(0.02)

    def drag(self, start: tuple[int, int], end: tuple[int, int], steps: int = 8) -> None:
        """Drags with the left button."""
        (x, y), (to_x, to_y) = start, end
        self._mouse("mousePressed", x, y)
        for k in range(1, steps + 1):
            self._mouse("mouseMoved", x + (to_x - x) * k / steps, y + (to_y - y) * k / steps)
        self._mouse("mouseReleased", to_x, to_y)

    def click(self, x: float, y: float, count: int = 1) -> None:
        """Clicks with the left button, or clicks so many times."""
        for k in range(1, count + 1):
            self._mouse("mousePressed", x, y, k)
            self._mouse("mouseReleased", x, y, k)

    def _mouse(self, kind: str, x: float, y: float, count: int = 1) -> None:
        buttons = 0 if kind == "mouseReleased" else 1
        self.send(
            "Input.dispatchMouseEvent",
            type=kind,
            x=x,
            y=y,
            button="left",
            buttons=buttons,
            clickCount=count,
        )

    def wheel(self, x: float, y: float, by: float) -> None:
        """Turns the mouse's wheel."""
        self.send("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=by)

    def key(self, key: str) -> None:
        """Presses and releases a key."""
        text = {"text": key} if len(key) == 1 else {}
        self.send("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=key)

    def settle(self) -> None:
        """Waits until what was asked for has been drawn."""
        frames = "let n = 0; const step = () => ++n > 3 ? done(1) : requestAnimationFrame(step)"
        self.evaluate(f"new Promise(done => {{ {frames}; step(); }})")

    def picture(self) -> np.ndarray:
        """(H, W, 3) uint8 of the page as it is shown."""
        data = self.send("Page.captureScreenshot", format="png")["data"]
        with Image.open(io.BytesIO(base64.b64decode(data))) as image:
            return np.asarray(image.convert("RGB"))

    def close(self) -> None:
        """Ends Chromium."""
        with contextlib.suppress(AssertionError, OSError):
            self._session = None
            self.send("Browser.close")
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._out)
        os.close(self._in)


@contextlib.contextmanager
def browser(profile: Path, width: int = 900, height: int = 700) -> Iterator[Browser]:
    """A browser that is closed afterwards."""
    tab = Browser(profile, width, height)
    try:
        yield tab
    finally:
        tab.close()
