"""The candidates of a benchmark: a model, or baselines that put its scores in context."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from ppdcli.evaluation.frames import Frame
from ppdcli.evaluation.protocols import Kind
from ppdcli.predictor import Predictor

BLURS = (2.0, 8.0)  # pixels, of the truth as a predictor

Predict = Callable[[str, Frame], np.ndarray]


@dataclass(frozen=True, eq=False)
class Candidate:
    """A predictor of depth in a benchmark.

    Attributes:
        name: Name in tables.
        kind: The space in which its values are affine.
        predict: (name of the image, frame) -> (h, w) values on any grid; NaN for missing values.
            Raises InputError if it has no prediction for this image.
        identity: Everything its values depend on, by name. Rows of different identities are never
            mixed.
        stamp: name of the image -> a text that changes with its file; empty without a file.
        shown: Whether its best and worst images are shown; False for baselines.
    """

    name: str
    kind: Kind
    predict: Predict
    identity: dict[str, str] = field(default_factory=dict)
    stamp: Callable[[str], str] = lambda _image: ""
    shown: bool = False


def of_model(
    predictor: Predictor, steps: int | None, seed: int, area: int | None, bilinear: bool
) -> Candidate:
    """Returns a model of the PPD family, with unmodified output.

    Args:
        predictor: The model.
        steps, seed, area: As for ``Predictor.predict``.
        bilinear: Resize photos to the working size by bilinear interpolation, as the authors'
            evaluation code does, instead of by the model's own resize rule.
    """

    def predict(name: str, frame: Frame) -> np.ndarray:
        photo = frame.photo
        if bilinear:
            height, width = predictor.size_of(photo, area)
            rgb = cv2.resize(photo.rgb, (width, height), interpolation=cv2.INTER_LINEAR)
            photo = replace(photo, rgb=rgb)
        return predictor.predict(photo, steps=steps, seed=seed, area=area).values

    identity = {
        "weights": predictor.backend.weights_digest(),
        "precision": predictor.precision,
        "steps": str(predictor.steps if steps is None else steps),
        "seed": str(seed),
        "area": str(predictor.area if area is None else area),
    }
    return Candidate(predictor.name, "ppd", predict, identity, shown=True)


def controls() -> list[Candidate]:
    """Predictors that are no models: they show what a score is worth."""
    return [constant(), vertical_ramp(), *(blurred_truth(sigma) for sigma in BLURS)]


def constant() -> Candidate:
    """A baseline that predicts the same value everywhere."""
    return Candidate("constant", "ppd", lambda name, frame: np.ones(frame.depth.shape))


def vertical_ramp() -> Candidate:
    """A baseline that assumes only a ground below: far at the top, near at the bottom."""

    def predict(name: str, frame: Frame) -> np.ndarray:
        height, width = frame.depth.shape
        return np.repeat(np.linspace(1, 0, height)[:, None], width, axis=1)

    return Candidate("vertical ramp", "ppd", predict)


def blurred_truth(sigma: float) -> Candidate:
    """The true depth without sharp edges: a Gaussian blur of log(depth + 1).

    Args:
        sigma: Standard deviation in pixels of the true depth's grid.
    """

    def predict(name: str, frame: Frame) -> np.ndarray:
        return cv2.GaussianBlur(np.log1p(frame.depth), (0, 0), sigma)

    return Candidate(f"truth, blurred {sigma:g} px", "ppd", predict)
