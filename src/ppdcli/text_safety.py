"""Text of other people's files and of libraries, made fit for a place inside one of our lines."""

from __future__ import annotations

from ppdcli.errors import printable

MOST = 200
"""Characters of a message that one quoted text may take."""

_LOOKED_AT = 4  # times as many are looked at as are shown, so that huge texts cost nothing


def excerpt(text: object, most: int = MOST) -> str:
    r"""The beginning of a text on one line, safe for a terminal.

    White space and line ends become single spaces, other control characters escapes (see
    ``errors.printable``). What is longer ends in ``...``.

    Args:
        text: a string, or an error whose message is meant; an error without one gives its type.
        most: characters of the result at most, at least 4.
    """
    whole = text if isinstance(text, str) else _message(text)
    shown = printable(" ".join(whole[: most * _LOOKED_AT].split()))
    if len(shown) <= most and len(whole) <= most * _LOOKED_AT:
        return shown
    return f"{shown[: most - 3]}..."


def _message(text: object) -> str:
    try:
        return str(text) or type(text).__name__
    except Exception:  # an error that cannot be shown, such as one about bytes that are no text
        return type(text).__name__
