"""A prediction with the small model imports what it needs, and nothing that takes seconds more;
one that is finished already does without PyTorch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

UNNEEDED = {
    *("timm", "torchvision", "open3d", "numba", "scipy", "matplotlib", "huggingface_hub"),
    *("torch._dynamo", "torch._inductor", "triton"),  # PyTorch's compiler
    *("pandas", "networkx", "sklearn", "h5py", "ray", "fsspec", "requests", "httpx", "rich"),
    *("torch.onnx", "fast_simplification", "OpenEXR", "pillow_heif"),
}

PROGRAM = """
import sys
from ppdcli import devices
from ppdcli.cli.app import main
devices.may_have_cuda = lambda: False
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(*sys.modules)
"""


def predict(*arguments: object, model: str = "ppd-tiny") -> tuple[str, set[str]]:
    """What ``ppd predict`` says on stderr, and the modules that are there once it has run, on a
    machine without a CUDA card."""
    options = ["-m", model, "--size", "64x48", "--model-size"]
    command = [sys.executable, "-c", PROGRAM, "predict", *map(str, arguments), *options]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr, set(done.stdout.split())


def test_ppd_tiny_imports_little_besides_pytorch(photo: Path) -> None:
    _, loaded = predict(photo, "--device", "cpu")
    assert "torch" in loaded
    assert loaded & UNNEEDED == set()


def test_the_best_model_is_looked_for_without_what_downloads(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(photo.parent / "empty"))
    said, loaded = predict(photo, "--device", "cpu", model="auto")
    assert "ppd-tiny" in said
    assert (
        loaded & {"httpx", "httpx2", "requests", "yaml", "huggingface_hub._local_folder"} == set()
    )


@pytest.mark.skipif(sys.platform == "darwin", reason="auto asks PyTorch for MPS")
def test_what_is_finished_is_found_without_pytorch(photo: Path) -> None:
    folder = photo.parent / "in"
    folder.mkdir()
    for name in ("a.jpg", "b.jpg"):
        (folder / name).write_bytes(photo.read_bytes())
    said, loaded = predict(folder)
    assert said.endswith("2 done\n")
    assert "torch" in loaded
    said, loaded = predict(folder)
    assert said == "2 skipped\n"
    assert loaded & {"torch", "cv2", "open3d", "huggingface_hub", "safetensors"} == set()
