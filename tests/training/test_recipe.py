"""Recipes: the package's own, and what is said about faulty ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppdcli.errors import UsageError
from ppdcli.evaluation import synthetic
from ppdcli.models.config import CasDiTConfig
from ppdcli.models.efficientnet_lite import LITE2
from ppdcli.models.pyramid_encoder import TOKEN, PyramidEncoderConfig
from ppdcli.training import recipe as recipe_module
from ppdcli.training.recipe import PARTS, SEEDS, Phase, Rate, load_recipe

GOOD = """
seed = 3
minutes = 5
noise_only = 0.5
scenes = { primitives = 1.0 }
encoder = { lateral = 8 }
diffusion = { hidden_size = 32 }
[rates]
pyramid = { highest = 1e-3 }
diffusion = { highest = 2e-3, ema = 0.9 }
[[phases]]
share = 0.4
trains = ["pyramid"]
batch = 4
gpu_batch = 8
areas = [1024]
[[phases]]
share = 0.6
trains = ["diffusion"]
batch = 2
gpu_batch = 16
areas = [1024, 2048]
gradient_weight = 0.1
[card]
about = "a test"
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_packages_own_recipe_describes_networks_that_fit() -> None:
    recipe = load_recipe()
    encoder = PyramidEncoderConfig(**recipe.encoder)
    network = CasDiTConfig(semantics_dim=encoder.semantics_dim, **recipe.diffusion)
    assert encoder.stages == LITE2  # what the pretrained weights are of
    assert 2 * network.patch_size == TOKEN and network.predicts == "x0"
    assert {part for phase in recipe.phases for part in phase.trains} == set(PARTS)
    assert recipe.phases[-1].trains == ("diffusion",)


def test_the_second_recipe_trains_the_same_networks_on() -> None:
    first = load_recipe()
    second = load_recipe(Path(recipe_module.__file__).with_name("ppd-tiny-second.toml"))
    assert second.seed != first.seed  # other scenes
    assert (second.encoder, second.diffusion) == (first.encoder, first.diffusion)
    assert set(second.rates) == set(first.rates) and second.card == first.card


def test_values_arrive_where_they_belong(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, GOOD))
    assert recipe.seed == 3 and recipe.minutes == 5 and recipe.card == {"about": "a test"}
    assert recipe.encoder == {"lateral": 8} and recipe.diffusion == {"hidden_size": 32}
    assert recipe.phases[1] == Phase(0.6, ("diffusion",), 2, 16, (1024, 2048), 0.1)
    assert recipe.rates["diffusion"] == Rate(2e-3, ema=0.9)
    assert recipe.noise_only == 0.5 and recipe.scenes == {"primitives": 1.0}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.toml: no such file"):
        load_recipe(tmp_path / "none.toml")


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "photo.toml"
    path.write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(UsageError, match=r"photo\.toml: not a training recipe"):
        load_recipe(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("seed = 3", "seed = "), "line 2"),
        (("seed = 3", "sed = 3"), "'sed'"),
        (("seed = 3", ""), "'seed' is missing"),
        (("seed = 3", "seed = -1"), "seed must be from 0"),
        (("minutes = 5", "minutes = 0"), "minutes must be a number above 0"),
        (("minutes = 5", "minutes = nan"), "minutes must be a number above 0"),
        (("[card]", "[cart]"), "'cart'"),
        (("highest = 1e-3", "lr = 1e-3"), "'lr' in the rates of pyramid"),
        (("pyramid = { highest = 1e-3 }", ""), "rates must have a table for pyramid"),
        (("highest = 2e-3", 'highest = "2e-3"'), "highest"),
        (("gradient_weight = 0.1", "gradient = 0.1"), "'gradient' in a phase"),
        (("gradient_weight = 0.1", "gradient_weight = -1"), "gradient_weight must be 0 or more"),
        (("share = 0.4", "share = 0.5"), "add up to 1, not 1.1"),
        (("share = 0.4", "share = true"), "share must be a number above 0"),
        (('trains = ["pyramid"]', 'trains = ["wheels"]'), "trains must name"),
        (('trains = ["pyramid"]', "trains = []"), "trains must be a list"),
        (('trains = ["pyramid"]', 'trains = ["pyramid", "diffusion"]'), "a phase of its own"),
        (("gpu_batch = 8", "gpu_batch = 2.5"), "gpu_batch must be a whole number"),
        (("gpu_batch = 8", "gpu_batch = 5000"), "gpu_batch must be a whole number from 1 to 512"),
        (("areas = [1024]", "areas = 1024"), "areas must be a list"),
        (("areas = [1024]", "areas = [0]"), "areas must be a whole number"),
        (("primitives = 1.0", "castles = 1.0"), "scenes must name primitives, furnished"),
        (("primitives = 1.0", "primitives = 0"), "above 0"),
        (("scenes = { primitives = 1.0 }", "scenes = {}"), "scenes must give"),
        (("encoder = { lateral = 8 }", "encoder = 8"), "encoder must be a table"),
        (("[[phases]]\nshare = 0.4", "[phases]\nshare = 0.4"), "not a training recipe"),
        (('"a test"', "2026"), "card"),
    ],
)
def test_a_faulty_recipe_is_named_with_its_fault(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    assert GOOD.count(change[0]) == 1
    with pytest.raises(UsageError) as caught:
        load_recipe(write(tmp_path, GOOD.replace(*change)))
    text = str(caught.value)
    assert "mine.toml: not a training recipe: " in text and message in text


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "phases = 3", "rates = { pyramid = 3 }"])
def test_nonsense_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"mine\.toml: not a training recipe"):
        load_recipe(write(tmp_path, text))


def test_no_recipe_trains_on_the_scenes_of_the_evaluation(tmp_path: Path) -> None:
    assert synthetic.SEED >= SEEDS
    with pytest.raises(UsageError, match="seed"):
        load_recipe(write(tmp_path, GOOD.replace("seed = 3", f"seed = {synthetic.SEED}")))
