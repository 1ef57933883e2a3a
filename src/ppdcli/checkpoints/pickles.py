"""What a file of ``torch.save`` asks for, found out before torch reads it.

torch runs no foreign code under ``weights_only``, but it calls a few harmless types with whatever
arguments a file states, and unpacks what is compressed. So a file of a hundred bytes could take all
of a machine's memory. What ``torch.save`` makes of tensors needs neither.
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
MOST_PICKLE = 2 << 20  # bytes without the tensors' own: 100 to 200 a tensor
LEGACY_PICKLES = 5  # magic number, version, system, content, names of the storages

_PLAIN = re.compile(
    r"collections OrderedDict|torch\._utils _rebuild_(tensor_v2|parameter)|torch (Size|device)"
    r"|torch (\w+Storage|b?float\d+\w*|double|half|u?int\d+|short|long|bool)"
)


class CodeError(ValueError):
    """A pickle names something that is no part of a table of tensors; the text is its name."""


def check_pickle(path: Path) -> bool:
    """Whether the file is a zip, torch's format since 1.6, after a look at what it would call.

    Raises:
        CodeError: it would call something else than what tensors are made by.
        ValueError: it is no file of ``torch.save``, or its pickle is larger than any model's.
        zipfile.BadZipFile, OSError, and whatever else a damaged file can raise.
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
