"""``ppd evaluate``: scores of a model on a benchmark."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from ppdcli.cli.options import ModelOptions, takes
from ppdcli.cli.report import ALL_DONE, say
from ppdcli.errors import UsageError

if TYPE_CHECKING:
    from ppdcli.depth import DepthMap
    from ppdcli.photo import Photo


@takes(model=ModelOptions)
def evaluate(
    model: ModelOptions,
    benchmark: Annotated[
        str, typer.Argument(metavar="SET", help="synthetic: rendered scenes, no download.")
    ],
    limit: Annotated[int, typer.Option(min=1, help="How many images.")] = 200,
    json_table: Annotated[bool, typer.Option("--json", help="The table as JSON.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show tracebacks.")] = False,
) -> int:
    """Score a model beside predictors that know nothing."""
    if benchmark != "synthetic":
        raise UsageError(f"no benchmark is called {benchmark!r}; choose synthetic")
    model.check()
    area = model.area
    from ppdcli.evaluation import synthetic
    from ppdcli.jobs.run import write_stdout

    predictor = model.load(quiet=False)

    def predict(photo: Photo) -> DepthMap:
        return predictor.predict(photo, steps=model.steps, seed=model.seed, area=area)

    rows = synthetic.evaluate(
        {
            predictor.name: synthetic.of_depth_map(predict),
            "constant": synthetic.constant,
            "vertical ramp": synthetic.vertical_ramp,
        },
        limit,
    )
    if json_table:
        table = [
            {"predictor": r.name, "abs_rel": r.scores.abs_rel, "delta1": r.scores.delta1,
             "images": r.images}
            for r in rows
        ]  # fmt: skip
        lines = [json.dumps(table)]
    else:
        say("synthetic: sky masked, least-squares line to log(depth + 1) per image, mean of images")
        lines = [f"{'predictor':<16}{'AbsRel':>8}{'delta1':>8}{'images':>8}"]
        for r in rows:
            scores = f"{r.scores.abs_rel:>8.3f}{r.scores.delta1:>8.3f}"
            lines.append(f"{r.name:<16}{scores}{r.images:>8}")
    write_stdout("".join(line + "\n" for line in lines).encode())
    return ALL_DONE
