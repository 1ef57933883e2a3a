"""Depth of a folder's photos: other threads read and write while the network computes.

python examples/folder.py PHOTOS FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import ppdcli


def main(photos: Path, folder: Path) -> None:
    def save(depth: ppdcli.DepthMap) -> Path:
        assert depth.photo is not None
        path = folder / Path(depth.photo.name).with_suffix(".exr").name
        depth.full_size().save(path)
        return path

    model = ppdcli.load("ppd-tiny")
    files = sorted(path for path in photos.iterdir() if path.is_file())
    for file, result in zip(files, model.predict_many(files, save, on_error="yield"), strict=True):
        if isinstance(result, ppdcli.PpdError):
            print(f"failed: {result}")  # the others go on
        else:
            print(f"{file} -> {result}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
