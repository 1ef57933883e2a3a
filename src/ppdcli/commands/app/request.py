"""What ``ppd app`` is asked for; imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass

from ppdcli.model_request import ModelRequest

LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")


@dataclass(frozen=True)
class AppRequest:
    """What the user asks for.

    Attributes:
        model: Device, precision and the like.
        host: Address to listen on.
        port: 0 takes a free one.
        browser: Open the page in the browser, if there is a display.
    """

    model: ModelRequest
    host: str
    port: int
    browser: bool
