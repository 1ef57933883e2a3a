"""Sound files of the kinds that ppd keeps or is given, and what reads each of them."""

from __future__ import annotations

import io
import json
import pickle
import random
import struct
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from damage import BYTES, another_value, damaged_json, damaged_lines, damaged_toml
from keeper_texts import CATALOGUE, MOGE2, RECIPE
from networks import small_encoder
from safetensors.torch import save
from torch import nn

from ppdcli.checkpoints.assemble import assemble
from ppdcli.checkpoints.catalog import catalog, check_request
from ppdcli.checkpoints.catalog_rows import Part
from ppdcli.checkpoints.hub import choose
from ppdcli.checkpoints.importing import kind_of
from ppdcli.checkpoints.layouts import load_checked, read_tensors
from ppdcli.checkpoints.moge2_file import load_moge2
from ppdcli.checkpoints.pins import known, pin_of
from ppdcli.commands import bench_table
from ppdcli.evaluation.frames import Frame
from ppdcli.evaluation.gallery import Gallery
from ppdcli.evaluation.report.panels import make_panels
from ppdcli.evaluation.rows import Rows, ScoreRow
from ppdcli.jobs.decision import decide
from ppdcli.jobs.inputs import discover
from ppdcli.jobs.journal import Recorded
from ppdcli.jobs.journal_entries import Entry, Source, line_of, source_of
from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.config import CasDiTConfig
from ppdcli.photo import Photo
from ppdcli.training.pool import ScenePool
from ppdcli.training.recipe import PARTS, Rate, load_recipe
from ppdcli.training.shards import SHAPES, SUFFIX
from ppdcli.training.state import TrainingState

PART = Part("net", "MIT", repository="o/n", file="net.pth")
SETTINGS = {"steps": 4, "seed": 0, "model": "ppd-tiny", "size": "1 pixels"}


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        name: of the file, below the folder that it is tried in.
        data: a sound one.
        read: what reads it; errors for users are fine.
        damages: of values, beside those of bytes.
    """

    name: str
    data: bytes
    read: Callable[[Path], object]
    damages: tuple[Callable[[random.Random, bytes], bytes], ...] = ()


# --- checkpoints -------------------------------------------------------------------------------


def tiny_checkpoint() -> bytes:
    torch.manual_seed(0)
    encoder = small_encoder()
    sizes = {
        "hidden_size": 16,
        "depth": 2,
        "num_heads": 2,
        "patch_size": 4,
        "semantics_dim": encoder.config.semantics_dim,
    }
    network = CasDiT(CasDiTConfig(**sizes, predicts="x0"))
    tensors = {f"dit.{k}": v.half() for k, v in network.state_dict().items()}
    tensors |= {f"encoder.{k}": v for k, v in encoder.state_dict().items()}
    header = {
        "network": json.dumps(asdict(network.config)),
        "encoder": json.dumps(asdict(encoder.config)),
    }
    return save(tensors, metadata=header)


def damaged_header(rng: random.Random, data: bytes) -> bytes:
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    facts = header["__metadata__"]
    texts = [key for key, text in facts.items() if text.startswith("{")]
    if rng.random() < 0.7 and texts:
        key = rng.choice(texts)
        facts[key] = damaged_json(rng, facts[key].encode()).decode()
        text = json.dumps(header).encode()
    else:
        text = damaged_json(rng, json.dumps(header).encode())
    return struct.pack("<Q", len(text)) + text + data[8 + size :]


def saved(content: Any, zipped: bool = True) -> bytes:
    stream = io.BytesIO()
    torch.save(content, stream, _use_new_zipfile_serialization=zipped)
    return stream.getvalue()


def damaged_content(content: Any, zipped: bool) -> Callable[[random.Random, bytes], bytes]:
    def damage(rng: random.Random, data: bytes) -> bytes:
        tensors = [
            torch.zeros(2, 3, dtype=torch.int32),
            torch.zeros(0),
            torch.zeros(1).expand(10**6),
        ]
        changed = another_value(rng, content)
        if rng.random() < 0.3 and isinstance(changed, dict) and changed:
            changed[rng.choice(list(changed))] = rng.choice(tensors)
        return saved(changed, zipped)

    return damage


class Call:
    """Pickles as a call of something that need not be tensors."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.pair = function, arguments

    def __reduce__(self) -> tuple[Any, Any]:
        return self.pair


def hostile_pickle(rng: random.Random, data: bytes) -> bytes:
    calls = (
        Call(bytearray, 3 << 30),
        Call(set, [1, 2]),
        Call(complex, 1.0, 2.0),
        Call(print, "ran"),
    )
    text = pickle.dumps({"dit.x": rng.choice(calls)}, protocol=2)
    if rng.random() < 0.5:
        text = (
            pickle.dumps({f"k{k}": None for k in range(3)}, protocol=2)[:-1]
            + b"(" * 1_000_00
            + b"."
        )
    return repacked(data, text, rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))


def bomb(rng: random.Random, data: bytes) -> bytes:
    return repacked(data, bytes(rng.choice((1 << 22, 300 << 20))), zipfile.ZIP_DEFLATED)


def repacked(data: bytes, text: bytes, method: int) -> bytes:
    """A checkpoint's zip with another data.pkl."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w", method) as new:
        for name in old.namelist():
            new.writestr(name, text if name.endswith("data.pkl") else old.read(name))
    return stream.getvalue()


def read_weights(path: Path) -> None:
    kind_of(path)
    module = nn.Linear(3, 2)
    load_checked(module, lambda: read_tensors(path), path, "the weights of a test", "dit.")
    module(torch.zeros(1, 3))


NETWORK = {"dit.weight": torch.ones(2, 3), "dit.bias": torch.ones(2, dtype=torch.float16)}
MOGE2_FILE = {"model_config": MOGE2, "model": {"encoder.backbone.x": torch.ones(2)}}


# --- what ppd keeps ----------------------------------------------------------------------------


def read_catalogue(path: Path) -> None:
    from ppdcli.cli.weights import list_

    with redirect_stdout(io.TextIOWrapper(io.BytesIO())) as out:
        catalog()
        check_request(choose("auto"), None, None)
        try:
            list_()
        except BaseException as error:
            if type(error).__name__ != "Exit" or error.exit_code not in (0, 1, 2):
                raise
        out.seek(0)
        text = out.read()
    assert text.replace("\n", "").isprintable() and max(map(len, text.split("\n"))) < 10_000


def read_pin(path: Path) -> None:
    pin_of(PART)
    known(PART)


def read_journal(path: Path) -> None:
    recorded = Recorded(path.parent)
    recorded.read_on()
    photo = path.parent / "photo.jpg"
    photo.write_bytes(b"x")
    now = source_of(photo, path.parent)
    for entry in recorded.entries.values():
        (path.parent / "a_depth.npy").write_bytes(b"123")
        decide(path.parent / "a_depth.npy", entry, SETTINGS | {"steps": 8}, now, path.parent)
    discover([str(path.parent)], path.parent, ["_depth.npy"])


def journal() -> bytes:
    sources = (Source("photo.jpg", 1, 5), Source("../in/b.jpg", 3, 6), None)
    return b"".join(
        line_of(Entry(f"{name}_depth.npy", 3, SETTINGS, source))
        for name, source in zip("abc", sources, strict=True)
    )


def read_rows(path: Path) -> None:
    rows = Rows(path.parent, {"set": "x"})
    rows.claim("p", {"model": "m"})
    rows.has("a", "p", "s")
    for predictor in rows.predictors:
        [
            (row.scores or {}).get("absrel", 0) + sum(row.sums)
            for row in rows.of(predictor, ["a", "b"])
        ]


def rows() -> bytes:
    lines: list[dict[str, Any]] = [
        {"settings": {"set": "x"}},
        {"predictor": "p", "identity": {"model": "m"}},
    ]
    lines.append(
        asdict(ScoreRow("a", "p", "scored", {"absrel": 0.5}, None, "n", (1.0, 2.0), (3, 4), "s"))
    )
    lines.append(asdict(ScoreRow("b", "p", "degenerate", None, "flat", None, (), (), "t")))
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def shard() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.zeros((2, *SHAPES[0], 5), np.uint8))
    return stream.getvalue()


def read_shard(path: Path) -> None:
    cpu, rng = torch.device("cpu"), np.random.default_rng(0)
    ScenePool(path.parent, cpu, 1, rng, lambda line: None, most=8).feed(8)


def training() -> TrainingState:
    torch.manual_seed(0)
    encoder = small_encoder()
    sizes = {"hidden_size": 16, "depth": 2, "num_heads": 2, "patch_size": 4}
    network = CasDiT(CasDiTConfig(**sizes, semantics_dim=encoder.config.semantics_dim))
    rates = {part: Rate(1e-3) for part in PARTS}
    return TrainingState(encoder, network, rates, torch.device("cpu"))


def go_on(path: Path) -> None:
    training().load(path)


def training_state(folder: Path) -> bytes:
    path = folder / "state.ckpt"
    training().save(path)
    return path.read_bytes()


def bench_result() -> bytes:
    facts = dict.fromkeys(bench_table.MUST_AGREE, "x")
    return json.dumps(
        facts | {"parts": {"read": {"median": 1.0}, "write": {"median": 2.0}}}
    ).encode()


GALLERY_ROW = ScoreRow("a", "p", "scored", {"abs_rel": 0.5})


def picture() -> bytes:
    stream, shape = io.BytesIO(), (6, 8)
    depth = np.ones(shape, np.float32)
    arrays = {"truth": depth, "predicted": depth, "valid": depth > 0}
    np.savez_compressed(stream, rgb=np.zeros((*shape, 3), np.uint8), **arrays)
    return stream.getvalue()


def read_picture(path: Path) -> None:
    for shown in Gallery(path.parent, "p").pictures([GALLERY_ROW]):
        assert shown.truth.shape == shown.predicted.shape == shown.valid.shape
        make_panels(shown)


def picture_name() -> str:
    frame = Frame(
        Photo(np.zeros((6, 8, 3), np.uint8), "a"),
        np.ones((6, 8), np.float32),
        np.ones((6, 8), bool),
    )
    with tempfile.TemporaryDirectory() as folder:
        gallery = Gallery(Path(folder), "p")
        gallery.offer(GALLERY_ROW, [GALLERY_ROW], frame, frame.depth)
        (path,) = Path(folder).iterdir()
        return path.name


def kinds(folder: Path) -> dict[str, Kind]:
    """All of them by name; ``folder`` is for making some."""
    own = f"pins/{PART.name}.json"
    pin = {
        "address": "o/n/net.pth",
        "revision": "c" * 40,
        "bytes": 5,
        "sha256": "d" * 64,
        "date": "2025-01-31",
    }
    tiny = tiny_checkpoint()
    moge2 = save(
        {"encoder.backbone.x": torch.ones(2)}, metadata={"model_config": json.dumps(MOGE2)}
    )
    state = training_state(folder)
    content = torch.load(io.BytesIO(state), weights_only=True)
    zipped = (damaged_content(NETWORK, True), hostile_pickle, bomb)
    return {
        "tiny": Kind("t.safetensors", tiny, lambda p: assemble("tiny", p, None), (damaged_header,)),
        "network": Kind("n.pth", saved(NETWORK), read_weights, zipped),
        "legacy": Kind(
            "l.pt", saved(NETWORK, False), read_weights, (damaged_content(NETWORK, False),)
        ),
        "moge2": Kind("m.safetensors", moge2, load_moge2, (damaged_header,)),
        "moge2-pt": Kind(
            "m.pt", saved(MOGE2_FILE), load_moge2, (damaged_content(MOGE2_FILE, True),)
        ),
        "catalogue": Kind("weights.toml", CATALOGUE.encode(), read_catalogue, (damaged_toml,)),
        "pin": Kind(own, json.dumps(pin).encode(), read_pin, (damaged_json,)),
        "journal": Kind(".ppd-journal.jsonl", journal(), read_journal, (damaged_lines,)),
        "rows": Kind("rows.jsonl", rows(), read_rows, (damaged_lines,)),
        "picture": Kind(picture_name(), picture(), read_picture),
        "shard": Kind(f"000000{SUFFIX}", shard(), read_shard),
        "training": Kind("training.ckpt", state, go_on, (damaged_content(content, True),)),
        "recipe": Kind("recipe.toml", RECIPE.encode(), load_recipe, (damaged_toml,)),
        "bench": Kind("bench.json", bench_result(), bench_table.read, (damaged_json,)),
    }


def damaged(files: dict[str, Kind], index: int) -> tuple[str, str, bytes]:
    """The index-th file's kind, what was done to it, and what it holds."""
    names = sorted(files)
    name = names[index % len(names)]
    kind, rng = files[name], random.Random(index)
    if kind.damages and rng.random() < 0.6:
        damage = rng.choice(kind.damages)
        return name, damage.__name__, damage(rng, kind.data)
    way = rng.choice(BYTES)
    return name, way.__name__, way(rng, kind.data, files[rng.choice(names)].data)
