"""Small networks for tests: the layers of ppd-tiny's, few weights."""

from __future__ import annotations

from ppdcli.models.pyramid_encoder import PyramidEncoder, PyramidEncoderConfig

SMALL_STAGES = ((1, 3, 1, 8, 1), (2, 3, 2, 8, 2), (2, 5, 2, 8, 1), (2, 3, 2, 8, 1), (2, 3, 2, 8, 1))


def small_encoder() -> PyramidEncoder:
    """A few thousand random weights."""
    return PyramidEncoder(PyramidEncoderConfig(SMALL_STAGES, lateral=8, context=8)).eval()
