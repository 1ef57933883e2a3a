"""The page, in Gradio: what one sees, and what happens on a click."""

from __future__ import annotations

import html
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from ppdcli.app.network import Network, Wish, has_moge2, models_here
from ppdcli.app.pictures import Point, depth_picture, marked, photo_picture, share_of
from ppdcli.app.shot import Ends, Scale, Shot, point_at
from ppdcli.app.store import Store
from ppdcli.errors import PpdError

RELATIVE, NEAR_FAR, MOGE2 = "Relative", "Nearest and farthest distance", "Metres by MoGe-2"
MOST_STEPS = 50
WAITING = 16  # photos of all tabs that may wait for the network
FORGET_AFTER = 3600  # seconds after a tab was closed or last used
SWEEP_EVERY = 600  # seconds between two removals of old uploads
MADE = "made"  # the address of the store's files

_INTRO = """# Depth and a point cloud of your photo

Drop a photo, choose a model and make its depth. Everything runs on the machine that serves this \
page."""
_MEASURE = (
    "Click two points on the photo to see how far apart they are. If you know their true "
    "distance, state it: the cloud, the depth and all files then have this scale."
)
_FILES = (
    ("png", "Depth, 16-bit PNG"),
    ("exr", "Depth, EXR"),
    ("npy", "Depth, NPY"),
    ("ply", "Cloud, PLY"),
    ("glb", "Mesh, GLB"),
    ("html", "Cloud, HTML page"),
)
CSS = """
.cloud iframe { width: 100%; height: 70vh; min-height: 22rem; border: 0; border-radius: 8px; }
.files a { display: inline-block; margin: 0 1rem 0.5rem 0; }
.notes { font-size: 0.9rem; opacity: 0.85; overflow-wrap: anywhere; }
"""


@dataclass(frozen=True)
class Tab:
    """What one tab of a browser works on.

    Attributes:
        made: Name of its shot in the store.
        points: Up to two clicked points, (x, y) in pixels of the picture.
        picture: The photo as it is shown.
    """

    made: str
    picture: Image.Image
    points: tuple[Point, ...] = ()


def build(network: Network, store: Store) -> gr.Blocks:
    """The page. Its queue lets one photo through at a time."""
    here = models_here()
    names = list(here)
    scales = [RELATIVE, NEAR_FAR, *([MOGE2] if any(map(has_moge2, here.values())) else [])]
    actions = _Actions(network, store)
    with gr.Blocks(
        title="ppd: depth of a photo",
        analytics_enabled=False,
        delete_cache=(SWEEP_EVERY, FORGET_AFTER),
        fill_width=True,
    ) as page:
        tab = gr.State(None, time_to_live=FORGET_AFTER)
        gr.Markdown(_INTRO)
        with gr.Row():
            with gr.Column(scale=1, min_width=300):
                photo = gr.File(label="Photo", type="filepath", height=140, elem_id="photo")
                model = gr.Dropdown(
                    names,
                    value=names[-1],
                    label="Model",
                    info="Models on this machine. ppd weights pull NAME downloads another one.",
                )
                steps = gr.Slider(
                    1, MOST_STEPS, value=4, step=1, label="Sampling steps", elem_id="steps"
                )
                fov = gr.Number(
                    label="Horizontal field of view, degrees",
                    info="0: as the photo states it, or 60 on the longer side.",
                    value=0,
                )
                scale = gr.Radio(scales, value=RELATIVE, label="Scale", elem_id="scale")
                with gr.Row(visible=False) as distances:
                    near = gr.Number(label="Nearest, m", value=1.0)
                    far = gr.Number(label="Farthest, m", value=10.0)
                start = gr.Button("Make depth", variant="primary", elem_id="start")
            with gr.Column(scale=3, min_width=320), gr.Tabs():
                with gr.Tab("Photo and depth"):
                    compared = gr.ImageSlider(
                        label="Photo and depth: red is near, blue is far",
                        interactive=False,
                        format="jpeg",
                        max_height=700,
                        elem_id="compared",
                    )
                with gr.Tab("Cloud"):
                    cloud = gr.HTML(elem_classes="cloud", elem_id="cloud")
                with gr.Tab("Measure"):
                    gr.Markdown(_MEASURE)
                    measured = gr.Image(
                        label="Photo",
                        interactive=False,
                        format="jpeg",
                        buttons=["fullscreen"],
                        elem_id="measured",
                    )
                    length = gr.Markdown(elem_id="length")
                    with gr.Row():
                        true_length = gr.Number(label="True distance, m", elem_id="true-length")
                        rescale = gr.Button("Use this length as the scale", elem_id="rescale")
        files = gr.HTML(elem_classes="files", elem_id="files")
        notes = gr.HTML(elem_classes="notes", elem_id="notes")

        shown = [tab, compared, cloud, measured, length, files, notes]
        scale.change(lambda kind: gr.Row(visible=kind == NEAR_FAR), scale, distances)
        model.change(lambda name: here[name].steps, model, steps)
        start.click(
            actions.make,
            [photo, model, steps, fov, scale, near, far],
            shown,
            concurrency_limit=1,
            concurrency_id="network",
            show_progress_on=[compared],
        )
        measured.select(actions.click, tab, [tab, measured, length], show_progress="hidden")
        rescale.click(actions.rescale, [tab, true_length], shown)
    page.queue(max_size=WAITING)
    return page


class _Actions:
    """What happens on a click."""

    def __init__(self, network: Network, store: Store) -> None:
        self._network, self._store = network, store

    def make(
        self,
        photo: str | None,
        model: str,
        steps: float,
        fov: float | None,
        scale: str,
        near: float | None,
        far: float | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  how Gradio asks for it
    ) -> list[Any]:
        """Predicts, and shows everything."""
        if photo is None:
            raise gr.Error("Choose a photo first.", print_exception=False)
        given = _near_far(near, far) if scale == NEAR_FAR else None
        wish = Wish(model, int(steps), fov or None, scale == MOGE2)
        with _told():
            shot = self._network.shot(Path(photo), wish, progress)
            source = "MoGe-2" if scale == MOGE2 else ""
            if given is not None:
                source = "near-far {:g},{:g} m".format(*given)
            return self._shown(shot, Scale(given, 1.0, source))

    def click(self, tab: Tab | None, event: gr.SelectData) -> list[Any]:
        """Takes a point; the third one begins anew."""
        if tab is None:
            raise gr.Error("Make the depth of a photo first.", print_exception=False)
        x, y = event.index
        points = (*(tab.points if len(tab.points) < 2 else ()), (float(x), float(y)))
        tab = replace(tab, points=points)
        with _told():
            text = self._length(tab)
        return [tab, marked(tab.picture, points), text]

    def rescale(self, tab: Tab | None, metres: float | None) -> list[Any]:
        """Takes a known length for the scale."""
        if tab is None or len(tab.points) < 2:
            raise gr.Error("Click two points on the photo first.", print_exception=False)
        if metres is None or not metres > 0:
            raise gr.Error("State the true distance in metres, above 0.", print_exception=False)
        with _told():
            shot, scale = self._store.get(tab.made)
            cloud = self._store.cloud(tab.made)
            scale = shot.scale_of_length(cloud, scale, self._ends(tab), metres)
            return self._shown(shot, scale, tab.points)

    def _shown(self, shot: Shot, scale: Scale, points: tuple[Point, ...] = ()) -> list[Any]:
        made = self._store.add(shot, scale)
        picture = photo_picture(shot)
        tab = Tab(made, picture, points)
        self._store.cloud(made)  # an error of it belongs to this click
        frame = f'<iframe src="{MADE}/{made}/html" title="The cloud" sandbox="allow-scripts">'
        links = "".join(
            f'<a href="{MADE}/{made}/{format_}" download>{label}</a>' for format_, label in _FILES
        )
        unit = f"metres ({scale.source})" if shot.is_metric(scale) else "relative units"
        lines = [f"Lengths are in {unit}.", *shot.notes]
        notes = "".join(f"<div>{html.escape(line)}</div>" for line in lines)
        return [
            tab,
            (picture, depth_picture(shot)),
            f"{frame}</iframe>",
            marked(picture, points),
            self._length(tab),
            links,
            notes,
        ]

    def _length(self, tab: Tab) -> str:
        if len(tab.points) < 2:
            return "Click another point." if tab.points else ""
        distance = self._ends(tab).distance
        shot, scale = self._store.get(tab.made)
        if shot.is_metric(scale):
            return f"**{distance:.3g} m** apart"
        return (
            f"**{distance:.3g}** relative units apart. Neither the scale nor the proportions in "
            "depth are those of the scene."
        )

    def _ends(self, tab: Tab) -> Ends:
        shot, _ = self._store.get(tab.made)
        cloud, share = self._store.cloud(tab.made), share_of(shot)
        return Ends(np.stack([point_at(cloud, x / share, y / share) for x, y in tab.points]))


@contextmanager
def _told() -> Iterator[None]:
    """An error of ours becomes a line on the page."""
    try:
        yield
    except PpdError as error:
        raise gr.Error(html.escape(str(error)), print_exception=False) from error


def _near_far(near: float | None, far: float | None) -> tuple[float, float]:
    if near is None or far is None or not 0 < near < far:
        raise gr.Error(
            "The nearest distance must be above 0 and below the farthest one.",
            print_exception=False,
        )
    return near, far
