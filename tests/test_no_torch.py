"""``docs/no-torch.txt`` is what predictions with onnxruntime need, and no more is imported."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from exported import write_export
from packaging.requirements import Requirement

TOP = Path(__file__).parents[1]
# PyTorch and what works on its files; Open3D, without which clouds are the same.
LEFT_OUT = {"huggingface_hub", "libusb-package", "open3d", "safetensors", "timm", "torch"}
# Of the extra onnx, the export alone needs these.
OF_THE_EXPORT = {"onnx", "onnxscript"}
MODULES = {name.replace("-", "_") for name in LEFT_OUT | OF_THE_EXPORT} | {"torchvision"}

PROGRAM = f"""
import sys
for name in {sorted(MODULES)}:
    sys.modules[name] = None  # an import of it fails
from ppdcli.cli.app import main
main()
"""


def name_of(requirement: str) -> str:
    return Requirement(requirement).name


def test_the_list_is_that_of_the_project_without_pytorch() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text())["project"]
    usual = [*project["dependencies"], *project["optional-dependencies"]["onnx"]]
    lines = (TOP / "docs/no-torch.txt").read_text().splitlines()
    listed = [line for line in lines if not line.startswith("#")]
    wanted = [line for line in usual if name_of(line) not in LEFT_OUT | OF_THE_EXPORT]
    assert sorted(listed) == sorted(wanted)
    assert {name_of(line) for line in usual} >= LEFT_OUT | OF_THE_EXPORT


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False)


def ppd(*arguments: object) -> tuple[int, str]:
    done = run(*arguments)
    return done.returncode, done.stderr


def test_doctor_knows_an_install_without_pytorch() -> None:
    done = run("doctor")
    assert done.returncode == 0 and done.stderr == ""
    assert re.search(r"PyTorch +is not installed; exported models run with", done.stdout)
    assert re.search(r"^ +onnx +onnxruntime \d", done.stdout, re.M)


@pytest.mark.parametrize(
    ("command", "options", "made"),
    [
        ("predict", "png,exr,npy,preview", "_depth.exr"),
        ("pointcloud", "ply,glb,html,side", ".glb"),
    ],
)
def test_every_format_is_made(
    photo: Path, tmp_path: Path, command: str, options: str, made: str
) -> None:
    onnx = ("--backend", "onnx", "--checkpoint", write_export(tmp_path / "model"))
    line = (command, photo, *onnx, "-f", options, "-o", tmp_path / "out", "--fov", "60")
    metres = () if command == "predict" else ("--near-far", "1,3", "--normals", "--no-edge-clean")
    code, said = ppd(*line, *metres)
    assert code == 0, said
    assert (tmp_path / "out" / f"photo{made}").is_file()


@pytest.mark.parametrize(
    "arguments",
    [["predict"], ["predict", "-m", "ppd-tiny"], ["predict", "-m", "ppd-da2", "--offline"]],
    ids=" ".join,
)
def test_what_needs_pytorch_says_so_in_one_line(photo: Path, arguments: list[str]) -> None:
    code, said = ppd(*arguments, photo, "-o", photo.parent / "out")
    assert code in (1, 2)
    assert re.fullmatch(
        r"error: this needs (torch|huggingface_hub|safetensors), which is not installed; run: pip "
        r"install ppdcli\. Without PyTorch, predict and pointcloud work with the backend onnx and "
        r"an exported model\n",
        said,
    )
