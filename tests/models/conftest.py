from __future__ import annotations

import pytest
from parity import network

from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.config import CasDiTConfig


@pytest.fixture(scope="session")
def full_network() -> CasDiT:
    """The released model's size with synthetic weights: 2 GB."""
    return network("ppd", CasDiTConfig())
