"""Checks what this machine has for the program, and what is missing or unusual."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ppdcli.errors import PpdError
from ppdcli.machine import physical_memory
from ppdcli.version import __version__
from ppdcli.wording import counted, size_in_words

if TYPE_CHECKING:
    import torch

LIBRARIES = (
    *("torch", "torchvision", "timm", "safetensors", "huggingface_hub", "numpy", "pillow"),
    *("opencv-python-headless", "OpenEXR", "open3d", "numba"),
)
SECONDS_FOR_THE_HUB = 5


@dataclass(frozen=True)
class Finding:
    """One line of the check.

    Attributes:
        topic: what it is about, a word or two.
        text: the fact.
        trouble: something does not work; the text then says the way on.
    """

    topic: str
    text: str
    trouble: bool = False


def examine(offline: bool) -> Iterator[Finding]:
    """Checks the machine part by part. It takes seconds, because it imports libraries.

    Args:
        offline: do not ask the Hub.
    """
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    yield Finding("program", f"ppdcli {__version__}, Python {platform.python_version()}, {system}")
    if find_spec("torch") is None:
        yield from _without_pytorch()
        return
    yield from _libraries()
    yield from _devices()
    yield from _weights()
    yield _hub(offline)


def _without_pytorch() -> Iterator[Finding]:
    found = []
    for name in LIBRARIES:
        with suppress(PackageNotFoundError):
            found.append(f"{name} {version(name)}")
    yield Finding("libraries", ", ".join(found))
    text = "is not installed; exported models run with --backend onnx, see docs/onnx.md"
    yield Finding("PyTorch", text)
    yield Finding("cpu", f"{_processor()}, {_threads_and_memory()}")
    if find_spec("onnxruntime") is None:
        text = "onnxruntime is missing, too; run: pip install ppdcli"
        yield Finding("onnx", text, trouble=True)
    else:
        yield Finding("onnx", f"onnxruntime {version('onnxruntime')}")


def _threads_and_memory() -> str:
    threads = counted(os.cpu_count() or 1, "thread")
    return threads + (f", {size_in_words(total)} of memory" if (total := physical_memory()) else "")


def _libraries() -> Iterator[Finding]:
    found = []
    for name in LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            yield Finding("libraries", f"{name} is missing; install ppdcli again", trouble=True)
    yield Finding("libraries", ", ".join(found))
    try:
        from ppdcli.files.open3d_import import import_open3d

        import_open3d()
    except ImportError as error:
        text = f"cannot be imported ({error}); clouds are written without it, the same"
        yield Finding("open3d", text)


def _devices() -> Iterator[Finding]:
    import torch

    from ppdcli.devices import choose_device, choose_precision, stated_deviation

    yield Finding(
        "cpu",
        f"{_processor()}, {_threads_and_memory()}, PyTorch uses {torch.get_num_threads()}; bf16 "
        f"{_native(torch.device('cpu'))}",
    )
    for index in range(torch.cuda.device_count()):
        device = torch.device("cuda", index)
        free, total = torch.cuda.mem_get_info(device)
        yield Finding(
            str(device),
            f"{torch.cuda.get_device_name(device)}, {size_in_words(free)} of "
            f"{size_in_words(total)} free; bf16 {_native(device)}",
        )
    if torch.backends.mps.is_available():
        yield Finding("mps", f"there, {size_in_words(torch.mps.recommended_max_memory())} to use")
    device = choose_device("auto")
    large, small = (choose_precision("auto", device, large) for large in (True, False))
    text = f"--device {device}, --precision {large}"
    if (deviation := stated_deviation(large, str(device))) is not None:
        text += f" for large models (changes depth by {deviation}), {small} for ppd-tiny"
    yield Finding("auto", text)


def _weights() -> Iterator[Finding]:
    from huggingface_hub import constants, get_token

    from ppdcli.checkpoints.catalog import models, usual_file
    from ppdcli.checkpoints.hub import choose
    from ppdcli.checkpoints.pins import own_folder
    from ppdcli.checkpoints.store import find

    try:
        here = [name for name, model in models().items() if all(find(p) for p in model.parts)]
        yield Finding("models", f"here: {', '.join(here)}; -m auto takes {choose('auto')}")
    except PpdError as error:  # in the user's own catalogue, or a pin
        yield Finding("models", str(error), trouble=True)
    yield _folder("downloads", Path(constants.HF_HUB_CACHE))
    try:
        yield _folder("imports", own_folder())
    except PpdError as error:
        yield Finding("imports", str(error), trouble=True)
    own = usual_file()
    try:
        if own is not None:
            own.lstat()
    except PermissionError:
        text = f"{own} cannot be looked for; check the permissions of the folders above it"
        yield Finding("catalogue", text, trouble=True)
    except OSError:
        pass  # there is none, and none is needed
    try:
        token = "there" if get_token() else "none, none needed"
    except OSError as error:
        yield Finding("token", f"of the Hub: cannot be read ({error})", trouble=True)
    else:
        yield Finding("token", f"of the Hub: {token}")


def _folder(what: str, folder: Path) -> Finding:
    from ppdcli.checkpoints.store import free_space

    if not folder.is_absolute():
        text = "this user has no home folder; set HOME, or HF_HOME to a folder"
        return Finding(what, text, trouble=True)
    above, free = free_space(folder / "x")
    if not os.access(above, os.W_OK | os.X_OK):
        text = f"{folder} cannot be written; set HF_HOME or PPD_CACHE to one that can be"
        return Finding(what, text, trouble=True)
    return Finding(what, f"go to {folder}, {size_in_words(free)} free")


def _hub(offline: bool) -> Finding:
    from huggingface_hub import constants, get_session

    from ppdcli.checkpoints.failures import missing_certificates

    if offline or constants.HF_HUB_OFFLINE:
        return Finding("hub", "not asked: offline")
    address = constants.ENDPOINT
    try:
        get_session().head(address, timeout=SECONDS_FOR_THE_HUB)
    except Exception as error:  # of its HTTP library, which depends on its version
        lines = str(error).splitlines() or [type(error).__name__]
        cause = missing_certificates() or lines[0]
        text = f"{address} cannot be reached ({cause}); models that are here work without it"
        return Finding("hub", text)  # a fact, no fault of this machine
    return Finding("hub", f"{address} answers")


def _native(device: torch.device) -> str:
    from ppdcli.devices import multiplies_bf16

    return "native" if multiplies_bf16(device) else "not native"


def _processor() -> str:
    """The name of the processor, if the system states it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
