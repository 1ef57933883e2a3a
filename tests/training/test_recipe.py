"""Recipes: the package's own, and what is said about faulty ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppdcli.errors import UsageError
from ppdcli.evaluation import synthetic
from ppdcli.models.cas_dit import CasDiTConfig
from ppdcli.models.tiny_encoder import TinyEncoderConfig
from ppdcli.training.recipe import SEEDS, Phase, load_recipe
from ppdcli.training.shards import SCENES_PER_SHARD

GOOD = """
seed = 3
[encoder]
model = { lateral = 8 }
learning_rate = 1e-3
phases = [{ samples = 10, scale = 0.5, batch = 4 }, { samples = 6, scale = 1, batch = 2 }]
[diffusion]
model = { hidden_size = 32 }
learning_rate = 2e-3
noise_only = 0.5
phases = [{ samples = 5, scale = 0.5, batch = 4, gradient_weight = 0.1 }]
[card]
about = "a test"
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_packages_own_recipe_describes_networks_that_fit() -> None:
    recipe = load_recipe()
    encoder = TinyEncoderConfig(**recipe.encoder.model)
    network = CasDiTConfig(semantics_dim=encoder.semantics_dim, **recipe.diffusion.model)
    assert encoder.token == 2 * network.patch_size and network.predicts == "x0"
    for stage in (recipe.encoder, recipe.diffusion):
        assert stage.samples > 10_000
        assert all(phase.batch <= SCENES_PER_SHARD for phase in stage.phases)


def test_values_arrive_where_they_belong(tmp_path: Path) -> None:
    recipe = load_recipe(write(tmp_path, GOOD))
    assert recipe.seed == 3 and recipe.card == {"about": "a test"}
    assert recipe.encoder.samples == 16 and recipe.encoder.model == {"lateral": 8}
    assert recipe.encoder.phases[1] == Phase(samples=6, scale=1, batch=2)
    assert recipe.diffusion.noise_only == 0.5 and recipe.diffusion.learning_rate == 2e-3
    assert recipe.diffusion.phases[0].gradient_weight == 0.1


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.toml: cannot read"):
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
        (("[card]", "[cart]"), "'cart'"),
        (("[encoder]", "[encode]"), "'encode'"),
        (("learning_rate = 1e-3", "lr = 1e-3"), "'lr' in encoder"),
        (("learning_rate = 1e-3", ""), "'learning_rate' is missing in encoder"),
        (("learning_rate = 2e-3", 'learning_rate = "2e-3"'), "learning_rate"),
        (("learning_rate = 2e-3", "learning_rate = 0"), "learning_rate"),
        (("gradient_weight", "gradient"), "'gradient' in a phase of diffusion"),
        (("samples = 5", "samples = 0"), "samples must be a number > 0"),
        (("batch = 2", "batch = 2.5"), "batch must be a whole number"),
        (("batch = 2", "batch = 129"), "batch must be 128 at most"),
        (("samples = 5", "samples = 5.5"), "samples must be a whole number"),
        (("batch = 2", 'batch = "two"'), "batch must be a number > 0"),
        (("batch = 2", "batch = true and 1"), "line"),
        (("phases = [{ samples = 5", "phase = [{ samples = 5"), "diffusion"),
        (("model = { lateral = 8 }", ""), "'model' is missing in encoder"),
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


def test_no_recipe_trains_on_the_scenes_of_the_evaluation(tmp_path: Path) -> None:
    assert synthetic.SEED >= SEEDS
    with pytest.raises(UsageError, match="seed"):
        load_recipe(write(tmp_path, GOOD.replace("seed = 3", f"seed = {synthetic.SEED}")))
