"""What ``ppd bench`` says: its JSON, its table, and the comparison with an earlier run."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from ppdcli.errors import UsageError, shown
from ppdcli.files.atomic import atomic_path
from ppdcli.files.foreign import parse_json, read_regular, reason

if TYPE_CHECKING:
    from ppdcli.commands.bench import Measured
    from ppdcli.commands.bench_arithmetic import Arithmetic
    from ppdcli.commands.bench_folder import Rate

MOST_BYTES = 1 << 20  # of a result
MUST_AGREE = ("model", "size", "steps")
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"))
PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1.0, ""))

Json = dict[str, Any]


def as_json(
    facts: Json,
    start: Mapping[str, Sequence[float]],
    measured: Measured,
    plain: Sequence[float] | None,
) -> Json:
    """All that was measured, as it goes into a file.

    Args:
        facts: about the machine and the run, taken over.
        start: seconds of the parts before the first prediction.
        measured: the predictions.
        plain: seconds of the baseline, if it was measured.
    """
    parts = {name: _summed_up(seconds) for name, seconds in {**start, **measured.parts}.items()}
    product = {**vars(measured.product), "side": measured.side}
    result = {
        **facts,
        "photo": "{1}x{0}".format(*measured.photo),
        "parts": parts,
        "memory": {"process": measured.main_memory, "device": measured.device_memory},
        "work": {name: _with_share(work, measured) for name, work in measured.work.items()},
        "product": product,
        "batch": _with_rate(measured.batch, parts["network"]["median"]),
        "folder": _with_rate(measured.folder, _fastest(measured, parts["network"]["median"])),
        "baseline": None,
    }
    if plain is not None:
        line = _summed_up(plain)
        result["baseline"] = {**line, "ratio": line["median"] / parts["network"]["median"]}
    return result


def _summed_up(seconds: Sequence[float]) -> Json:
    return {
        "median": median(seconds),
        "least": min(seconds),
        "most": max(seconds),
        "runs": len(seconds),
    }


def _with_share(work: Arithmetic, measured: Measured) -> Json:
    return {**vars(work), "share": work.rate / measured.product.rate}


def _fastest(measured: Measured, seconds: float) -> float:
    """The networks' seconds a photo, one by one or in a batch, whichever is less."""
    batch = measured.batch
    return seconds if batch is None else min(seconds, batch.seconds / batch.photos)


def _with_rate(rate: Rate | None, seconds: float) -> Json | None:
    """Photos a second, and what share that is of one photo in so many seconds."""
    if rate is None:
        return None
    return {**vars(rate), "rate": rate.rate, "share": rate.rate * seconds}


def dumps(result: Json) -> str:
    """JSON text, with a line end."""
    return json.dumps(result, indent=2) + "\n"


def write(path: Path, result: Json) -> None:
    """Writes the JSON, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(dumps(result), encoding="utf-8")


def read(path: Path) -> Json:
    """An earlier run's JSON.

    Raises:
        UsageError: the file cannot be read, or is none of ours.
    """
    try:
        earlier = parse_json(read_regular(path, MOST_BYTES))
        parts = {name: float(part["median"]) for name, part in earlier["parts"].items()}
        complete = all(key in earlier for key in MUST_AGREE)
        complete &= all(0 < seconds < math.inf for seconds in parts.values()) and bool(parts)
    except OSError as error:
        why = reason(error, "check the file's permissions")
        raise UsageError(f"--against {path}: {why}") from None
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        complete = False
    if not complete:
        raise UsageError(
            f"--against {path}: is no result of ppd bench; give a file that its --output wrote"
        )
    return {**earlier, "parts": {name: {"median": seconds} for name, seconds in parts.items()}}


def check_comparable(path: Path, earlier: Json, now: Mapping[str, Any]) -> None:
    """Whether the times of two runs can be held against each other.

    Raises:
        UsageError: they are of different models, sizes or numbers of steps.
    """
    for key in MUST_AGREE:
        if earlier[key] != now[key]:
            raise UsageError(
                f"--against {path}: its {key} is {shown(earlier[key])}, this run's {now[key]}; "
                f"compare runs of one {', '.join(MUST_AGREE)}"
            )


def ratios(earlier: Json, now: Json) -> dict[str, float]:
    """Median time now over the earlier one, for each part that both have: below 1 is faster."""
    return {
        name: part["median"] / earlier["parts"][name]["median"]
        for name, part in now["parts"].items()
        if name in earlier["parts"]
    }


def table(result: Json) -> list[str]:
    """The lines for a person."""
    against: dict[str, float] | None = result.get("against")
    steps, threads = result["steps"], result["threads"]
    lines = [
        f"{result['model']} at {result['size']}, {steps} step{'s' * (steps != 1)}, on "
        f"{result['device']} ({result['processor']}, {threads} thread{'s' * (threads != 1)}), "
        f"{result['precision']}{', compiled' * result['compiled']}; photo of {result['photo']}"
    ]
    if result["weights"] == "random":
        lines.append("random weights: the times and the memory are the model's, its depth is not")
    title = f"{'part':<10} {'median':>8}   {'least to most':<20}"
    lines += ["", title + (" now/then" if against is not None else "")]
    for name, part in result["parts"].items():
        spread = f"{in_time(part['least'])} to {in_time(part['most'])}"
        line = f"{name:<10} {in_time(part['median']):>8}   {spread:<20}"
        ratio = None if against is None else against.get(name)
        lines.append(line if ratio is None else f"{line} {ratio:8.2f}")
    product, memory, plain = result["product"], result["memory"], result["baseline"]
    lines.append("")
    lines += [
        f"{name:<10} {scaled(work['flop'])}FLOP at {scaled(work['rate'])}FLOP/s: "
        f"{work['share']:.0%} of the matrix product's"
        for name, work in result["work"].items()
    ]
    lines.append(
        f"product    {scaled(product['rate'])}FLOP/s, two {product['side']}x{product['side']} "
        f"matrices in {result['precision']}"
    )
    lines += _rates(result)
    for name, peak in memory.items():
        if peak is not None:
            lines.append(f"memory     {peak / 1e9:.2f} GB at most, {name}")
    if plain is not None:
        lines.append(
            f"baseline   {in_time(plain['median'])}, the network op by op in fp32: "
            f"{plain['ratio']:.2f} times as long as above"
        )
    return [line.rstrip() for line in lines]


def _rates(result: Json) -> list[str]:
    """The lines about photos a second."""
    batch, folder = result["batch"], result["folder"]
    lines = []
    if batch is not None:
        lines.append(
            f"batch      {batch['rate']:.3g} photos/s, the network with {batch['photos']} at once: "
            f"{batch['share']:.2f} times the rate of one by one"
        )
    if folder is None:
        lines.append("folder     not measured, because a photo takes long; --folder N measures it")
    else:
        lines.append(
            f"folder     {folder['rate']:.3g} photos/s, {folder['photos']} photos from JPEG to "
            f"PNG: {folder['share']:.0%} of the network's own rate"
        )
    return lines


def in_time(seconds: float) -> str:
    """Three digits and a unit: ``1.23 s``, ``45.6 ms``."""
    return _scaled(seconds, UNITS)


def scaled(number: float) -> str:
    """Three digits and a prefix: ``12.8 T``."""
    return _scaled(number, PREFIXES)


def _scaled(number: float, scales: Sequence[tuple[float, str]]) -> str:
    scale, name = next((s for s in scales if number >= 0.9995 * s[0]), scales[-1])
    value = number / scale
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f} {name}"
