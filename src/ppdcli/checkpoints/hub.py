"""Downloads files of weights from the Hugging Face Hub into the Hugging Face cache."""

from __future__ import annotations

import errno
import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ppdcli.checkpoints import catalog
from ppdcli.checkpoints.catalog_rows import AUTO, COMMIT, FALLBACK, SHA256, Model, Part
from ppdcli.checkpoints.failures import (
    Want,
    another,
    differing,
    failure,
    missing_certificates,
    refused,
)
from ppdcli.checkpoints.hf_cache import PARTIAL, alone, place, repository_folder
from ppdcli.checkpoints.imports import remove_imported
from ppdcli.checkpoints.pins import known, pin
from ppdcli.checkpoints.store import find, free_space, held_file, sha256_of
from ppdcli.checkpoints.transfer import BrokenOffError, WrongFileError, download, one_line
from ppdcli.errors import CheckpointError, OutputError
from ppdcli.progress import progress
from ppdcli.wording import size_in_words

ROOM = "make room, or set HF_HOME to a folder on another disk"

_ETAG = re.compile(r"\w[\w.-]*", re.ASCII)  # it becomes the name of a file


@dataclass(frozen=True)
class Remote:
    """The Hub's facts about a file. ``sha256`` is None if the Hub has another kind of hash."""

    commit: str
    etag: str
    bytes: int
    sha256: str | None


def choose(name: str) -> str:
    """Returns the best model for photos with all files on this machine for ``auto``; else the name.

    The name may be of a model for films: see ``catalog.require_for_photos``.
    """
    if name != AUTO:
        return name
    candidates = catalog.models_for_photos().values()
    here = [m.name for m in candidates if all(find_sound(part) for part in m.parts)]
    return here[-1] if here else FALLBACK


def find_sound(part: Part) -> Path | None:
    """``find`` for a file that is only used if it is here: None also if its pin cannot be read."""
    try:
        return find(part)
    except CheckpointError:
        return None


def fetch(
    model: Model | None,
    part: Part,
    offline: bool,
    announce: Callable[[str], None],
    show_progress: bool = True,
) -> Path:
    """Returns the part's file. It is downloaded if it is missing, after its licence is announced.

    The download is checked against the catalogue, or else the pin, or else the Hub's own hash. Only
    then it gets its name in the cache. Facts that were not stated are pinned. If a download breaks
    off, its data is kept, and the next call resumes it.

    Args:
        model: the model that needs the file, for messages.
        part: the file.
        offline: never use the network.
        announce: called with lines for the user.
        show_progress: whether to show a progress bar, if stderr is a terminal.

    Raises:
        CheckpointError: the file is not here and cannot be downloaded.
    """
    held = held_file(part)
    if held is not None and held.damage is None:
        return held.path
    want = Want(part, model)
    what = want.what
    if part.bundled is not None:
        raise CheckpointError(
            f"{part.bundled}: missing from the package; install ppdcli again, or give a file as "
            "the checkpoint"
        )
    lacking = "not on this machine"
    if held is not None:
        lacking = f"damaged on this machine ({held.path}: {held.damage})"
    terms = "" if part.terms is None else f": {part.terms}"
    licence = f"(licence of these weights: {part.license}{terms})"
    if part.repository is None:
        announce(f"{what}: to be got by hand {licence}")
        raise CheckpointError(
            f"{what}: {lacking}, and not on the Hub; get it from {part.get} and run "
            f"`ppd weights import {part.file} --as {part.name if model is None else model.name}`"
        )
    from huggingface_hub import constants

    if offline or constants.HF_HUB_OFFLINE:
        switch = "offline" if offline else "HF_HUB_OFFLINE"
        raise failure(want, f"{lacking}, and {switch} is set")
    if not Path(constants.HF_HUB_CACHE).is_absolute():  # huggingface_hub would make a folder "~"
        raise failure(want, "this user has no home folder", "set HOME, or HF_HOME to a folder")
    if held is not None:
        announce(f"{what}: {lacking}, to be replaced")
    size = "" if part.bytes is None else f", {size_in_words(part.bytes)}"
    announce(f"downloading {what}{size} {licence}")
    if part.mirror is not None:
        announce(f"{part.name}: from {part.repository}, {part.mirror}")
    with _quiet():
        remote = _ask(want)
        path = _bring(want, remote, announce, show_progress)
    if held is not None and held.place == "imported":
        remove_imported(part)
    return path


def _ask(want: Want) -> Remote:
    """Asks the Hub about a part, in one request without another try.

    Raises:
        CheckpointError: there is no answer, the Hub refuses, or it has another file than is known.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError

    part = want.part
    assert part.repository is not None and part.file is not None
    wanted = known(part)
    try:
        answer = get_hf_file_metadata(
            hf_hub_url(part.repository, part.file, revision=wanted.revision)
        )
    except HfHubHTTPError as error:
        raise refused(want, error) from error
    except Exception as error:  # the HTTP library depends on the version of huggingface_hub
        raise failure(
            want,
            f"the Hub cannot be reached ({missing_certificates() or one_line(error)})",
            "check the connection and HF_ENDPOINT",
        ) from error
    commit, etag, size = answer.commit_hash or "", answer.etag or "", answer.size
    if not (COMMIT.fullmatch(commit) and _ETAG.fullmatch(etag) and size):
        raise failure(
            want,
            "the server does not answer like a Hub (no commit, hash or size)",
            "check HF_ENDPOINT, the proxy and the firewall",
        )
    remote = Remote(commit, etag, size, etag if SHA256.fullmatch(etag) else None)
    if wanted.bytes not in (None, remote.bytes):
        raise another(want, f"{remote.bytes} bytes instead of {wanted.bytes}")
    if wanted.sha256 and remote.sha256 and wanted.sha256 != remote.sha256:
        raise another(want, differing(remote.sha256, wanted.sha256))
    return remote


def _bring(
    want: Want, remote: Remote, announce: Callable[[str], None], show_progress: bool
) -> Path:
    """Downloads a file, checks it, and puts it into the cache.

    Raises:
        CheckpointError: anything goes wrong.
    """
    from huggingface_hub.errors import HfHubHTTPError

    part = want.part
    assert part.repository is not None
    blob = repository_folder(part.repository) / "blobs" / remote.etag
    cache = blob.parents[2]
    try:
        with alone(
            blob, lambda: announce(f"{want.what}: another process is downloading it; waiting")
        ):
            path = find(part)
            if path is not None:  # the other process has downloaded it
                return path
            digest = _download(want, remote, blob, announce, show_progress)
            path = place(part, remote.commit, blob, is_main=known(part).revision is None)
            _pin(part, remote, digest, announce)
            return path
    except HfHubHTTPError as error:
        raise refused(want, error) from error
    except BrokenOffError as error:
        raise failure(want, f"broken off ({error})", "run it again to go on from there") from error
    except WrongFileError as error:
        raise failure(want, f"refused, {error}", "try again later") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", None)):
            cause = f"no room left in {cache} ({error.strerror})"
            raise failure(want, cause, ROOM) from error
        raise failure(
            want,
            f"the Hugging Face cache {cache} cannot be written ({one_line(error)})",
            "make it writable, or set HF_HOME to a folder that is",
        ) from error


def _download(
    want: Want,
    remote: Remote,
    blob: Path,
    announce: Callable[[str], None],
    show_progress: bool,
) -> str:
    """Downloads the content to ``blob`` and checks it. Returns its sha256."""
    from huggingface_hub import hf_hub_url

    part = want.part
    assert part.repository is not None and part.file is not None
    expected = known(part).sha256 or remote.sha256
    if blob.exists():  # it belongs to another revision, or is damaged
        digest = sha256_of(blob)
        if blob.stat().st_size == remote.bytes and expected in (None, digest):
            return digest
        blob.unlink()
    partial = blob.with_name(remote.etag + PARTIAL)
    done = partial.stat().st_size if partial.exists() else 0
    missing = remote.bytes - done
    folder, free = free_space(partial)
    if free < missing:
        cause = f"needs {size_in_words(missing)} in {folder}, where {size_in_words(free)} are free"
        raise failure(want, cause, ROOM)
    for folder in (
        partial.parent,
        partial.parents[1] / "snapshots",
    ):  # a complete cache has both folders
        folder.mkdir(parents=True, exist_ok=True)
    going_on = f", going on after {size_in_words(done)}" if done else ""
    announce(f"{part.name}: {size_in_words(remote.bytes)} into {partial.parent}{going_on}")
    url = hf_hub_url(part.repository, part.file, revision=remote.commit)
    if show_progress:
        with progress("bytes", remote.bytes, done, part.name) as bar:
            download(url, partial, remote.bytes, bar.set)
    else:
        download(url, partial, remote.bytes, lambda _done: None)
    digest = sha256_of(partial)
    if expected not in (None, digest):
        partial.unlink()
        difference = differing(digest, expected)
        raise failure(want, f"damaged on the way ({difference}), and removed", "try again")
    partial.replace(blob)
    return digest


def _pin(part: Part, remote: Remote, digest: str, announce: Callable[[str], None]) -> None:
    """Pins the facts that were not stated."""
    wanted = known(part)
    if None not in (wanted.revision, wanted.bytes, wanted.sha256):
        return
    try:
        pin(part, remote.commit, remote.bytes, digest)
    except OutputError as error:
        announce(f"not pinned, so another file may come next time: {error}")
        return
    announce(
        f"pinned on first use: {part.name} is revision {remote.commit[:12]}, {remote.bytes} bytes, "
        f"sha256 {digest[:12]}"
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Hides huggingface_hub's warnings, unless the user has asked for them.

    Its telemetry is off meanwhile. It would ask the Hub for a list of agents, and report which of
    them uses it.
    """
    from huggingface_hub import constants

    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    if not (constants.HF_DEBUG or os.environ.get("HF_HUB_VERBOSITY")):
        logger.setLevel(logging.ERROR)
    telemetry_off = constants.HF_HUB_DISABLE_TELEMETRY
    constants.HF_HUB_DISABLE_TELEMETRY = True
    try:
        yield
    finally:
        constants.HF_HUB_DISABLE_TELEMETRY = telemetry_off
        logger.setLevel(level)
