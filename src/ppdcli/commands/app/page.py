"""The page, in NiceGUI: what one sees, and what happens on a click."""

from __future__ import annotations

import secrets
import shutil
from asyncio import Semaphore, to_thread
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from nicegui import events, ui

from ppdcli.commands.app.choices import Choices
from ppdcli.commands.app.looks import (
    FILES,
    MEASURE,
    SHOW_RESULTS,
    STYLE,
    Point,
    frame,
    marks,
    slider,
)
from ppdcli.commands.app.network import Network
from ppdcli.commands.app.shot import Ends, Scale, Shot
from ppdcli.commands.app.store import Store
from ppdcli.errors import InputError, PpdError

ACCEPTED = "image/*,.heic,.heif,.avif,.jp2,.tif"
MOST_UPLOAD = 200_000_000  # bytes
MOST_WAITING = 16  # photos of all tabs
LONGEST_NAME = 100  # characters
MADE = "made"  # the address of the store's files


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
        ui.context.client.on_delete(self._forget)
        ui.add_css(STYLE)
        with ui.column().classes("w-full max-w-screen-2xl mx-auto p-2 sm:p-4 gap-4"):
            ui.label("Depth and a point cloud of your photo").classes("text-2xl font-bold")
            with ui.row().classes("w-full items-start gap-4"):
                with ui.card().classes("w-full sm:w-80 shrink-0"):
                    self._build_input()
                with ui.card().classes("grow basis-96 min-w-0 app-results"):
                    self._build_results()
        ui.timer(0.2, self._show_progress)

    def _build_input(self) -> None:
        ui.upload(
            label="Photo",
            auto_upload=True,
            max_file_size=MOST_UPLOAD,
            on_upload=self._take,
            on_rejected=lambda: ui.notify(
                f"The file is too large: at most {MOST_UPLOAD // 10**6} MB.", type="negative"
            ),
        ).props(f"flat bordered accept={ACCEPTED}").classes("w-full app-photo")
        self._choices = Choices()
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
        wish, scale = self._choices.wish(), self._choices.scale()
        self._busy, self._share = True, 0.0
        self._what = "waiting for other photos"
        self._start.disable()
        self._pages.waiting += 1
        try:
            async with self._pages.turn:
                shot = await to_thread(self._pages.network.shot, self._photo, wish, self._tell)
        finally:
            self._pages.waiting -= 1
            self._busy, self._what = False, ""
            self._start.enable()
        self._points = ()
        await self._show(shot, scale)

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
        cloud = await to_thread(self._pages.store.cloud, self._made)
        ends = await self._ends()
        await self._show(shot, shot.scale_of_length(cloud, scale, ends, metres))

    async def _show(self, shot: Shot, scale: Scale) -> None:
        store = self._pages.store
        made = store.add(shot, scale)
        await to_thread(store.cloud, made)  # an error of it belongs to this click
        self._made = made
        here = f"{MADE}/{made}"
        self._compared.set_content(slider(f"{here}/photo", f"{here}/colors"))
        self._cloud.set_content(frame(f"{here}/html"))
        self._measured.set_source(f"{here}/photo")
        self._files.clear()
        with self._files:
            for format_, label in FILES:
                ui.link(label, f"{here}/{format_}").props("download")
        unit = f"metres ({scale.source})" if shot.is_metric(scale) else "relative units"
        self._notes.clear()
        with self._notes:
            for line in (f"Lengths are in {unit}.", *shot.notes):
                ui.label(line)
        self._mark()
        await self._show_length()
        ui.run_javascript(SHOW_RESULTS)

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
        cloud = await to_thread(store.cloud, self._made)
        share = store.get(self._made)[0].picture_share
        # A browser counts from the corner of the first pixel, a camera from its centre.
        return Ends(
            np.stack([cloud.point_at(x / share - 0.5, y / share - 0.5) for x, y in self._points])
        )

    def _mark(self) -> None:
        """Draws the points and the line between them over the photo."""
        if self._made is not None:
            shot, _ = self._pages.store.get(self._made)
            size = max(shot.photo.rgb.shape[:2]) * shot.picture_share
            self._measured.set_content(marks(self._points, size / 160))

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
