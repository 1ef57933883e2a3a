"""Errors that users see: the text of each is the whole message, one line that names the file,
the cause and the way on. Anything else that escapes is a bug."""

from unicodedata import category

_UNSAFE = ("Cc", "Cf", "Cs", "Zl", "Zp")  # control, format, surrogate, line and paragraph ends
_JOINERS = "\u200c\u200d"  # inside words of some scripts and inside emoji


class PpdError(Exception):
    """The run cannot go on (exit code 1)."""


class UsageError(PpdError):
    """The command line or an argument is wrong (exit code 2)."""


class InputError(PpdError):
    """One input cannot be used; the others go on (exit code 3)."""


class CheckpointError(PpdError):
    """A checkpoint is missing, damaged, unsafe or of another model."""


class OutputError(PpdError):
    """A result cannot be written."""


class NoRoomError(OutputError):
    """A result cannot be written, and none after it can: the disk is full or read-only."""


class PpdWarning(UserWarning):
    """The result stands, and there is something to know about it."""


def not_installed(error: ModuleNotFoundError) -> str:
    """What to say where a package is missing, as in an install without PyTorch."""
    package = (error.name or "a package").partition(".")[0]
    return (
        f"this needs {package}, which is not installed; run: pip install ppdcli. Without PyTorch, "
        "predict and pointcloud work with the backend onnx and an exported model"
    )


def printable(line: str) -> str:
    r"""A line as a terminal may show it, whatever names are in it.

    Control characters, line ends, marks that turn the direction of writing, and bytes that are no
    text become escapes, as in ``\n``, ``\x1b`` and ``\xff``. Letters of all scripts and emoji stay.
    """
    return "".join(_escaped(c) if category(c) in _UNSAFE and c not in _JOINERS else c for c in line)


def shown(foreign: object, most: int = 120) -> str:
    """Foreign text as a part of a message: safe to print, on one line, of bounded length.

    What is too long keeps both ends, with "..." between.

    Args:
        foreign: a text, or what is to be shown as one.
        most: characters of the result, 16 or more.
    """
    text = str(foreign)
    if len(text) > most:  # before the rest, which takes its time with megabytes
        kept = most - 3
        text = f"{text[: (kept + 1) // 2]}...{text[len(text) - kept // 2 :]}"
    line = printable(text)
    return line if len(line) <= most else line[: most - 3] + "..."


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python keeps a byte of a name that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")
