"""Imports point one way, and files stay small."""

from __future__ import annotations

import ast
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src/ppdcli"
MOST_LINES = {"src": 300, "studies": 300, "tests": 400}

LONG_FILES = {
    # Compiled by numba as one unit: what a ray meets, and what colour that has.
    "src/ppdcli/scenes/primitives/render.py": 600,
    "src/ppdcli/scenes/furnished/shading.py": 530,
    # Tests of one subject, whose helpers would otherwise stand in two places.
    "tests/checkpoints/test_hub.py": 600,
    "tests/cli/test_predict_command.py": 560,
    "tests/cli/test_reruns.py": 480,
    "tests/evaluation/test_edge_cloud.py": 460,
    "tests/files/test_hostile_readers.py": 440,
    "tests/jobs/test_journal.py": 470,
    "tests/jobs/test_run.py": 620,
    "tests/jobs/test_watch.py": 540,
    "tests/models/test_moge2.py": 440,
    "tests/scenes/primitives/test_render.py": 460,
    "tests/test_photo.py": 530,
    "tests/test_predictor.py": 510,
}

# A room, and rooms that it must not know.
LABORATORY = {"scenes", "training", "evaluation"}
FORBIDDEN = {
    "models": {"files", "photo", "depth", "cloud", "checkpoints", "backends", "jobs", "cli"},
    "geometry": {"files", "models", "depth_data", "depth", "cloud", "photo"},
    "images": {"models", "geometry", "files", "photo"},
    "files": {"models", "checkpoints", "predictor", "loading", "depth", "photo"},
    "viewer": {
        "files",
        "cloud",
        "depth",
        "photo",
        "models",
        "jobs",
        "commands",
        "cli",
        *LABORATORY,
    },
    "checkpoints": {"predictor", "loading", "backends", "jobs", "commands", "cli"},
    "backends": {"checkpoints", "predictor", "loading", "jobs", "commands", "cli"},
    "predictor": {"files", "checkpoints", "models", "jobs", "commands", "cli", *LABORATORY},
    "network_inputs": {"files", "models", "jobs", "commands", "cli", *LABORATORY},
    "many": {"files", "checkpoints", "models", "jobs", "commands", "cli", *LABORATORY},
    "metric": {"files", "checkpoints", "models", "jobs", "commands", "cli", *LABORATORY},
    "pipeline": {"files", "photo", "depth", "jobs", "commands", "cli"},
    "films": {
        "models",
        "backends",
        "checkpoints",
        "predictor",
        "loading",
        "jobs",
        "commands",
        "cli",
        *LABORATORY,
    },
    "loading": {"jobs", "commands", "cli", *LABORATORY},
    "exported": {"models", "predictor", "loading", "jobs", "commands", "cli", *LABORATORY},
    "loading_onnx": {"models", "jobs", "commands", "cli", *LABORATORY},
    "loading_pytorch": {"jobs", "commands", "cli", *LABORATORY},
    "loading_films": {"jobs", "commands", "cli", *LABORATORY},
    "scenes": {"training", "evaluation", "jobs", "commands", "cli", "models", "predictor"},
    "evaluation": {"training", "jobs", "commands", "cli"},
    "training": {"jobs", "commands", "cli"},
    "jobs": {"commands", "cli", "loading", "predictor", "models", "backends", *LABORATORY},
    "commands": {"cli", "training", "scenes"},
}


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports() -> dict[str, set[str]]:
    """Each module of the package with those that it imports anywhere, also for types alone."""
    files = {name_of(path): path for path in PACKAGE.rglob("*.py")}
    found: dict[str, set[str]] = {}
    for module, path in files.items():
        named: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                named.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                assert node.level == 0, f"{path}: imports are absolute"
                wholes = {f"{node.module}.{alias.name}" for alias in node.names}
                named |= {whole if whole in files else node.module for whole in wholes}
        found[module] = {name for name in named if name in files} - {module}
    return found


def room(module: str) -> str:
    return (module.split(".") + ["ppdcli"])[1]


def require_order(graph: dict[str, set[str]]) -> None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(error.args[1])}")


def test_no_modules_import_each_other() -> None:
    require_order(imports())


def test_no_rooms_import_each_other() -> None:
    graph: dict[str, set[str]] = {}
    for module, known in imports().items():
        others = {room(name) for name in known} - {room(module)}
        graph.setdefault(room(module), set()).update(others)
    require_order(graph)


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_room_does_not_know(name: str) -> None:
    for module, known in imports().items():
        if room(module) == name:
            assert not {other for other in known if room(other) in FORBIDDEN[name]}, module


def test_pytorch_is_in_few_rooms() -> None:
    numpy_only = [PACKAGE / f"{name}.py" for name in ("predictor", "many", "metric")]
    numpy_only.append(PACKAGE / "network_inputs.py")
    numpy_only += [PACKAGE / f"{name}.py" for name in ("photo", "depth", "depth_data", "cloud")]
    numpy_only += [PACKAGE / f"{name}.py" for name in ("loading", "loading_onnx", "exported")]
    numpy_only += [
        PACKAGE / f"backends/{name}.py" for name in ("onnx", "onnx_folder", "torch_noise")
    ]
    for folder in ("geometry", "files", "films", "images", "viewer"):
        numpy_only += (PACKAGE / folder).rglob("*.py")
    for path in numpy_only:
        text = path.read_text(encoding="utf-8")
        assert "import torch" not in text and "from torch" not in text, path


def test_a_circle_is_found() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"a -> b -> a|b -> a -> b"):
        require_order({"a": {"b"}, "b": {"a"}})


def test_files_are_small() -> None:
    long = {}
    for top, most in MOST_LINES.items():
        for path in (ROOT / top).rglob("*.py"):
            lines = path.read_text(encoding="utf-8").count("\n")
            name = path.relative_to(ROOT).as_posix()
            if lines > LONG_FILES.get(name, most):
                long[name] = lines
    assert not long
    assert all((ROOT / name).is_file() for name in LONG_FILES), "a file is listed but not there"


def test_only_the_program_itself_is_run_as_a_script() -> None:
    scripts = [
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
    ]
    assert scripts == ["__main__.py"]
    assert [path.parent for path in PACKAGE.rglob("__main__.py")] == [PACKAGE]
