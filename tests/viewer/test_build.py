"""The viewer in the package is what its sources build."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ASSETS = ROOT / "src/ppdcli/viewer/assets"
BUILT = ("viewer.js", "three-LICENSE.txt")
SOURCES = ("package.json", "package-lock.json", ".npmrc", "build.mjs", "src")


def run(*command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command], cwd=folder, capture_output=True, text=True, check=False
    )


def test_the_build_gives_the_same_bytes(tmp_path: Path) -> None:
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("Node.js and npm are not installed")
    sources, out = tmp_path / "viewer", tmp_path / "out"
    out.mkdir()
    sources.mkdir()
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / "viewer" / name).is_dir() else shutil.copy
        copy(ROOT / "viewer" / name, sources / name)
    installed = run(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", folder=sources)
    if installed.returncode:
        assert not re.search("EUSAGE|EINTEGRITY", installed.stderr), installed.stderr
        pytest.skip(f"npm cannot install three.js and esbuild: {installed.stderr[-300:]}")
    built = run(npm, "run", "build", "--", out, folder=sources)
    assert built.returncode == 0, built.stderr
    for name in BUILT:
        same = (out / name).read_bytes() == (ASSETS / name).read_bytes()
        assert same, f"{name} is out of date; write it anew with `npm run build` in viewer/"


def test_versions_are_pinned_and_the_lock_names_no_address() -> None:
    lock = (ROOT / "viewer/package-lock.json").read_text(encoding="utf-8")
    assert "resolved" not in lock and lock.count('"integrity"') > 2
    assert '"three": "0.' in (ROOT / "viewer/package.json").read_text(encoding="utf-8")
