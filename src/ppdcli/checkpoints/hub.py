"""Where a part's file is: inside the package, in the Hugging Face cache, or on the Hub."""

from __future__ import annotations

from collections.abc import Callable
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
    if offline:
        raise CheckpointError(f"{what}: not on this machine, and --offline is set; {by_hand}")
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    assert part.repository is not None and part.file is not None
    announce(f"downloading {what} (licence of these weights: {part.license})")
    try:
        return Path(hf_hub_download(part.repository, part.file, revision=part.revision))
    except LocalEntryNotFoundError as error:
        raise CheckpointError(
            f"{what}: not on this machine, and the Hub cannot be reached; {by_hand}"
        ) from error
    except (HfHubHTTPError, OSError) as error:
        cause = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f"{what}: cannot be downloaded ({cause}); {by_hand}") from error


def choose(name: str) -> str:
    """``auto`` becomes the best model whose files are all here; other names stay."""
    if name != AUTO:
        return name
    here = [m.name for m in models().values() if all(find(part) for part in m.parts)]
    return here[-1] if here else FALLBACK
