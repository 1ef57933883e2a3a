"""Packs furniture libraries into one file.

``python -m studies.pack_furniture -o FILE [FOLDER]``
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ppdcli.errors import PpdError
from ppdcli.scenes.furnished.models.library import DEBIAN_FOLDER, open_library, pack_libraries


def main() -> int:
    """Packs the libraries and prints a summary of the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=DEBIAN_FOLDER)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        pack_libraries(arguments.folder, arguments.output)
        library = open_library(arguments.output)
    except PpdError as error:
        print(error, file=sys.stderr)
        return 1
    size = arguments.output.stat().st_size / 1e6
    print(f"{arguments.output}: {len(library.entries)} models, {size:.1f} MB")
    for name, why in library.dropped.items():
        print(f"left out: {name}: {why}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
