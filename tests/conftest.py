"""What all tests share: the record of how close each golden was met."""

from __future__ import annotations

import pytest
from parity import ParityRecord

RECORD = pytest.StashKey[ParityRecord]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--parity-table",
        action="store_true",
        help="print how close the goldens were met: per file and quantity, the worst difference",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RECORD] = ParityRecord()


@pytest.fixture(scope="session")
def parity(pytestconfig: pytest.Config) -> ParityRecord:
    """Compares with goldens and remembers the differences for the table."""
    return pytestconfig.stash[RECORD]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if config.getoption("--parity-table"):
        terminalreporter.section("parity")
        for line in config.stash[RECORD].table():
            terminalreporter.write_line(line)
