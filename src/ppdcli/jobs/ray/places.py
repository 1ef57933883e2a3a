"""Outputs by path or URL."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ppdcli.files import remote

JOURNAL = ".ppd-journal"  # a folder, beside remote outputs


@dataclass(frozen=True)
class OutputPlace:
    """Outputs that are not on this machine: a URL, and the path that stands for it."""

    url: str
    path: Path

    def url_of(self, path: Path) -> str:
        if path == self.path:
            return self.url
        return f"{self.url.rstrip('/')}/{path.relative_to(self.path).as_posix()}"


def is_elsewhere(name: str) -> bool:
    return remote.is_url(remote.local_path(name))


def path_of(output: str) -> Path:
    """An output as a path: for a URL one that only stands for it, to plan with."""
    return Path(remote.local_path(output))
