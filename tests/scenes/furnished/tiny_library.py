"""A furniture library of a few tiny models, made by the tests."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

CUBE = """mtllib cube.mtl
v 0 0 0
v 2 0 0
v 2 2 0
v 0 2 0
v 0 0 2
v 2 0 2
v 2 2 2
v 0 2 2
vt 0 0
vt 1 0
vt 1 1
vt 0 1
usemtl wood
f 1/1 4/4 3/3 2/2
f 5/1 6/2 7/3 8/4
f 1/1 2/2 6/3 5/4
usemtl glass
f 3/1 4/2 8/3 7/4
f 1/1 5/2 8/3 4/4
f 2/1 3/2 7/3 6/4
"""
MTL = """newmtl wood
Kd 1 1 1
Ks 0.5 0.5 0.5
Ns 100
map_Kd wood.png
newmtl glass
Kd 0.2 0.4 0.9
d 0.25
"""
# Name, category, width, depth and height in centimetres, more lines of the catalogue.
MODELS = (
    ("Sofa", "Living room", 200, 90, 80, "dropOnTopElevation#{n}=40"),
    ("Coffee table", "Living room", 90, 60, 45, ""),
    ("Table", "Living room", 140, 90, 75, ""),
    ("Chair", "Living room", 45, 50, 90, "dropOnTopElevation#{n}=45"),
    ("Shelves", "Living room", 90, 35, 180, ""),
    ("Bed", "Bedroom", 140, 200, 60, ""),
    ("Wardrobe", "Bedroom", 120, 60, 200, ""),
    ("Desk", "Office", 120, 60, 75, ""),
    ("Lower cabinet", "Kitchen", 60, 60, 88, ""),
    ("Upper cabinet", "Kitchen", 60, 40, 72, "elevation#{n}=145"),
    ("Cup", "Kitchen", 8, 8, 9, ""),
    ("Washbasin", "Bathroom", 60, 50, 87, ""),
    ("Female", "Characters", 50, 40, 168, ""),
    ("Hatchback", "Vehicles", 180, 420, 150, ""),
    ("Pine", "Exterior", 300, 300, 600, ""),
    ("Window", "Doors and windows", 100, 20, 120, "elevation#{n}=90\ndoorOrWindow#{n}=true"),
)


def texture() -> bytes:
    """A PNG picture, 40 x 24, so that its sides are no powers of two."""
    y, x = np.mgrid[:24, :40]
    rgb = np.stack([x * 6, y * 10, np.full_like(x, 90)], -1).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "PNG")
    return file.getvalue()


def write_library(folder: Path, extra: str = "") -> Path:
    """Writes ``tiny.sh3f`` into a folder; ``extra`` is added to the catalogue."""
    lines = ["id=Tiny#Models", "name=Tiny", "license=CC0"]
    for n, (name, category, width, depth, height, more) in enumerate(MODELS, 1):
        lines += [
            f"id#{n}=Tiny#{name}",
            f"name#{n}={name}",
            f"category#{n}={category}",
            f"model#{n}=/tiny/cube.obj",
            f"width#{n}={width}",
            f"depth#{n}={depth}",
            f"height#{n}={height}",
            f"creator#{n}=Nobody",
            more.format(n=n),
        ]
    path = folder / "tiny.sh3f"
    with zipfile.ZipFile(path, "w") as file:
        text = "\n".join(lines) + "\n" + extra
        file.writestr("PluginFurnitureCatalog.properties", text.encode("latin-1"))
        file.writestr("tiny/cube.obj", CUBE)
        file.writestr("tiny/cube.mtl", MTL)
        file.writestr("tiny/wood.png", texture())
        file.writestr("tiny/broken.obj", "v 0 0 0\nf 1 2 3\n")
    return path
