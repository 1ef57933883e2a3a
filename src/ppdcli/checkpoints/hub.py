"""Files of weights from the Hugging Face Hub, into the Hugging Face cache, whole or not at all."""

from __future__ import annotations

import errno
import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ppdcli.checkpoints.catalog import models
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

_ETAG = re.compile(r"\w[\w.-]*", re.ASCII)  # it becomes a file's name


@dataclass(frozen=True)
class Remote:
    """A file as the Hub has it; ``sha256`` is None where it keeps another kind of hash."""

    commit: str
    etag: str
    bytes: int
    sha256: str | None


def choose(name: str) -> str:
    """``auto`` becomes the best model whose files are all here; other names stay."""
    if name != AUTO:
        return name
    here = [m.name for m in models().values() if all(find_sound(part) for part in m.parts)]
    return here[-1] if here else FALLBACK


def find_sound(part: Part) -> Path | None:
    """``find`` for what is used only if it is here: None also where its pin cannot be read."""
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
    """The part's file, downloaded if it is not here, its licence announced first.

    What comes is checked against the catalogue, else the pin, else the Hub's own hash, before it
    gets its name in the cache; what nobody had stated is pinned. A broken download is kept, and
    goes on with the next call.

    Args:
        model: for which it is wanted, for messages.
        announce: called with lines for the user.
        show_progress: a bar, if stderr is a terminal.

    Raises:
        CheckpointError: it is not here and cannot be had.
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
    if part.repository is None:
        raise CheckpointError(
            f"{what}: {lacking}, and not on the Hub; get it from {part.get} and run "
            f"`ppd weights import {part.file} --as {part.name if model is None else model.name}`"
        )
    from huggingface_hub import constants

    if offline or constants.HF_HUB_OFFLINE:
        switch = "offline" if offline else "HF_HUB_OFFLINE"
        raise failure(want, f"{lacking}, and {switch} is set")
    if not Path(constants.HF_HUB_CACHE).is_absolute():  # "~", which huggingface_hub then makes
        raise failure(want, "this user has no home folder", "set HOME, or HF_HOME to a folder")
    if held is not None:
        announce(f"{what}: {lacking}, to be replaced")
    size = "" if part.bytes is None else f", {size_in_words(part.bytes)}"
    terms = "" if part.terms is None else f": {part.terms}"
    announce(f"downloading {what}{size} (licence of these weights: {part.license}{terms})")
    if part.mirror is not None:
        announce(f"{part.name}: from {part.repository}, {part.mirror}")
    with _quiet():
        remote = _ask(want)
        path = _bring(want, remote, announce, show_progress)
    if held is not None and held.place == "imported":
        remove_imported(part)
    return path


def _ask(want: Want) -> Remote:
    """What the Hub has, which must be what is known of the part; one request, no second try.

    Raises:
        CheckpointError: no answer, a refusal, or another file.
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
    except Exception as error:  # of its HTTP library, which depends on its version
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
    """Downloads a file, checks it, and gives it its place in the cache.

    Raises:
        CheckpointError: anything that can go wrong on the way.
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
            if path is not None:  # that process has brought it
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
    """Puts the checked content into ``blob``; returns its sha256."""
    from huggingface_hub import hf_hub_url

    part = want.part
    assert part.repository is not None and part.file is not None
    expected = known(part).sha256 or remote.sha256
    if blob.exists():  # of another revision, or damaged
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
    for folder in (partial.parent, partial.parents[1] / "snapshots"):  # a cache has both
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
    """Remembers what nobody had stated."""
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
    """Keeps huggingface_hub's warnings from the user's lines, unless they were asked for.

    Its telemetry is off meanwhile: it would ask the Hub for a list of agents, to tell it by which
    of them it is used.
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
