"""Words, styles and pieces of HTML of the page. Nothing in them comes from the user."""

from __future__ import annotations

from collections.abc import Sequence

Point = tuple[float, float]  # (x, y) in pixels of the picture

MEASURE = (
    "Click two points on the photo to see how far apart they are. If you know their true "
    "distance, state it: the cloud, the depth and all files then have this scale."
)
FILES = (
    ("png", "Depth, 16-bit PNG"),
    ("exr", "Depth, EXR"),
    ("npy", "Depth, NPY"),
    ("ply", "Cloud, PLY"),
    ("glb", "Mesh, GLB"),
    ("html", "Cloud, HTML page"),
)
STYLE = """
body { background: #f4f5f7; }
.compare { position: relative; --at: 50%; line-height: 0; }
.compare img { width: 100%; max-height: 75vh; object-fit: contain; }
.compare img + img { position: absolute; inset: 0; height: 100%;
  clip-path: inset(0 0 0 var(--at)); }
.compare input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0;
  cursor: ew-resize; }
.compare i { position: absolute; top: 0; bottom: 0; left: var(--at); width: 3px; margin-left: -1px;
  background: #fff; box-shadow: 0 0 4px #000; pointer-events: none; }
.compare input:focus-visible + i { background: #2563eb; }
.cloud { width: 100%; height: 75vh; min-height: 22rem; border: 0; border-radius: 6px; }
"""
# A window of less than 640 pixels shows the results below the choices.
SHOW_RESULTS = "if (innerWidth < 640) document.querySelector('.app-results').scrollIntoView()"
_SLIDE = "this.parentNode.style.setProperty('--at', this.value + '%')"


def slider(photo: str, colors: str) -> str:
    """The photo and its depth in colours, with a line between them that can be moved.

    Args:
        photo, colors: Addresses of the pictures.
    """
    return (
        f'<div class="compare"><img src="{photo}" alt="The photo">'
        f'<img src="{colors}" alt="Its depth: red is near, blue is far">'
        f'<input type="range" min="0" max="100" step="0.1" aria-label="Photo or depth" '
        f'oninput="{_SLIDE}"><i></i></div>'
    )


def frame(cloud: str) -> str:
    """The page of a cloud, at this address."""
    return (
        f'<iframe class="cloud" src="{cloud}" title="The cloud" sandbox="allow-scripts"></iframe>'
    )


def marks(points: Sequence[Point], radius: float) -> str:
    """Points, and the line between two of them, as SVG in pixels of the picture."""
    line = ""
    if len(points) == 2:
        (x, y), (to_x, to_y) = points
        for color, width in (("white", 1.0), ("#ff4020", 0.5)):
            line += (
                f'<line x1="{x}" y1="{y}" x2="{to_x}" y2="{to_y}" stroke="{color}" '
                f'stroke-width="{width * radius}"/>'
            )
    dots = "".join(
        f'<circle cx="{x}" cy="{y}" r="{radius}" fill="#ff4020" stroke="white" '
        f'stroke-width="{radius / 3}"/>'
        for x, y in points
    )
    return line + dots
