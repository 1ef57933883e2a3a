"""``ppd evaluate``: the table, its JSON, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from typer.testing import Result

from ppdcli.depth import DepthMap
from ppdcli.photo import Photo
from ppdcli.predictor import Predictor

Ppd = Callable[..., Result]
NAMES = ["ppd-tiny", "constant", "vertical ramp"]


def test_the_table_has_the_model_beside_predictors_that_know_nothing(
    ppd: Ppd, tiny: list[str]
) -> None:
    result = ppd("evaluate", "synthetic", "--limit", 2, *tiny)
    assert result.exit_code == 0, result.stderr
    head, *rows = result.stdout.splitlines()
    assert head.split() == ["predictor", "AbsRel", "delta1", "images"]
    assert [row[:16].strip() for row in rows] == NAMES
    for row in rows:
        abs_rel, delta1, images = row[16:].split()
        assert 0 < float(abs_rel) < 2 and 0 <= float(delta1) <= 1 and images == "2"
    assert "ppd-tiny on cpu" in result.stderr and "sky masked" in result.stderr


def test_json_has_the_same_numbers_and_nothing_else_on_stdout(ppd: Ppd, tiny: list[str]) -> None:
    once, again = (ppd("evaluate", "synthetic", "--limit", 2, "--json", *tiny) for _ in range(2))
    assert once.exit_code == 0 and once.stdout == again.stdout
    table = json.loads(once.stdout)
    assert [row["predictor"] for row in table] == NAMES
    for row in table:
        assert set(row) == {"predictor", "abs_rel", "delta1", "images"} and row["images"] == 2
    text = ppd("evaluate", "synthetic", "--limit", 2, *tiny).stdout.splitlines()[1:]
    assert [f"{row['abs_rel']:.3f}" for row in table] == [line[16:].split()[0] for line in text]


def test_steps_seed_and_size_reach_the_model(
    ppd: Ppd, tiny: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[dict[str, object]] = []
    predict = Predictor.predict

    def noted(self: Predictor, photo: Photo, **options: object) -> DepthMap:
        calls.append({"photo": photo.name, **options})
        return predict(self, photo, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Predictor, "predict", noted)
    ppd("evaluate", "synthetic", "--limit", 2, *tiny, "--seed", 5, "--steps", 2)
    expected = {"steps": 2, "seed": 5, "area": 64 * 48}
    assert calls == [{"photo": f"synthetic {k}", **expected} for k in range(2)]


@pytest.mark.usefixtures("no_model")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nyu",), "no benchmark is called 'nyu'; choose synthetic"),
        (("synthetic", "-m", "none"), "none"),
        (("synthetic", "--size", "big"), "--size big"),
        (("synthetic", "--limit", "0"), "limit"),
        (("synthetic", "--device", "gpu"), "gpu"),
        ((), "SET"),
    ],
)
def test_mistakes_are_found_before_the_model_is_loaded(
    ppd: Ppd, arguments: tuple[str, ...], message: str
) -> None:
    result = ppd("evaluate", *arguments)
    assert result.exit_code == 2 and message in result.stderr and result.stdout == ""


def test_a_checkpoint_that_is_missing_fails(ppd: Ppd) -> None:
    result = ppd("evaluate", "synthetic", "-m", "ppd-tiny", "--checkpoint", "none.safetensors")
    assert result.exit_code == 1 and "none.safetensors" in result.stderr
