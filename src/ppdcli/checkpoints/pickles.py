"""Checks a file of ``torch.save`` before PyTorch reads it.

With ``weights_only``, PyTorch runs no foreign code. But it calls a few harmless types with any
arguments that a file states, and unpacks compressed data. A file of a hundred bytes could therefore
take all of a machine's memory. Files that ``torch.save`` makes of tensors need neither.
"""

from __future__ import annotations

import io
import pickletools
import re
import zipfile
from pathlib import Path
from typing import BinaryIO

from ppdcli.errors import shown
from ppdcli.files.foreign import open_regular

ZIP_MAGIC = b"PK\x03\x04"
MOST_PICKLE = 2 << 20  # bytes without the tensors' values; a tensor takes 100 to 200
LEGACY_PICKLES = 5  # magic number, version, system, content, and names of the storages

_PLAIN = re.compile(
    r"collections OrderedDict|torch\._utils _rebuild_(tensor_v2|parameter)|torch (Size|device)"
    r"|torch (\w+Storage|b?float\d+\w*|double|half|u?int\d+|short|long|bool)"
)


class CodeError(ValueError):
    """A pickle names something that does not belong to tensors. The text is the name."""


def check_pickle(path: Path) -> bool:
    """Checks everything that reading the file would call.

    Returns:
        Whether the file is a zip, PyTorch's format since 1.6.

    Raises:
        CodeError: reading would call something that does not belong to tensors.
        ValueError: it is not a file of ``torch.save``, or its pickle is larger than any model's.
        Exception: of any kind, if the file is damaged.
    """
    with open_regular(path) as stream:
        zipped = stream.read(len(ZIP_MAGIC)) == ZIP_MAGIC
        stream.seek(0)
        if zipped:
            _check_calls(io.BytesIO(_pickle_of_zip(stream)), 1)
        else:
            _check_calls(io.BytesIO(stream.read(MOST_PICKLE)), LEGACY_PICKLES)
    return zipped


def _pickle_of_zip(stream: BinaryIO) -> bytes:
    with zipfile.ZipFile(stream) as archive:
        found = None
        for entry in archive.infolist():
            if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
                raise ValueError("is compressed, which torch.save never does")
            if entry.filename.rpartition("/")[2] == "data.pkl":
                found = entry
        if found is None:
            raise ValueError("holds no data.pkl")
        if found.file_size > MOST_PICKLE:
            raise ValueError("holds more names than any model")
        return archive.read(found)


def _check_calls(stream: BinaryIO, pickles: int) -> None:
    for _ in range(pickles):
        for code, argument, _ in pickletools.genops(stream):
            if code.name == "GLOBAL" and not _PLAIN.fullmatch(str(argument)):
                raise CodeError(shown(argument))
            if code.name in ("STACK_GLOBAL", "INST", "EXT1", "EXT2", "EXT4"):
                raise CodeError(code.name)
