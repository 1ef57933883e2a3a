"""Where a part's file is: inside the package, in the Hugging Face cache, or on the Hub."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

from ppdcli.checkpoints.catalog import AUTO, FALLBACK, Model, Part, models
from ppdcli.errors import CheckpointError


def find(part: Part) -> Path | None:
    """The part's file if it is on this machine; never touches the network."""
    if part.bundled is not None:
        path = Path(str(files("ppdcli") / "data" / part.bundled))
        return path if path.is_file() else None
    from huggingface_hub import try_to_load_from_cache  # takes a moment

    assert part.repository is not None and part.file is not None
    found = try_to_load_from_cache(part.repository, part.file, revision=part.revision)
    return Path(found) if isinstance(found, str) else None


def fetch(model: Model, part: Part, offline: bool, announce: Callable[[str], None]) -> Path:
    """The part's file, downloaded if it is not here, its licence announced first.

    Raises:
        CheckpointError: it is not here and cannot be had.
    """
    path = find(part)
    if path is not None:
        return path
    if part.bundled is not None:
        raise CheckpointError(
            f"{part.bundled}: missing from the package; install ppdcli again, or give a file with "
            "--checkpoint"
        )
    by_hand = "download it by hand and give it with --checkpoint or --encoder, or use -m ppd-tiny"
    what = f"{part.repository}/{part.file} of {model.name}"
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    if offline or constants.HF_HUB_OFFLINE:
        switch = "--offline" if offline else "HF_HUB_OFFLINE"
        raise CheckpointError(f"{what}: not on this machine, and {switch} is set; {by_hand}")
    assert part.repository is not None and part.file is not None
    announce(f"downloading {what} (licence of these weights: {part.license})")
    try:
        # Asked once first: hf_hub_download goes on for half a minute when nobody answers.
        with suppress(HfHubHTTPError):  # an answer, which hf_hub_download deals with
            get_hf_file_metadata(hf_hub_url(part.repository, part.file, revision=part.revision))
    except Exception as error:  # of its HTTP library, which depends on its version
        raise CheckpointError(
            f"{what}: not on this machine, and the Hub cannot be reached ({_cause(error)}); "
            f"{by_hand}"
        ) from error
    try:
        return Path(hf_hub_download(part.repository, part.file, revision=part.revision))
    except Exception as error:
        if isinstance(error, LocalEntryNotFoundError) and isinstance(error.__cause__, Exception):
            error = error.__cause__  # it says only that there is a cause
        raise CheckpointError(
            f"{what}: cannot be downloaded ({_cause(error)}); {by_hand}"
        ) from error


def _cause(error: Exception) -> str:
    lines = str(error).split("\n")
    return lines[0].strip() or type(error).__name__


def choose(name: str) -> str:
    """``auto`` becomes the best model whose files are all here; other names stay."""
    if name != AUTO:
        return name
    here = [m.name for m in models().values() if all(find(part) for part in m.parts)]
    return here[-1] if here else FALLBACK
