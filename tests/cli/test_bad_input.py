"""Pictures and checkpoints that go wrong, each through ``ppd predict``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from parity import layout
from PIL import Image
from safetensors.torch import save_file
from typer.testing import Result

Ppd = Callable[..., Result]


def only_line(result: Result) -> str:
    (line,) = result.stderr.splitlines()
    return line


# --- pictures that cannot be read --------------------------------------------------------------


def text_named_jpg(path: Path, photo: Path) -> None:
    path.write_text("this is no picture\n" * 50)


def truncated(path: Path, photo: Path) -> None:
    path.write_bytes(photo.read_bytes()[:400])


def empty(path: Path, photo: Path) -> None:
    path.touch()


def missing(path: Path, photo: Path) -> None:
    pass


@pytest.mark.parametrize("spoil", [text_named_jpg, truncated, empty, missing])
def test_a_bad_picture_is_one_line_that_names_it(
    ppd: Ppd, photo: Path, no_model: None, spoil: Callable[[Path, Path], None]
) -> None:
    spoil(Path("bad.jpg"), photo)
    result = ppd("predict", "bad.jpg", "-m", "ppd-tiny")
    assert result.exit_code == 3
    assert result.stdout == ""
    assert only_line(result).startswith("failed: bad.jpg: ")
    assert ";" in only_line(result), "the way on is missing"
    assert not Path("ppd-out").exists()


@pytest.mark.parametrize("name", ["x" * 300 + ".jpg", "[" + "x" * 300, "no*such?photo"])
def test_a_name_that_cannot_be_is_a_file_that_is_missing(
    ppd: Ppd, no_model: None, name: str
) -> None:
    result = ppd("predict", name, "-m", "ppd-tiny")
    assert result.exit_code == 3
    assert only_line(result).startswith(f"failed: {name}: ")


def test_one_bad_picture_in_a_folder_does_not_stop_the_others(
    ppd: Ppd, photo: Path, tiny: list[str]
) -> None:
    Path("in").mkdir()
    for name in ("a", "c"):
        Path(f"in/{name}.jpg").write_bytes(photo.read_bytes())
    truncated(Path("in/b.jpg"), photo)
    result = ppd("predict", "in", *tiny, "-f", "npy")
    assert result.exit_code == 3
    assert {p.name for p in Path("ppd-out").glob("[!.]*")} == {"a_depth.npy", "c_depth.npy"}
    assert "failed: in/b.jpg: " in result.stderr
    assert result.stderr.splitlines()[-1] == "2 done, 1 failed"


def test_bad_bytes_on_stdin(ppd: Ppd, no_model: None) -> None:
    result = ppd("predict", "-", "-m", "ppd-tiny", stdin=b"no picture")
    assert result.exit_code == 3
    assert only_line(result).startswith("failed: stdin: ")


# --- pictures that look bad and are not --------------------------------------------------------


def grey_16_bit() -> Image.Image:
    return Image.fromarray(np.linspace(0, 65535, 60 * 40).reshape(40, 60).astype(np.uint16))


PICTURES: dict[str, Callable[[], Image.Image]] = {
    "one_pixel.png": lambda: Image.new("RGB", (1, 1), (9, 8, 7)),
    "one_row.png": lambda: Image.new("RGB", (300, 1), (9, 8, 7)),
    "grey_16_bit.png": grey_16_bit,
    "grey.png": lambda: Image.linear_gradient("L").resize((60, 40)),
    "bilevel.png": lambda: Image.linear_gradient("L").resize((60, 40)).convert("1"),
    "palette.png": lambda: Image.linear_gradient("L").resize((60, 40)).convert("P"),
    "cmyk.jpg": lambda: Image.linear_gradient("L").resize((60, 40)).convert("CMYK"),
    "transparent.png": lambda: Image.linear_gradient("L").resize((60, 40)).convert("RGBA"),
    "grey_transparent.png": lambda: Image.linear_gradient("L").resize((60, 40)).convert("LA"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_unusual_pictures_work_in_every_format(ppd: Ppd, tiny: list[str], name: str) -> None:
    picture = PICTURES[name]()
    picture.save(name)
    result = ppd("predict", name, *tiny, "-f", "png,exr,npy,preview")
    assert result.exit_code == 0, result.stderr
    depth = np.load(f"ppd-out/{Path(name).stem}_depth.npy")
    assert depth.shape == picture.size[::-1]
    assert np.isfinite(depth).all()


TURNED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,  # the camera stores it turned, 270 degrees bring it back
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_rotated_photo_has_the_depth_of_the_upright_one(
    ppd: Ppd, photo: Path, tiny: list[str], orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    with Image.open(photo) as upright:
        upright.save("upright.png")
        stored = upright.transpose(TURNED[orientation]) if orientation > 1 else upright
        stored.save("turned.png", exif=exif)
    assert ppd("predict", "upright.png", "turned.png", *tiny, "-f", "npy").exit_code == 0
    upright_depth = np.load("ppd-out/upright_depth.npy")
    np.testing.assert_array_equal(np.load("ppd-out/turned_depth.npy"), upright_depth)


# --- checkpoints -------------------------------------------------------------------------------


def small(layout_name: str) -> dict[str, torch.Tensor]:
    """The keys of a layout, without its megabytes."""
    return {key: torch.zeros(1) for key in layout(layout_name)}


def test_a_checkpoint_without_sizes_for_ppd_tiny(ppd: Ppd, photo: Path) -> None:
    for name in ("depth_anything.pth", "headerless.safetensors"):
        tensors = small("depth_anything_v2_vits")
        torch.save(tensors, name) if name.endswith("pth") else save_file(tensors, name)
        result = ppd("predict", photo, "-m", "ppd-tiny", "--checkpoint", name)
        assert result.exit_code == 1
        assert only_line(result).startswith(f"error: {name}: not a ppd-tiny checkpoint")


@pytest.mark.parametrize(
    ("file_layout", "cause"),
    [
        ("depth_anything_v2_vits", "it looks like Depth Anything V2 weights"),
        ("ppd_tiny", "the weights of this network"),
    ],
)
def test_a_checkpoint_of_another_model_for_ppd_da2(
    ppd: Ppd, photo: Path, file_layout: str, cause: str
) -> None:
    torch.save(small(file_layout), "other.pth")
    files = ["--checkpoint", "other.pth", "--encoder", "other.pth"]
    result = ppd("predict", photo, "-m", "ppd-da2", *files)
    assert result.exit_code == 1
    assert only_line(result).startswith("error: other.pth: ") and cause in only_line(result)


@pytest.mark.parametrize("name", ["bad.safetensors", "bad.pth"])
@pytest.mark.parametrize("model", ["ppd-tiny", "ppd-da2"])
def test_a_damaged_checkpoint(ppd: Ppd, photo: Path, name: str, model: str) -> None:
    Path(name).write_bytes(np.random.default_rng(0).bytes(5000))
    encoder = ["--encoder", name] if model == "ppd-da2" else []
    result = ppd("predict", photo, "-m", model, "--checkpoint", name, *encoder)
    assert result.exit_code == 1
    assert only_line(result).startswith(f"error: {name}: ")


def test_a_checkpoint_that_is_missing(ppd: Ppd, photo: Path) -> None:
    result = ppd("predict", photo, "-m", "ppd-tiny", "--checkpoint", "missing.safetensors")
    assert result.exit_code == 1
    assert only_line(result).startswith("error: missing.safetensors: no such file")


class Evil:
    """Unpickling it makes a file."""

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (Path("executed").absolute(),)


@pytest.mark.parametrize("old_format", [False, True])
def test_a_checkpoint_with_code_in_it_is_refused_and_not_run(
    ppd: Ppd, photo: Path, old_format: bool
) -> None:
    torch.save(
        {"dit.weight": torch.zeros(1), "evil": Evil()},
        "evil.pth",
        _use_new_zipfile_serialization=not old_format,
    )
    files = ["--checkpoint", "evil.pth", "--encoder", "evil.pth"]
    result = ppd("predict", photo, "-m", "ppd-da2", *files)
    assert result.exit_code == 1
    assert only_line(result).startswith("error: evil.pth: the file contains code")
    assert not Path("executed").exists()
    torch.load("evil.pth", weights_only=False)
    assert Path("executed").exists(), "the file was harmless, so this test shows nothing"
