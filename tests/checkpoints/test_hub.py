"""Where a model's files are: the package, the Hugging Face cache, a Hub on this machine."""

from __future__ import annotations

import dataclasses
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants
from typer.testing import CliRunner

from ppdcli.checkpoints import catalog, hub
from ppdcli.checkpoints.catalog import Model, Part, models
from ppdcli.cli.app import app
from ppdcli.errors import CheckpointError, UsageError

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONTENT = b"weights"
NOBODY = "http://127.0.0.1:9"  # the discard port, where nothing listens


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Hugging Face cache, and a Hub that is not there."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    use_hub(monkeypatch, NOBODY)
    return folder


def use_hub(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", address)
    template = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


@pytest.fixture
def da2() -> Model:
    return catalog.model("ppd-da2")


def put(cache: Path, part: Part) -> Path:
    """Places a file into the cache as huggingface_hub would."""
    assert part.repository is not None and part.file is not None
    repository = cache / f"models--{part.repository.replace('/', '--')}"
    commit = part.revision or COMMIT
    file = repository / "snapshots" / commit / part.file
    file.parent.mkdir(parents=True)
    file.write_bytes(CONTENT)
    if part.revision is None:
        (repository / "refs").mkdir()
        (repository / "refs" / "main").write_text(commit)
    return file


# --- the catalogue -----------------------------------------------------------------------------


def test_the_models_of_the_catalogue(da2: Model) -> None:
    tiny = catalog.model("ppd-tiny")
    assert next(iter(models())) == catalog.FALLBACK == tiny.name
    assert (tiny.area, tiny.steps, tiny.encoder) == ((192, 144), 4, None)
    assert tiny.network.bundled == "ppd-tiny.safetensors"
    assert (da2.area, da2.steps) == ((1024, 768), 4)
    assert da2.encoder is not None
    assert da2.encoder.file == "depth_anything_v2_vitl.pth"
    assert da2.encoder.license == "CC-BY-NC-4.0"


@pytest.mark.parametrize("model", models().values(), ids=models())
def test_every_part_has_a_licence_and_one_place(model: Model) -> None:
    assert model.parts[0] is model.network
    for part in model.parts:
        assert part.license
        assert (part.bundled is None) == (part.repository is not None) == (part.file is not None)
        assert part.sha256 is None or len(bytes.fromhex(part.sha256)) == 32
        assert part.revision is None or len(bytes.fromhex(part.revision)) == 20


def test_an_unknown_model_is_told_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"'ppd-huge'; choose one of auto, ppd-tiny, .*ppd-da2"):
        catalog.model("ppd-huge")


# --- find and choose ---------------------------------------------------------------------------


def test_find_a_file_inside_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "files", lambda _package: tmp_path)
    part = Part("Apache-2.0", bundled="x.safetensors")
    assert hub.find(part) is None
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.safetensors").touch()
    assert hub.find(part) == tmp_path / "data" / "x.safetensors"


def test_find_a_file_in_the_cache(cache: Path, da2: Model) -> None:
    for part in da2.parts:
        assert hub.find(part) is None
        assert not cache.exists() or part is not da2.network, "looking leaves nothing behind"
        file = put(cache, part)
        assert hub.find(part) == file


def test_another_revision_is_not_the_file(cache: Path, da2: Model) -> None:
    assert da2.encoder is not None
    put(cache, dataclasses.replace(da2.encoder, revision=None))
    assert hub.find(da2.encoder) is None


def test_auto_is_the_best_model_whose_files_are_all_here(cache: Path, da2: Model) -> None:
    assert hub.choose("auto") == "ppd-tiny"
    put(cache, da2.parts[0])
    assert hub.choose("auto") == "ppd-tiny"
    put(cache, da2.parts[1])
    assert hub.choose("auto") == "ppd-da2"
    assert hub.choose("ppd-tiny") == "ppd-tiny"


# --- fetch -------------------------------------------------------------------------------------


def silent(line: str) -> None:
    pytest.fail(f"nothing was to be said: {line}")


def failure(model: Model, part: Part, offline: bool = False) -> str:
    with pytest.raises(CheckpointError) as error:
        hub.fetch(model, part, offline, lambda line: None)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_what_is_here_is_not_fetched(cache: Path, da2: Model) -> None:
    file = put(cache, da2.network)
    assert hub.fetch(da2, da2.network, offline=True, announce=silent) == file
    assert hub.fetch(da2, da2.network, offline=False, announce=silent) == file


def test_a_package_without_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(hub, "files", lambda _package: tmp_path)
    tiny = catalog.model("ppd-tiny")
    assert "missing from the package" in failure(tiny, tiny.network)


@pytest.mark.parametrize("switch", ["--offline", "HF_HUB_OFFLINE"])
def test_offline_is_one_line_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, da2: Model, switch: str
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", switch == "HF_HUB_OFFLINE")
    with pytest.raises(CheckpointError) as error:
        hub.fetch(da2, da2.network, switch == "--offline", silent)
    line = str(error.value)
    assert line.startswith("gangweix/Pixel-Perfect-Depth/ppd.pth of ppd-da2: not on this machine")
    assert f"{switch} is set" in line and "--checkpoint" in line and "\n" not in line


@pytest.mark.parametrize("address", [NOBODY, "nonsense"])
def test_a_hub_that_cannot_be_reached_is_asked_once(
    monkeypatch: pytest.MonkeyPatch, da2: Model, address: str
) -> None:
    use_hub(monkeypatch, address)
    monkeypatch.setattr("time.sleep", lambda _: pytest.fail("it waits to try again"))
    line = failure(da2, da2.network)
    assert "the Hub cannot be reached (" in line and "--checkpoint" in line


def test_no_hub_ends_the_command_in_one_line_after_the_licence(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: pytest.fail("it waits to try again"))
    result = CliRunner().invoke(app, ["predict", str(photo), "-m", "ppd-da2", "--device", "cpu"])
    assert result.exit_code == 1
    licence, error = result.stderr.splitlines()
    assert licence.startswith("downloading ") and "Apache-2.0" in licence
    assert error.startswith("error: ") and "the Hub cannot be reached" in error
    assert result.stdout == ""


class Repository(http.server.BaseHTTPRequestHandler):
    """What huggingface_hub asks of a Hub: one file, or what ``status`` says instead."""

    status = 200

    def do_HEAD(self) -> None:
        self.send_response(self.status)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha256(CONTENT).hexdigest()}"')
        self.send_header("Content-Length", str(len(CONTENT) if self.status == 200 else 0))
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        if self.status == 200:
            self.wfile.write(CONTENT)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def local_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Repository]]:
    monkeypatch.setattr(Repository, "status", 200)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Repository)
    use_hub(monkeypatch, f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield Repository
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_download_announces_the_licence_first_and_ends_in_the_cache(
    local_hub: type[Repository], cache: Path, da2: Model
) -> None:
    said: list[str] = []

    def announce(line: str) -> None:
        said.append(line)
        assert not cache.exists()

    path = hub.fetch(da2, da2.network, offline=False, announce=announce)
    assert path.read_bytes() == CONTENT
    assert path == hub.find(da2.network)
    assert cache in path.parents
    assert said == [
        "downloading gangweix/Pixel-Perfect-Depth/ppd.pth of ppd-da2 "
        "(licence of these weights: Apache-2.0)"
    ]


@pytest.mark.parametrize("status", [401, 404])
def test_a_hub_that_refuses(local_hub: type[Repository], da2: Model, status: int) -> None:
    local_hub.status = status
    line = failure(da2, da2.network)
    assert "cannot be downloaded (" in line and str(status) in line


def test_a_file_that_cannot_be_written(
    local_hub: type[Repository], cache: Path, da2: Model
) -> None:
    cache.write_text("a file where the cache's folder should be")
    assert "cannot be downloaded (" in failure(da2, da2.network)
