"""The files of the authors' video model: what they hold, what is left out, and on which terms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from parity import layout
from safetensors.torch import save_file
from torch import Tensor
from video_parity import TINY_DIT, TINY_PI3, pi3, video_network, video_weights

from ppdcli.announce import silent
from ppdcli.checkpoints import catalog, hub
from ppdcli.checkpoints.assemble import assemble
from ppdcli.checkpoints.families import FAMILIES
from ppdcli.checkpoints.importing import import_file, kind_of
from ppdcli.checkpoints.ppvd_files import PI3_HEADS, load_pi3, load_video_network
from ppdcli.errors import CheckpointError, UsageError
from ppdcli.films.window_choices import WindowChoices
from ppdcli.loading import load
from ppdcli.loading_films import load_for_films
from ppdcli.model_request import ONNX, ModelRequest, Sampling
from ppdcli.models.pi3 import Pi3Semantics
from ppdcli.models.video_dit import VideoDiT

pytest_plugins = ["hub_fixtures"]

ONE = torch.zeros(1)
USUAL = WindowChoices()
CPU = torch.device("cpu")


def network_of(path: Path, dtype: torch.dtype = torch.float32) -> VideoDiT:
    return load_video_network(path, CPU, dtype, TINY_DIT)


def encoder_of(path: Path, dtype: torch.dtype = torch.float32) -> Pi3Semantics:
    return load_pi3(path, CPU, dtype, TINY_PI3)


@pytest.fixture(scope="module")
def tensors() -> dict[str, dict[str, Tensor]]:
    """The content of the authors' files, small, with what they hold beside the used tensors."""
    heads = {key: ONE for key in layout("video/pi3_unused")}
    return {
        "ppvd": video_weights("ppvd_tiny") | {"sem_encoder.register_token": ONE},
        "pi3": video_weights("pi3_tiny") | heads,
    }


@pytest.fixture
def write(tensors: dict[str, dict[str, Tensor]], tmp_path: Path) -> Callable[..., Path]:
    """``write("pi3", changed)``: that file after ``changed`` had its way with the content."""

    def saved(kind: str, changed: Callable[[dict[str, Tensor]], object] = lambda _: None) -> Path:
        content = dict(tensors[kind])
        changed(content)
        if kind == "ppvd":
            torch.save(content, tmp_path / "ppvd.pth")
            return tmp_path / "ppvd.pth"
        save_file({k: v.clone() for k, v in content.items()}, tmp_path / "model.safetensors")
        return tmp_path / "model.safetensors"

    return saved


# What they hold ----------------------------------------------------------------------------------


def test_all_unused_tensors_belong_to_heads() -> None:
    assert len(layout("video/pi3_unused")) == 216
    assert all(key.startswith(PI3_HEADS) for key in layout("video/pi3_unused"))
    assert not any(key.startswith(PI3_HEADS) for key in layout("video/pi3_used"))


def test_they_load_without_what_is_not_used(write: Callable[..., Path]) -> None:
    pairs = (
        (network_of(write("ppvd")), video_network("ppvd_tiny", TINY_DIT)),
        (encoder_of(write("pi3")), pi3("pi3_tiny", TINY_PI3)),
    )
    for loaded, expected in pairs:
        assert not loaded.training
        state = loaded.state_dict()
        assert state.keys() == expected.state_dict().keys()
        for key, value in expected.state_dict().items():
            assert torch.equal(state[key], value), key


def test_half_precision_halves_the_matrices_alone(write: Callable[..., Path]) -> None:
    network = network_of(write("ppvd"), torch.bfloat16)
    encoder = encoder_of(write("pi3"), torch.bfloat16)
    assert network.temporal_blocks[0].attn.qkv.weight.dtype == torch.bfloat16
    assert network.pos_embed.dtype == network.t_embedder.mlp[0].weight.dtype == torch.float32
    assert encoder.decoder[0].mlp.fc1.weight.dtype == torch.bfloat16
    assert encoder.decoder[0].ls1.gamma.dtype == encoder.image_mean.dtype == torch.float32


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("ppvd", "dit_video.pos_embed"),
        ("ppvd", "dit_video.temporal_blocks.2.mlp.fc2.bias"),
        ("pi3", "register_token"),
        ("pi3", "encoder.register_tokens"),
        ("pi3", "decoder.5.ls2.gamma"),
    ],
)
def test_every_key_is_demanded(write: Callable[..., Path], kind: str, key: str) -> None:
    load_it = network_of if kind == "ppvd" else encoder_of
    with pytest.raises(CheckpointError, match=f"key {key} is missing"):
        load_it(write(kind, lambda content: content.pop(key)))
    with pytest.raises(CheckpointError, match=f"key {key} has shape"):
        load_it(write(kind, lambda content: content.update({key: torch.zeros(2, 3)})))


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("ppvd", "dit_video.fine_embedder.proj.weight"),
        ("ppvd", "dit.x"),
        ("pi3", "point_decoders.x"),
        ("pi3", "decoder.6.norm1.bias"),
    ],
)
def test_other_keys_are_refused(write: Callable[..., Path], kind: str, key: str) -> None:
    load_it = network_of if kind == "ppvd" else encoder_of
    with pytest.raises(CheckpointError, match=f"key {key} is unexpected"):
        load_it(write(kind, lambda content: content.update({key: ONE})))


def test_files_in_each_others_place_are_named(write: Callable[..., Path]) -> None:
    with pytest.raises(CheckpointError, match="it looks like Pi3 weights"):
        network_of(write("pi3"))
    with pytest.raises(CheckpointError, match="not the weights of Pi3"):
        encoder_of(write("ppvd"))


class Code:
    def __reduce__(self) -> tuple[object, ...]:
        return (print, ("run",))


def test_code_in_the_pickle_is_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "ppvd.pth"
    torch.save({"dit_video.x": Code()}, path)
    with pytest.raises(CheckpointError, match="contains code"):
        network_of(path)
    assert not capsys.readouterr().out


# The catalogue -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("folders")
def test_they_are_told_and_imported(write: Callable[..., Path]) -> None:
    for kind in ("ppvd", "pi3"):
        path = write(kind)
        assert kind_of(path) == kind
        part, _ = import_file(path, "ppvd", silent)
        assert part.name == kind
    with pytest.raises(CheckpointError, match="holds Pi3 weights, but ppd-da2 needs"):
        import_file(write("pi3"), "ppd-da2", silent)


@pytest.mark.usefixtures("folders")
def test_the_licence_is_said_before_the_first_byte() -> None:
    said: list[str] = []
    with pytest.raises(CheckpointError):  # there is no Hub
        fetch(said.append)
    assert said == [
        "downloading yyfz233/Pi3/model.safetensors of ppvd (licence of these weights: "
        "CC-BY-NC-4.0: non-commercial use only, with attribution; so films with ppvd are for "
        "non-commercial use in effect)"
    ]
    terms = catalog.catalog().parts["ppvd"].terms
    assert terms is not None and "by inference" in terms and "non-commercial" in terms


def fetch(announce: Callable[[str], None]) -> Path:
    ppvd = catalog.model("ppvd")
    assert ppvd.encoder is not None
    return hub.fetch(ppvd, ppvd.encoder, False, announce)


@pytest.mark.usefixtures("folders")
def test_the_network_comes_by_hand() -> None:
    said: list[str] = []
    with pytest.raises(CheckpointError) as error:
        load_for_films(ModelRequest("ppvd"), Sampling(), USUAL, said.append)
    (line,) = said
    assert "Apache-2.0: by inference" in line and "non-commercial use in effect" in line
    assert "the shared-drive link in the authors' README" in str(error.value)
    assert "run `ppd weights import ppvd.pth --as ppvd`" in str(error.value)


@pytest.mark.usefixtures("folders")
def test_it_is_for_films_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert FAMILIES[catalog.model("ppvd").family].films
    with pytest.raises(UsageError, match="ppvd sees the frames of a film together, and no photos"):
        load("ppvd")
    monkeypatch.setattr(hub, "find_sound", lambda part: Path("here"))
    assert hub.choose("auto") == "ppd-moge2", "not the last one, which sees no photos"
    with pytest.raises(UsageError, match="ppd-tiny sees one frame at a time"):
        load_for_films(ModelRequest("ppd-tiny"), Sampling(), USUAL)


@pytest.mark.usefixtures("folders")
@pytest.mark.parametrize(
    ("request_", "sampling", "message"),
    [
        (ModelRequest("ppvd", backend=ONNX), Sampling(), "runs on the backend pytorch alone"),
        (ModelRequest("ppvd"), Sampling(area=64 * 64), "works at 512x512 alone"),
        (ModelRequest("ppvd", device="tpu"), Sampling(), "device 'tpu'"),
        (ModelRequest("ppv"), Sampling(), "no model is called 'ppv'"),
    ],
)
def test_what_it_cannot_do_is_refused(
    request_: ModelRequest, sampling: Sampling, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        load_for_films(request_, sampling, USUAL)


@pytest.mark.slow
@pytest.mark.usefixtures("folders")
def test_files_of_full_size_load(tmp_path: Path) -> None:
    """Files without content, as large as the authors': a model of that size is built of them."""
    network, encoder = tmp_path / "ppvd.safetensors", tmp_path / "pi3.safetensors"
    for path, name in ((network, "ppvd"), (encoder, "pi3_used")):
        save_file({k: torch.zeros(s) for k, s in layout(f"video/{name}").items()}, path)
    model = assemble("pi3", network, encoder)
    assert sum(p.numel() for p in model.network.parameters()) == 561_754_944
    assert sum(p.numel() for p in model.encoder.state_dict().values()) == 757_923_846
