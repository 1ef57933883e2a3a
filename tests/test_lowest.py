"""The oldest versions that are tested are the oldest that are allowed."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

TESTS = Path(__file__).parent


def bounds(requirements: Iterable[str], operator: str) -> dict[str, Version]:
    """Name -> the one version that follows the operator."""
    found = {}
    for line in requirements:
        requirement = Requirement(line)
        (version,) = (s.version for s in requirement.specifier if s.operator == operator)
        found[canonicalize_name(requirement.name)] = Version(version)
    return found


def test_the_oldest_that_are_tested_are_the_oldest_that_are_allowed() -> None:
    text = (TESTS.parent / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    lists = (project["dependencies"], *project["optional-dependencies"].values())
    own = project["name"]
    allowed = [line for part in lists for line in part if Requirement(line).name != own]
    ours, _, _ = (TESTS / "lowest.txt").read_text(encoding="utf-8").partition("# Not ours")
    lines = ours.splitlines()
    tested = [line.partition("#")[0] for line in lines if line and not line.startswith("#")]
    assert bounds(tested, "==") == bounds(allowed, ">=")
