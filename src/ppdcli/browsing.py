"""The user's browser, and what it asks a server of ours."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import sys
import threading
import webbrowser


def open_browser(address: str) -> None:
    """Opens a page if there is a display; returns at once."""
    if has_display():
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


def has_display() -> bool:
    """Whether a browser window can be opened: over ssh it cannot, unless a display is passed on."""
    if sys.platform in ("win32", "darwin"):
        return not os.environ.get("SSH_CONNECTION")
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def page_address(bound: str, port: int) -> str:
    """Where a page is for a browser of this machine.

    Args:
        bound: The number that the server listens on; any of this machine's for ``0.0.0.0``.
        port: Its port.
    """
    number = ipaddress.ip_address(bound.partition("%")[0])
    if number.is_unspecified:
        number = ipaddress.ip_address("::1" if number.version == 6 else "127.0.0.1")
    return f"http://[{number}]:{port}/" if number.version == 6 else f"http://{number}:{port}/"


def is_own_name(asked: str, host: str) -> bool:
    """Whether a request names this server as it may be named.

    A page of another site can make a browser send requests here under that site's name (DNS
    rebinding). It cannot do so under a number or under a name of this machine.

    Args:
        asked: The request's header ``Host``.
        host: What the server listens on, as the user gave it.
    """
    match = re.fullmatch(r"(\[[0-9a-f:.]+\]|[^:\[\]]+)(?::\d+)?", asked.lower())
    if match is None:
        return False
    name = match[1].strip("[]")
    try:
        return bool(ipaddress.ip_address(name))
    except ValueError:
        return name in ("localhost", host.lower(), socket.gethostname().lower())
