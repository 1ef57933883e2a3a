"""weights.toml: what it states, and what a user's own adds, replaces and gets wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import platformdirs
import pytest

from ppdcli.checkpoints.catalog import catalog, check_request, model, models, parts_called
from ppdcli.checkpoints.catalog_rows import FALLBACK, PRESETS, Model, Part
from ppdcli.errors import UsageError

pytest_plugins = ["hub_fixtures"]

FILE = '[files.net]\nrepository = "me/model"\nfile = "net.pth"\nlicense = "MIT"\n'
BY_HAND = '[files.net]\nget = "a friend"\nfile = "net.pth"\nlicense = "MIT"\n'
MODEL = """
[models.mine]
summary = "of my own"
family = "tiny"
area = [64, 48]
steps = 2
network = "net"
"""


@pytest.fixture(autouse=True)
def write(catalogue: Callable[[str], Path]) -> Callable[[str], Path]:
    return catalogue


# --- the package's own -------------------------------------------------------------------------


def test_the_models_of_the_catalogue() -> None:
    assert list(models()) == ["ppd-tiny", "ppd-da2", "ppd-moge2", "ppvd"]
    tiny, da2, moge2, ppvd = models().values()
    assert tiny.name == FALLBACK
    assert (tiny.family, tiny.area, tiny.steps, tiny.encoder) == ("tiny", (256, 192), 4, None)
    assert tiny.network.bundled == "ppd-tiny.safetensors"
    for big, family in ((da2, "da2"), (moge2, "moge2")):
        assert (big.family, big.area, big.steps) == (family, (1024, 768), 4)
    assert moge2.encoder == moge2.metric == da2.metric == tiny.metric
    assert tiny.parts == (tiny.network,)
    assert da2.parts == (da2.network, da2.encoder)
    assert (ppvd.family, ppvd.area, ppvd.steps) == ("pi3", (512, 512), 4)


def test_presets_that_nobody_stated_are_the_models_own(write: Callable[[str], Path]) -> None:
    write(FILE + MODEL + "best = 9\n")
    mine = models()["mine"]
    assert [mine.preset(name) for name in PRESETS] == [2, 2, 9]
    with pytest.raises(UsageError, match="preset fast: choose from draft, standard, best"):
        mine.preset("fast")


def test_the_facts_that_are_known() -> None:
    parts = catalog().parts
    assert parts["da2-vitl"] == Part(
        "da2-vitl",
        "CC-BY-NC-4.0",
        terms="non-commercial use only, with attribution",
        repository="depth-anything/Depth-Anything-V2-Large",
        file="depth_anything_v2_vitl.pth",
        revision="cbbb86a30ce19b5684b7a05155dc7e6cbc7685b9",
        bytes=1341395338,
        sha256="a7ea19fa0ed99244e67b624c72b8580b7e9553043245905be58796a608eb9345",
    )
    moge = parts["moge2-vitl"]
    assert (moge.address, moge.license) == ("Ruicheng/moge-2-vitl-normal/model.pt", "MIT")
    assert (moge.revision, moge.bytes) == ("b135031bae30b5ac2ae141a0e68717795ce38340", 1323815928)
    assert parts["ppd"].address == "gangweix/Pixel-Perfect-Depth/ppd.pth"
    mirrored = parts["ppd-moge"]
    assert mirrored.repository == "apozz/Pixel-Perfect-Depth-MoGe2"
    assert mirrored.address == mirrored.file == "ppd_moge.pth", "the pin holds for an import, too"
    assert mirrored.get is not None and "third party's mirror" in str(mirrored.mirror)
    assert [part.name for part in parts.values() if part.mirror] == ["ppd-moge"]


def test_nothing_is_stated_that_nobody_knows() -> None:
    parts = catalog().parts
    unknown = {n for n, p in parts.items() if (p.revision, p.bytes, p.sha256) == (None, None, None)}
    assert unknown == {"ppd-tiny", "ppd", "ppd-moge", "ppvd", "pi3"}
    assert parts["moge2-vitl"].sha256 is None


@pytest.mark.parametrize("part", catalog().parts.values(), ids=catalog().parts)
def test_every_file_has_a_licence_and_says_what_it_means(part: Part) -> None:
    assert part.license and part.terms
    # ppvd runs only with pi3, and a user should not learn that after a download by hand.
    forbids = "-NC-" in part.license or part.name == "ppvd"
    assert ("non-commercial" in part.terms) == forbids


def test_an_unknown_name_is_told_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"'ppd-huge'; choose one of auto, ppd-tiny, .*ppd-da2"):
        model("ppd-huge")
    with pytest.raises(UsageError, match=r"'nets'; models: ppd-tiny, .*; files: ppd-tiny, ppd, "):
        parts_called("nets")


def test_a_name_is_of_a_model_or_of_a_file() -> None:
    assert parts_called("ppd-da2") == model("ppd-da2").parts
    assert parts_called("da2-vitl") == (model("ppd-da2").encoder,)


# --- the user's own ----------------------------------------------------------------------------


def test_a_model_of_the_users_own(write: Callable[[str], Path]) -> None:
    write(FILE + MODEL)
    net = Part("net", "MIT", repository="me/model", file="net.pth")
    assert model("mine") == Model("mine", "of my own", "tiny", (64, 48), 2, net)
    assert list(models())[-1] == "mine", "the user's are taken for the best"
    check_request("mine", None, None)
    with pytest.raises(UsageError, match="leave out the encoder"):
        check_request("mine", None, "encoder.pth")


def test_a_users_model_may_use_the_packages_files(write: Callable[[str], Path]) -> None:
    write(
        '[models.mine]\nsummary = "x"\nfamily = "da2"\narea = [512, 512]\nsteps = 4\n'
        'network = "ppd"\nencoder = "da2-vitl"\nmetric = "moge2-vitl"\nneeds = "patience"\n'
    )
    mine, da2 = model("mine"), model("ppd-da2")
    assert (mine.parts, mine.metric, mine.needs) == (da2.parts, da2.metric, "patience")


def test_a_file_that_is_replaced_is_replaced_in_every_model(write: Callable[[str], Path]) -> None:
    write(FILE.replace("net]", "ppd]"))
    assert model("ppd-da2").network.address == "me/model/net.pth"
    assert list(models()) == ["ppd-tiny", "ppd-da2", "ppd-moge2", "ppvd"]


def test_a_model_that_is_replaced_keeps_its_place(write: Callable[[str], Path]) -> None:
    write(FILE + MODEL.replace("mine", "ppd-da2"))
    assert list(models()) == ["ppd-tiny", "ppd-da2", "ppd-moge2", "ppvd"]
    assert model("ppd-da2").summary == "of my own"


def test_the_users_catalogue_in_its_usual_place(
    write: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "config"
    monkeypatch.setattr(platformdirs, "user_config_dir", lambda *_, **__: str(folder))
    monkeypatch.delenv("PPD_WEIGHTS", raising=False)
    assert "mine" not in models()
    folder.mkdir()
    (folder / "weights.toml").write_text(FILE + MODEL)
    assert "mine" in models()
    write("")
    assert "mine" not in models(), "PPD_WEIGHTS comes first"


MISTAKES = {
    "no TOML": ("files = [", "Invalid value"),
    "an unknown table": ("[parts.net]", "[parts]: unknown; there are [files.NAME]"),
    "no tables": ("files = 3", "files: must be tables [files.NAME]"),
    "no table": ("[files]\nnet = 3", "[files.net]: must be a table"),
    "a name": ('[files."../net"]', "[files.../net]: a name has letters, digits"),
    "auto": (FILE + MODEL.replace("mine", "auto"), "[models.auto]: a name has letters"),
    "the package's": (FILE.replace("net]", "ppd-tiny]"), "[files.ppd-tiny]: only the package"),
    "bundled": ('[files.net]\nbundled = "x"', "[files.net]: only the package has files inside"),
    "an unknown key": (FILE + 'sha = "x"', "[files.net] sha: unknown key; there are license, "),
    "a missing key": ('[files.net]\nget = "x"', "[files.net] license: is missing"),
    "no file": ('[files.net]\nget = "x"\nlicense = "MIT"', "[files.net] file: is missing"),
    "no place": ('[files.net]\nfile = "x"\nlicense = "MIT"', "[files.net]: give a repository, or"),
    "a mirror of nothing": (
        FILE + 'mirror = "x"',
        "[files.net] mirror: needs a repository, and get",
    ),
    "a mirror nowhere": (
        BY_HAND + 'mirror = "x"',
        "[files.net] mirror: needs a repository, and get",
    ),
    "two places": (FILE + 'get = "x"', "[files.net]: give a repository, or get"),
    "a number": (FILE + "terms = 3", "[files.net] terms: must be text"),
    "an empty text": (FILE + 'terms = " "', "[files.net] terms: must be one line of text"),
    "two lines": (FILE + 'terms = "a\\nb"', "[files.net] terms: must be one line of text"),
    "a repository": (FILE.replace("me/", "me/you/"), "[files.net] repository: must be OWNER/NAME"),
    "a path": (FILE.replace("net.pth", "../net.pth"), "[files.net] file: must be the path"),
    "a branch": (FILE + 'revision = "main"', "[files.net] revision: must be a commit, 40 hex"),
    "a revision by hand": (BY_HAND + f'revision = "{"a" * 40}"', "[files.net] revision: needs a"),
    "bytes of text": (FILE + 'bytes = "7"', "[files.net] bytes: must be a number"),
    "true bytes": (FILE + "bytes = true", "[files.net] bytes: must be a number"),
    "no bytes": (FILE + "bytes = 0", "[files.net] bytes: must be above 0"),
    "a hash": (FILE + 'sha256 = "abc"', "[files.net] sha256: must be 64 hexadecimal digits"),
    "no such file": (MODEL, "[models.mine] network: no file is called 'net'; known: ppd-tiny, ppd"),
    "a family": (FILE + MODEL.replace("tiny", "big"), "[models.mine] family: must be one of tiny,"),
    "no encoder": (FILE + MODEL.replace("tiny", "da2"), "[models.mine] encoder: the family da2 n"),
    "an encoder": (FILE + MODEL + 'encoder = "net"', "[models.mine] encoder: the family tiny has"),
    "an area": (FILE + MODEL.replace("64, 48", "64"), "[models.mine] area: must be [width, hei"),
    "a side": (FILE + MODEL.replace("64, 48", "64, 4.8"), "[models.mine] area: must be [width, h"),
    "no area": (FILE + MODEL.replace("[64, 48]", "64"), "[models.mine] area: must be two numbers"),
    "steps": (FILE + MODEL.replace("= 2", "= 0"), "[models.mine] steps: must be from 1 to 1000"),
    "draft": (FILE + MODEL + "draft = 0", "[models.mine] draft: must be from 1 to 1000"),
    "best": (FILE + MODEL + 'best = "x"', "[models.mine] best: must be a number"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_its_place(write: Callable[[str], Path], mistake: str) -> None:
    text, said = MISTAKES[mistake]
    path = write(text)
    with pytest.raises(UsageError) as error:
        models()
    line = str(error.value)
    assert line.startswith(f"{path}: {said}") and "\n" not in line


def test_a_catalogue_that_cannot_be_read(
    write: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("").write_bytes(b"\xff")
    with pytest.raises(UsageError, match=r"weights.toml: .*utf-8"):
        models()
    monkeypatch.setenv("PPD_WEIGHTS", "/nowhere/weights.toml")
    with pytest.raises(UsageError, match=r"/nowhere/weights.toml: no such file; .*PPD_WEIGHTS"):
        models()
