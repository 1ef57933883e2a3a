"""How a notebook shows depth and clouds."""

from __future__ import annotations

import base64
import html
import io
from dataclasses import replace

import numpy as np
from PIL import Image

from ppdcli.axes import to_opencv
from ppdcli.cloud_data import CloudData
from ppdcli.depth_data import DepthData
from ppdcli.files.preview import colorize
from ppdcli.geometry.side_view import side_view

LARGEST = 640  # pixels of a preview's longer side


def depth_png(depth_map: DepthData) -> bytes:
    """The preview of a depth map, ``LARGEST`` pixels on its longer side at most."""
    step = -(-max(depth_map.shape) // LARGEST)
    return _png(colorize(replace(depth_map, values=depth_map.values[::step, ::step])))


def depth_html(depth_map: DepthData, caption: str) -> str:
    """The preview with a line below it."""
    return _picture(depth_png(depth_map), caption)


def cloud_png(cloud: CloudData) -> bytes:
    """The cloud from the side and from above."""
    return _png(side_view(to_opencv(cloud.points, cloud.axes), cloud.colors))


def cloud_html(cloud: CloudData, caption: str) -> str:
    """What a notebook shows of a cloud: this is the place for a viewer that can be turned."""
    return _picture(cloud_png(cloud) if len(cloud.points) else None, caption)


def _picture(png: bytes | None, caption: str) -> str:
    line = f"<div>{html.escape(caption)}</div>"
    if png is None:
        return line
    source = base64.b64encode(png).decode("ascii")
    return f'<img src="data:image/png;base64,{source}" alt="" style="max-width: 100%">{line}'


def _png(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()
