"""The Hugging Face cache. Its layout is documented: blobs, snapshots with links to them, refs."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ppdcli.checkpoints.catalog_rows import Part

PARTIAL = ".ppd.incomplete"  # `hf cache prune` removes it; no other program uses this suffix


def repository_folder(repository: str) -> Path:
    """Returns the folder of a repository, which need not exist."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}"


def cached(part: Part) -> Path | None:
    """Returns a part's file at its stated revision, or else at the local ``main``; None without."""
    if part.repository is None or part.file is None:
        return None
    if not repository_folder(part.repository).is_dir():
        return None  # what is imported next takes a tenth of the time of PyTorch
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(part.repository, part.file, revision=part.revision)
    return Path(found) if isinstance(found, str) else None


def place(part: Part, commit: str, blob: Path, is_main: bool) -> Path:
    """Makes a snapshot's entry for existing content, and returns it.

    Args:
        part: the file.
        commit: the snapshot's commit.
        blob: the content.
        is_main: whether the commit is the Hub's ``main``.

    Raises:
        OSError: the system refuses.
    """
    assert part.file is not None
    folder = blob.parents[1]
    entry = folder / "snapshots" / commit / part.file
    entry.parent.mkdir(parents=True, exist_ok=True)
    entry.unlink(missing_ok=True)
    try:
        entry.symlink_to(os.path.relpath(blob, entry.parent))
    except OSError:  # this system has no links, so the entry becomes the content itself
        blob.replace(entry)
    if is_main:
        main = folder / "refs" / "main"
        main.parent.mkdir(exist_ok=True)
        beside = main.with_name(f"main.{os.getpid()}.tmp")
        beside.write_text(commit, encoding="ascii")
        beside.replace(main)
    return entry


def remove_cached(repository: str, path: Path) -> None:
    """Removes a snapshot's entry and its content, and nothing that belongs to others.

    Raises:
        OSError: the system refuses.
    """
    from huggingface_hub import constants, scan_cache_dir

    snapshots = repository_folder(repository) / "snapshots"
    commit = path.relative_to(snapshots).parts[0]
    cache = scan_cache_dir(constants.HF_HUB_CACHE)
    repositories = (r for r in cache.repos if (r.repo_type, r.repo_id) == ("model", repository))
    revisions = (r for row in repositories for r in row.revisions if r.commit_hash == commit)
    if any(len(revision.files) == 1 for revision in revisions):
        cache.delete_revisions(commit).execute()
    else:  # the snapshot has other files too, or the cache has another form
        content = _content(path)
        path.unlink()
        if all(_content(other) != content for other in snapshots.rglob("*") if other.is_symlink()):
            content.unlink(missing_ok=True)
    if path.is_symlink() or path.exists():  # huggingface_hub raises no error when it fails
        raise OSError(errno.EACCES, os.strerror(errno.EACCES), str(path))


@contextmanager
def alone(blob: Path, announce: Callable[[], None]) -> Iterator[None]:
    """Inside, no other process writes the same content; huggingface_hub respects this lock too.

    Args:
        blob: the content.
        announce: called if another process has the lock.

    Raises:
        OSError: the lock cannot be made.
    """
    from huggingface_hub.utils import WeakFileLock

    folder = blob.parents[1]
    lock = folder.parent / ".locks" / folder.name / f"{blob.name}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        try:
            stack.enter_context(WeakFileLock(lock, timeout=0.5))
        except TimeoutError:
            announce()
            stack.enter_context(WeakFileLock(lock))
        yield


def _content(path: Path) -> Path:
    """Returns where an entry leads. Only one link is followed: content may be a link itself."""
    return Path(os.path.normpath(path.parent / path.readlink())) if path.is_symlink() else path
