"""What outputs depend on besides their photo, in words and numbers that a journal can keep."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from ppdcli.files.foreign import open_regular

SLICES, SLICE_BYTES = 16, 1 << 16
OFF = "off"


def fingerprint(path: Path) -> str | None:
    """16 hex digits that tell a file by its size and 16 slices of 64 KB, spread over it.

    A folder is told by its files. None where the file cannot be read. Enough to tell trainings of
    one network apart, whose files differ everywhere, in milliseconds; no proof against design.
    """
    digest = hashlib.sha256()
    try:
        if path.is_dir():
            for file in sorted(file for file in path.iterdir() if file.is_file()):
                digest.update(os.fsencode(file.name) + b"\n")
                _add(file, digest)
        else:
            _add(path, digest)
    except OSError:
        return None
    return digest.hexdigest()[:16]


def _add(file: Path, digest: hashlib._Hash) -> None:
    with open_regular(file) as stream:
        size = os.fstat(stream.fileno()).st_size
        digest.update(f"{size}\n".encode())
        last = max(0, size - SLICE_BYTES)
        for start in sorted({last * k // (SLICES - 1) for k in range(SLICES)}):
            stream.seek(start)
            digest.update(stream.read(SLICE_BYTES))


def model_settings(
    name: str,
    checkpoint: Path | None,
    encoder: Path | None,
    device: str,
    precision: str,
    steps: int | None,
    seed: int,
    area: int | None,
    metric: bool | None,
    compiled: bool = False,
) -> dict[str, Any]:
    """What a prediction depends on; the arguments are those of ``loading.load`` and ``predict``.

    Loads no model, nor PyTorch where it can do without. A file that is not on this machine is
    None: it cannot be told which it is.

    Raises:
        UsageError: an unknown model or device.
        CheckpointError: a pin cannot be read.
    """
    from ppdcli.checkpoints import catalog, hub
    from ppdcli.devices import told_precision

    chosen = catalog.model(hub.choose(name))

    def told(part: catalog.Part | None, given: Path | None) -> str | None:
        path = given if given is not None or part is None else hub.find_sound(part)
        return None if path is None else fingerprint(path)

    whole = chosen.encoder is None and encoder is None  # one file holds both
    moge2: str | None = OFF
    if metric is not False and chosen.metric is not None:
        moge2 = told(chosen.metric, encoder if chosen.family == "moge2" else None)
        if moge2 is None and metric is None:
            moge2 = OFF
    width, height = chosen.area
    return {
        "model": chosen.name,
        "network": told(chosen.network, checkpoint),
        "encoder": "in the network's file" if whole else told(chosen.encoder, encoder),
        "moge2": moge2,
        "seed": seed,
        "steps": steps or chosen.steps,
        "size": f"{area or width * height} pixels",
        "precision": told_precision(precision, device),
        "compiled": compiled,
    }
