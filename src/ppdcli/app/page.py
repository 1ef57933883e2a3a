"""The page, in NiceGUI: what one sees, and what happens on a click."""

from __future__ import annotations

import secrets
import shutil
from asyncio import Semaphore
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from nicegui import events, run, ui

from ppdcli.app.network import Network, Wish, has_moge2, models_here
from ppdcli.app.shot import Ends, Scale, Shot, point_at
from ppdcli.app.store import Store
from ppdcli.checkpoints.catalog_rows import AUTO
from ppdcli.checkpoints.hub import choose
from ppdcli.errors import InputError, PpdError

RELATIVE, NEAR_FAR, MOGE2 = "Relative", "Nearest and farthest distance", "Metres by MoGe-2"
MOST_STEPS = 50
MOST_UPLOAD = 200_000_000  # bytes
MOST_WAITING = 16  # photos of all tabs
LONGEST_NAME = 100  # characters
MADE = "made"  # the address of the store's files

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
NARROW = 640  # pixels of a window that shows the results below the choices
RESULTS = "document.querySelector('.app-results')"
SLIDE = "this.parentNode.style.setProperty('--at', this.value + '%')"
Point = tuple[float, float]


class Pages:
    """The pages of all tabs: one network, one store, one queue.

    Args:
        network: Predicts.
        store: Keeps what is made.
        uploads: Folder of the photos.
    """

    def __init__(self, network: Network, store: Store, uploads: Path) -> None:
        self.network, self.store, self.uploads = network, store, uploads
        self.turn = Semaphore(1)
        self.waiting = 0

    def show(self) -> None:
        """Builds the page of a new tab."""
        _Page(self)


def _told(
    action: Callable[[_Page, Any], Awaitable[None]],
) -> Callable[[_Page, Any], Awaitable[None]]:
    """An error of ours becomes a line on the page."""

    @wraps(action)
    async def careful(page: _Page, event: Any) -> None:
        try:
            await action(page, event)
        except PpdError as error:
            ui.notify(str(error), type="negative", multi_line=True, close_button=True, timeout=0)

    return careful


class _Page:
    """The page of one tab."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._photo: Path | None = None
        self._made: str | None = None
        self._points: tuple[Point, ...] = ()
        self._busy = False
        self._share, self._what = 0.0, ""
        self._models = models_here()
        ui.context.client.on_delete(self._forget)
        ui.add_css(STYLE)
        with ui.column().classes("w-full max-w-screen-2xl mx-auto p-2 sm:p-4 gap-4"):
            ui.label("Depth and a point cloud of your photo").classes("text-2xl font-bold")
            with ui.row().classes("w-full items-start gap-4"):
                with ui.card().classes("w-full sm:w-80 shrink-0"):
                    self._build_choices()
                with ui.card().classes("grow basis-96 min-w-0 app-results"):
                    self._build_results()
        ui.timer(0.2, self._show_progress)

    def _build_choices(self) -> None:
        ui.upload(
            label="Photo",
            auto_upload=True,
            max_file_size=MOST_UPLOAD,
            on_upload=self._take,
            on_rejected=lambda: ui.notify(
                f"The file is too large: at most {MOST_UPLOAD // 10**6} MB.", type="negative"
            ),
        ).props("flat bordered accept=image/*,.heic,.heif,.avif,.jp2,.tif").classes(
            "w-full app-photo"
        )
        best = choose(AUTO)
        self._model = ui.select(list(self._models), value=best, label="Model").classes("w-full")
        self._model.on_value_change(self._take_default_steps)
        ui.label("Models on this machine. ppd weights pull NAME downloads another.").classes(
            "text-xs text-gray-600"
        )
        self._steps = ui.number("Sampling steps", value=4, min=1, max=MOST_STEPS, precision=0)
        self._steps.classes("w-full")
        self._take_default_steps()
        self._fov = ui.number("Horizontal field of view, degrees", min=1, max=170)
        self._fov.props('placeholder="as the photo states it, or assumed"').classes("w-full")
        moge2 = any(has_moge2(model) for model in self._models.values())
        scales = [RELATIVE, NEAR_FAR, *([MOGE2] if moge2 else [])]
        self._scale = ui.select(scales, value=RELATIVE, label="Scale").classes("w-full")
        with ui.row().classes("w-full no-wrap") as distances:
            self._near = ui.number("Nearest, m", value=1).classes("w-1/2")
            self._far = ui.number("Farthest, m", value=10).classes("w-1/2")
        distances.bind_visibility_from(self._scale, "value", value=NEAR_FAR)
        self._start = ui.button("Make depth", on_click=self._make).classes("w-full app-start")
        self._bar = ui.linear_progress(0, show_value=False).classes("w-full")
        self._doing = ui.label().classes("text-sm app-doing")

    def _build_results(self) -> None:
        with ui.tabs().classes("w-full") as tabs:
            names = [ui.tab(name) for name in ("Depth", "Cloud", "Measure")]
        with (
            ui.tab_panels(tabs, value=names[0], animated=False)
            .classes("w-full")
            .props("keep-alive")
        ):
            with ui.tab_panel(names[0]):
                self._compared = ui.html(sanitize=False).classes("w-full")
                self._compared.set_content("Drop a photo, choose a model, and make its depth.")
            with ui.tab_panel(names[1]):
                self._cloud = ui.html(sanitize=False).classes("w-full app-cloud")
            with ui.tab_panel(names[2]):
                ui.label(MEASURE)
                self._measured = ui.interactive_image(on_mouse=self._click, cross=True)
                self._measured.classes("w-full app-measured")
                self._length = ui.label().classes("text-lg app-length")
                with ui.row().classes("items-end"):
                    self._true_length = ui.number("True distance, m").classes("app-true-length")
                    ui.button("Use as the scale", on_click=self._rescale).classes("app-rescale")
        self._files = ui.row().classes("gap-4 app-files")
        self._notes = ui.column().classes("gap-0 text-sm text-gray-700 app-notes break-words")

    def _take_default_steps(self) -> None:
        self._steps.set_value(self._models[self._model.value].steps)

    @_told
    async def _take(self, event: events.UploadEventArguments) -> None:
        """Keeps an uploaded photo, in place of the one before."""
        self._drop_photo()
        name = PurePath(event.file.name.replace("\\", "/")).name.replace("\0", "")
        folder = self._pages.uploads / secrets.token_urlsafe(16)
        path = folder / (name[-LONGEST_NAME:] or "photo")
        await event.file.save(path)
        self._photo = path

    @_told
    async def _make(self, _event: Any) -> None:
        """Predicts, and shows everything."""
        if self._photo is None:
            raise InputError("Choose a photo first.")
        if self._busy:
            return
        if self._pages.waiting >= MOST_WAITING:
            raise InputError("Too many photos are waiting; try again in a while.")
        kind = str(self._scale.value)
        near_far = self._distances() if kind == NEAR_FAR else None
        if self._steps.value is None:
            raise InputError("State the number of sampling steps.")
        wish = Wish(self._model.value, int(self._steps.value), self._fov.value, kind == MOGE2)
        self._busy, self._share = True, 0.0
        self._what = "waiting for other photos"
        self._start.disable()
        self._pages.waiting += 1
        try:
            async with self._pages.turn:
                shot = await run.io_bound(self._pages.network.shot, self._photo, wish, self._tell)
        finally:
            self._pages.waiting -= 1
            self._busy, self._what = False, ""
            self._start.enable()
        source = "MoGe-2" if kind == MOGE2 else ""
        if near_far is not None:
            source = "near-far {:g},{:g} m".format(*near_far)
        self._points = ()
        await self._show(shot, Scale(near_far, 1.0, source))

    @_told
    async def _click(self, event: events.MouseEventArguments) -> None:
        """Takes a point; the third one begins anew."""
        if self._made is None:
            return
        earlier = self._points if len(self._points) < 2 else ()
        self._points = (*earlier, (event.image_x, event.image_y))
        try:
            await self._show_length()
        except PpdError:
            self._points = earlier
            raise
        finally:
            self._mark()

    @_told
    async def _rescale(self, _event: Any) -> None:
        """Takes a known length for the scale."""
        metres = self._true_length.value
        if self._made is None or len(self._points) < 2:
            raise InputError("Click two points on the photo first.")
        if metres is None or not metres > 0:
            raise InputError("State the true distance in metres, above 0.")
        shot, scale = self._pages.store.get(self._made)
        cloud = await run.io_bound(self._pages.store.cloud, self._made)
        ends = await self._ends()
        await self._show(shot, shot.scale_of_length(cloud, scale, ends, metres))

    async def _show(self, shot: Shot, scale: Scale) -> None:
        store = self._pages.store
        made = store.add(shot, scale)
        await run.io_bound(store.cloud, made)  # an error of it belongs to this click
        self._made = made
        photo, colors = f"{MADE}/{made}/photo", f"{MADE}/{made}/colors"
        self._compared.set_content(
            f'<div class="compare"><img src="{photo}" alt="The photo">'
            f'<img src="{colors}" alt="Its depth: red is near, blue is far">'
            f'<input type="range" min="0" max="100" step="0.1" aria-label="Photo or depth" '
            f'oninput="{SLIDE}"><i></i></div>'
        )
        self._cloud.set_content(
            f'<iframe class="cloud" src="{MADE}/{made}/html" title="The cloud" '
            'sandbox="allow-scripts"></iframe>'
        )
        self._measured.set_source(photo)
        self._files.clear()
        with self._files:
            for format_, label in FILES:
                ui.link(label, f"{MADE}/{made}/{format_}").props("download")
        unit = f"metres ({scale.source})" if shot.is_metric(scale) else "relative units"
        self._notes.clear()
        with self._notes:
            for line in (f"Lengths are in {unit}.", *shot.notes):
                ui.label(line)
        self._mark()
        await self._show_length()
        ui.run_javascript(f"if (innerWidth < {NARROW}) {RESULTS}.scrollIntoView()")

    async def _show_length(self) -> None:
        assert self._made is not None
        if len(self._points) < 2:
            if self._points:
                await self._ends()  # is there depth at that point?
            self._length.set_text("Click another point." if self._points else "")
            return
        distance = (await self._ends()).distance
        shot, scale = self._pages.store.get(self._made)
        text = f"{distance:.3g} m apart"
        if not shot.is_metric(scale):
            text = (
                f"{distance:.3g} relative units apart. Neither the scale nor the proportions in "
                "depth are those of the scene."
            )
        self._length.set_text(text)

    async def _ends(self) -> Ends:
        assert self._made is not None
        store = self._pages.store
        cloud = await run.io_bound(store.cloud, self._made)
        share = store.get(self._made)[0].picture_share
        return Ends(np.stack([point_at(cloud, x / share, y / share) for x, y in self._points]))

    def _mark(self) -> None:
        """Draws the points and the line between them over the photo."""
        if self._made is None:
            return
        rgb = self._pages.store.get(self._made)[0].photo.rgb
        radius = max(rgb.shape[:2]) * self._pages.store.get(self._made)[0].picture_share / 160
        line = ""
        if len(self._points) == 2:
            (x, y), (to_x, to_y) = self._points
            for color, width in (("white", 1.0), ("#ff4020", 0.5)):
                line += (
                    f'<line x1="{x}" y1="{y}" x2="{to_x}" y2="{to_y}" stroke="{color}" '
                    f'stroke-width="{width * radius}"/>'
                )
        dots = "".join(
            f'<circle cx="{x}" cy="{y}" r="{radius}" fill="#ff4020" stroke="white" '
            f'stroke-width="{radius / 3}"/>'
            for x, y in self._points
        )
        self._measured.set_content(line + dots)

    def _distances(self) -> tuple[float, float]:
        near, far = self._near.value, self._far.value
        if near is None or far is None or not 0 < near < far:
            raise InputError("The nearest distance must be above 0 and below the farthest one.")
        return float(near), float(far)

    def _tell(self, share: float, what: str) -> None:
        """Called on the network's thread; the timer shows it."""
        self._share, self._what = share, what

    def _show_progress(self) -> None:
        self._bar.set_visibility(self._busy)
        self._bar.set_value(self._share)
        self._doing.set_text(self._what)

    def _drop_photo(self) -> None:
        if self._photo is not None:
            shutil.rmtree(self._photo.parent, ignore_errors=True)
            self._photo = None

    def _forget(self) -> None:
        """The tab was closed."""
        self._drop_photo()
        if self._made is not None:
            self._pages.store.forget(self._made)
