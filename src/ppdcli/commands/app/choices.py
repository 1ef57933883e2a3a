"""The choices beside a photo: model, steps, field of view, scale."""

from __future__ import annotations

from nicegui import ui

from ppdcli.checkpoints.catalog_rows import AUTO
from ppdcli.checkpoints.hub import choose
from ppdcli.commands.app.network import Wish, has_moge2, models_here
from ppdcli.commands.app.shot import Scale
from ppdcli.errors import InputError

RELATIVE, NEAR_FAR, MOGE2 = "Relative", "Nearest and farthest distance", "Metres by MoGe-2"
MOST_STEPS = 50


class Choices:
    """Fields that are built where this is called."""

    def __init__(self) -> None:
        self._models = models_here()
        self._model = ui.select([*self._models], value=choose(AUTO), label="Model").classes(
            "w-full"
        )
        self._model.on_value_change(self._take_default_steps)
        ui.label("Models on this machine. ppd weights pull NAME downloads another.").classes(
            "text-xs text-gray-600"
        )
        self._steps = ui.number("Sampling steps", min=1, max=MOST_STEPS, precision=0)
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

    def wish(self) -> Wish:
        """What is wanted.

        Raises:
            InputError: A field is empty.
        """
        if self._steps.value is None:
            raise InputError("State the number of sampling steps.")
        metric = self._scale.value == MOGE2
        return Wish(str(self._model.value), int(self._steps.value), self._fov.value, metric)

    def scale(self) -> Scale:
        """The scale.

        Raises:
            InputError: The distances do not fit together.
        """
        if self._scale.value == MOGE2:
            return Scale(source="MoGe-2")
        if self._scale.value == RELATIVE:
            return Scale()
        near, far = self._near.value, self._far.value
        if near is None or far is None or not 0 < near < far:
            raise InputError("The nearest distance must be above 0 and below the farthest one.")
        return Scale((near, far), source=f"near-far {near:g},{far:g} m")

    def _take_default_steps(self) -> None:
        self._steps.set_value(self._models[str(self._model.value)].steps)
