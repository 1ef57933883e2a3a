"""Starting up: quick answers import nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

import ppdcli
from ppdcli.cli.app import app
from ppdcli.version import __version__

HEAVY = {
    *("torch", "numpy", "cv2", "PIL", "timm", "open3d", "numba", "huggingface_hub"),
    *("safetensors", "OpenEXR"),
}


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False)


def run(code: str) -> tuple[str, set[str]]:
    """What the code prints, and which heavy packages are there once it has run."""
    done = python("-c", f"{code}\nimport sys\nprint(*sys.modules, file=sys.stderr)")
    assert done.returncode == 0, done.stderr
    return done.stdout, HEAVY & {name.partition(".")[0] for name in done.stderr.split()}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--help"], 0, "pointcloud"),
        (["--version"], 0, f"ppd {__version__}"),
        (["predict", "--help"], 0, "--colormap"),
        (["pointcloud", "--help"], 0, "--near-far"),
        (["predict", "--bogus"], 2, ""),
    ],
)
def test_answers_without_work_import_nothing_heavy(
    arguments: list[str], code: int, said: str
) -> None:
    program = (
        f"import sys; sys.argv = ['ppd', *{arguments}]\n"
        "from ppdcli.cli.app import main\n"
        "try: main()\n"
        f"except SystemExit as error: assert (error.code or 0) == {code}, error.code"
    )
    printed, heavy = run(program)
    assert said in printed
    assert heavy == set()


def test_help_lists_every_default_that_is_not_a_plain_value() -> None:
    help_page = CliRunner().invoke(app, ["predict", "-h"])
    said = " ".join(help_page.stdout.replace("│", " ").split())
    for default in ("the model's, 4", "the model's training area", "png,preview"):
        assert default in said


def test_without_arguments_help_is_shown_and_nothing_is_done() -> None:
    done = python("-m", "ppdcli")
    assert done.returncode == 2
    assert "Usage: ppd" in done.stdout + done.stderr


def test_it_runs_as_a_module() -> None:
    done = python("-m", "ppdcli", "--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"ppd {__version__}\n", "")


def test_ctrl_c_while_the_program_is_loaded_is_no_traceback() -> None:
    program = (
        "import sys\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'typer': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "from ppdcli.__main__ import main\n"
        "main()\n"
    )
    done = python("-c", program)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize(("module", "last"), [("torch", ""), ("colours", "taken apart\n")])
def test_the_process_ends_before_pytorch_is_taken_apart(module: str, last: str) -> None:
    """Whatever the program has registered for its end is done, and what it has said is there."""
    program = (
        "import atexit, sys\n"
        "from ppdcli import __main__ as entry\n"
        f"sys.modules[{module!r}] = sys\n"
        "class Large:\n"
        "    def __del__(self): print('taken apart', flush=True)\n"
        "large = Large()\n"
        "def run():\n"
        "    atexit.register(print, 'tidied')\n"
        "    print('said')\n"
        "    sys.exit(3)\n"
        "entry.run = run\n"
        "entry.main()\n"
    )
    done = python("-c", program)
    assert (done.returncode, done.stdout, done.stderr) == (3, f"said\ntidied\n{last}", "")


def test_importing_the_package_is_light() -> None:
    assert run("import ppdcli; print(ppdcli.__version__)") == (f"{__version__}\n", set())


def test_the_python_face() -> None:
    for name in ppdcli.__all__:
        assert getattr(ppdcli, name) is not None
    assert callable(ppdcli.load)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        ppdcli.nothing  # noqa: B018
