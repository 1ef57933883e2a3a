"""A prediction with the small model imports what it needs, and nothing that takes seconds more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

UNNEEDED = {
    *("timm", "torchvision", "open3d", "numba", "scipy", "matplotlib", "huggingface_hub"),
    *("sympy", "torch._dynamo", "torch._inductor"),  # PyTorch's compiler
}

PROGRAM = """
import sys
from ppdcli.cli.app import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(*sys.modules)
"""


def test_ppd_tiny_imports_little_besides_pytorch(photo: Path) -> None:
    options = ["-m", "ppd-tiny", "--device", "cpu", "--size", "64x48", "--model-size"]
    command = [sys.executable, "-c", PROGRAM, "predict", str(photo), *options]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert "torch" in loaded
    assert loaded & UNNEEDED == set()
