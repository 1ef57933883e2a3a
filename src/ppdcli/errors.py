"""Errors that users see: the text of each is the whole message, one line that names the file,
the cause and the way on. Anything else that escapes is a bug."""


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
