"""Work whose files go elsewhere."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppdcli.files import remote
from ppdcli.jobs.work import Job, Work, Writable
from ppdcli.photo import Photo


@dataclass(frozen=True)
class Uploading:
    """A command's work, whose files go elsewhere as soon as they are written.

    Attributes:
        urls: where each file goes.
        uploads: its size, once it is there.
    """

    work: Work
    urls: Mapping[Path, str]
    uploads: dict[Path, int | None]

    def make_ahead(self, photo: Photo) -> None:
        self.work.make_ahead(photo)

    def batch_key(self, photo: Photo) -> Hashable:
        return self.work.batch_key(photo)

    def batch_size(self, photo: Photo) -> int:
        return self.work.batch_size(photo)

    def examine(self, job: Job) -> Any:
        return self.work.examine(job)

    def predict(self, photos: Sequence[Photo]) -> Sequence[Any]:
        return self.work.predict(photos)

    def build(self, job: Job, context: Any, depth: Any, wanted: Sequence[str]) -> Writable:
        facts, write = self.work.build(job, context, depth, wanted)

        def write_there(name: str, path: Path) -> None:
            write(name, path)
            size = path.stat().st_size
            remote.put(path, self.urls[path])
            path.unlink()
            self.uploads[path] = size

        return Writable(facts, write_there)
