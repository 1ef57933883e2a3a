"""What is scored: a model, or predictors that show what a score is worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from ppdcli.evaluation.frames import Frame
from ppdcli.evaluation.protocols import Kind
from ppdcli.predictor import Predictor

Predict = Callable[[str, Frame], np.ndarray]


@dataclass(frozen=True, eq=False)
class Candidate:
    """Something that predicts depth.

    Attributes:
        name: what tables call it.
        kind: the space in which its values are affine.
        predict: (name of the image, frame) -> (h, w) values on any grid; NaN where it has none.
            Raises InputError where it has nothing for this image.
        identity: what its values depend on, by name: rows of two identities are never mixed.
        stamp: name of the image -> what tells a change of its file; empty without one.
        shown: its best and worst images are pictured; not worth it for those that know nothing.
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
    """A model of the PPD family, its output untouched.

    Args:
        predictor: the model.
        steps, seed, area: as for ``Predictor.predict``.
        bilinear: bring photos to the working size by bilinear interpolation, as the authors'
            evaluation code does, instead of as the model's own resize rule says.
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


def constant() -> Candidate:
    """Sees nothing: the same value everywhere."""
    return Candidate("constant", "ppd", lambda name, frame: np.ones(frame.depth.shape))


def vertical_ramp() -> Candidate:
    """Knows only that the ground is below: far above, near below."""

    def predict(name: str, frame: Frame) -> np.ndarray:
        height, width = frame.depth.shape
        return np.repeat(np.linspace(1, 0, height)[:, None], width, axis=1)

    return Candidate("vertical ramp", "ppd", predict)


def blurred_truth(sigma: float) -> Candidate:
    """Knows the truth, but for its edges: a Gaussian blur of log(depth + 1).

    Args:
        sigma: standard deviation in pixels of the truth's grid.
    """

    def predict(name: str, frame: Frame) -> np.ndarray:
        return cv2.GaussianBlur(np.log1p(frame.depth), (0, 0), sigma)

    return Candidate(f"truth, blurred {sigma:g} px", "ppd", predict)
