"""The paper's ablation at small scale: networks that differ in one part, with equal training.

``python -m studies.paper_table -o FOLDER`` renders scenes, trains every row of the table that an
earlier run has not trained, and prints the table. Every row learns from the same pictures in the
same order, with the tokens of ppd-tiny's frozen encoder. The scored scenes are those of
``ppd evaluate synthetic``, at the size of the training.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from ppdcli.commands.bench_model import pytorch_of
from ppdcli.errors import PpdError
from ppdcli.evaluation import synthetic
from ppdcli.evaluation.frames import Frame
from ppdcli.evaluation.protocols import Degenerate
from ppdcli.evaluation.scoring import Rules, score_prediction
from ppdcli.geometry.upsample import downsample_depth
from ppdcli.loading import load
from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.config import CasDiTConfig
from ppdcli.models.pixel_perfect import PixelPerfectDepth, draw_noise
from ppdcli.models.pyramid_encoder import PyramidEncoder
from ppdcli.models.tensors import to_tensor
from ppdcli.photo import Photo
from ppdcli.scenes.samples import SKY_DEPTH
from ppdcli.training.augment import crop, tint
from ppdcli.training.clock import cosine_decay
from ppdcli.training.pool import ScenePool
from ppdcli.training.recipe import DIFFUSION, PRIMITIVES, Phase
from ppdcli.training.shards import SUFFIX, RenderSettings, start_workers
from ppdcli.training.stages import FlowLoss, error_of_x0, flow_loss
from ppdcli.training.state import Averaged
from ppdcli.training.targets import log_depth_target
from ppdcli.wording import counted
from studies.depth_autoencoder import DepthAutoencoder
from studies.plain_dit import PlainDiT

SEED = 31  # of the training scenes, weights and noise
SHAPE = (96, 128)
PATCH = 4
BATCH = 12
RATE, DECAY = 8e-4, 0.999
MEMORY = 4 << 30  # bytes for scenes
STEPS = 4
SHOWN = ("abs_rel", "delta1", "recall", "ramp", "flying", "boundary_f1", "log_chamfer")

Sampler = Callable[[Tensor, Tensor], Tensor]  # image, latent -> x_0 + 0.5


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes:
        build: Creates its network.
        noise_only: As for ``Recipe``. 1 is regression: the input is always pure noise.
        steps: Steps of the sampler; 0 if the network gets the true depth.
    """

    name: str
    build: Callable[[CasDiTConfig], nn.Module]
    noise_only: float = 0.25
    steps: int = STEPS

    @property
    def file(self) -> str:
        """A file name made from the row's name."""
        return "".join(c if c.isalnum() else "-" for c in self.name.lower()) + ".pt"


ROWS = (
    Row("plain DiT", lambda sizes: PlainDiT(sizes, prompted=False)),
    Row("SP-DiT: with the prompt", lambda sizes: PlainDiT(sizes, prompted=True)),
    Row("Cas-DiT: prompt and cascade", CasDiT),
    Row("Cas-DiT by regression", CasDiT, noise_only=1.0, steps=1),
    Row("truth through an 8x autoencoder", lambda sizes: DepthAutoencoder(), steps=0),
)


def sizes(encoder: PyramidEncoder) -> CasDiTConfig:
    """Returns ppd-tiny's width and depth, with patches of 8 and 4 pixels."""
    width = encoder.config.semantics_dim
    return CasDiTConfig(
        hidden_size=160,
        depth=6,
        num_heads=5,
        patch_size=PATCH,
        semantics_dim=width,
        predicts="x0",
        fine_embedding=True,
        semantics_scale=width**0.5,
    )


def frozen_encoder(checkpoint: Path | None) -> PyramidEncoder:
    """Loads ppd-tiny's encoder."""
    model = pytorch_of(load("ppd-tiny", checkpoint=checkpoint, device="cpu")).model
    encoder = model.encoder
    if not isinstance(encoder, PyramidEncoder):
        raise TypeError(f"ppd-tiny's encoder is a {type(encoder).__name__}")
    return encoder.requires_grad_(False).to(memory_format=torch.channels_last)


def render_scenes(folder: Path, shards: int) -> None:
    """Fills ``folder`` with shards before any training, so that all rows see the same scenes."""
    settings = RenderSettings(folder, SEED, {PRIMITIVES: 1.0}, 0, shards)
    (renderer,) = start_workers(settings, 1)
    try:
        while renderer.is_alive() and len(list(folder.glob(f"*{SUFFIX}"))) < shards:
            time.sleep(0.5)
    finally:
        renderer.terminate()
        renderer.join()


def train_row(row: Row, encoder: PyramidEncoder, samples: int, folder: Path) -> nn.Module:
    """Returns the row's network: trained, or loaded if an earlier run has trained it."""
    torch.manual_seed(SEED)
    network = row.build(sizes(encoder)).train()
    file = folder / row.file
    if file.exists():
        network.load_state_dict(torch.load(file, weights_only=True))
        return network.eval().requires_grad_(False)
    rng = np.random.default_rng([SEED, 3])
    pool = ScenePool(folder / "scenes", torch.device("cpu"), MEMORY, rng, print, 1 << 30)
    while pool.feed(16):
        pass
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=0.0)
    average = Averaged(network)

    def reconstruction(network: nn.Module, image: Tensor, latent: Tensor, phase: Phase) -> Tensor:
        return error_of_x0(network(latent), latent, phase)

    loss: FlowLoss = flow_loss(encoder, row.noise_only) if row.steps else reconstruction
    steps = samples // BATCH
    for step in range(steps):
        # The layout must be learned first, and the gradient loss slows that down.
        weight = 0.0 if step < steps // 4 else 0.3
        phase = Phase(1.0, (DIFFUSION,), BATCH, BATCH, (SHAPE[0] * SHAPE[1],), weight)
        scenes = pool.batch(BATCH)
        if scenes is None:
            raise PpdError(f"{pool.folder}: there are too few scenes; render more with --shards")
        image, depth = crop(*scenes, phase.areas[0], rng)
        latent = log_depth_target(depth, torch.ones_like(depth, dtype=torch.bool))
        for group in optimizer.param_groups:
            group["lr"] = RATE * cosine_decay(step / steps) * min(1.0, (step + 1) / 200)
        value = loss(network, tint(image, rng), latent, phase)
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        average.update(network, step + 1, DECAY)
        if step % 100 == 0:
            print(f"{row.name}: step {step} of {steps}, loss {value.item():.4f}", flush=True)
    torch.save(average.network.state_dict(), file)
    return average.network


def sampler(row: Row, network: nn.Module, encoder: PyramidEncoder) -> Sampler:
    """Returns a function that predicts depth from an image, or from the true depth."""
    if row.steps == 0:
        return lambda image, latent: network(latent) + 0.5
    model = PixelPerfectDepth(network, encoder)  # type: ignore[arg-type]  # PlainDiT, alike
    noise = draw_noise(*SHAPE, seed=0)
    return lambda image, latent: model(image, noise, row.steps)


def frames(count: int) -> Iterator[Frame]:
    """Yields the first scenes of the synthetic set, resized as in training."""
    for number, (photo, truth) in enumerate(synthetic.scenes(count)):
        rgb = cv2.resize(photo.rgb, SHAPE[::-1], interpolation=cv2.INTER_AREA)
        depth = downsample_depth(truth, *SHAPE)
        camera = synthetic.camera_of(number, *SHAPE)
        yield Frame(Photo(rgb, photo.name), depth, depth < SKY_DEPTH, camera)


@torch.inference_mode()
def score(samplers: dict[str, Sampler], count: int) -> tuple[dict[str, list[float]], int]:
    """Averages over the scenes: each row's scores in the order of ``SHOWN``, then milliseconds.

    Returns:
        The means, and the number of scenes that could be scored in every row.
    """
    found: dict[str, list[list[float]]] = {name: [] for name in samplers}
    for frame in frames(count):
        image = to_tensor(frame.photo.rgb)
        depth = torch.from_numpy(frame.depth)[None, None]
        latent = log_depth_target(depth, torch.ones_like(depth, dtype=torch.bool))
        try:
            rows = {n: _scores_of(frame, sample, image, latent) for n, sample in samplers.items()}
        except Degenerate:
            continue
        for name, scores in rows.items():
            found[name].append(scores)
    means = {}
    for name, values in found.items():
        columns = list(np.array(values).T)
        # The median, because other programs can only increase the times.
        means[name] = [_mean(c) for c in columns[:-1]] + [float(np.median(columns[-1]))]
    return means, len(next(iter(found.values())))


def _mean(values: np.ndarray) -> float:
    """Returns the mean over the scenes with this score; a ramp needs a visible edge."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _scores_of(frame: Frame, sample: Sampler, image: Tensor, latent: Tensor) -> list[float]:
    started = time.perf_counter()
    depth = sample(image, latent)[0, 0].numpy()
    milliseconds = 1000 * (time.perf_counter() - started)
    scores = score_prediction(frame, depth, "ppd", Rules("authors")).scores
    return [scores[key] for key in SHOWN] + [milliseconds]


def table(means: dict[str, list[float]], count: int, samples: int) -> list[str]:
    """Returns the lines to print."""
    head = ("AbsRel", "d1", "recall", "ramp", "flying", "F1", "Chamfer log", "ms")
    widths = [max(8, len(title) + 2) for title in head]

    def line(name: str, cells: Iterable[str]) -> str:
        return f"{name:<34}" + "".join(f"{c:>{w}}" for c, w in zip(cells, widths, strict=True))

    about = (
        f"{samples} samples each; {count} scenes, {SHAPE[1]}x{SHAPE[0]}, authors' protocol; "
        f"diffusion in {STEPS} steps, times on {counted(torch.get_num_threads(), 'thread')}"
    )
    rows = [
        line(name, [*(f"{v:.4f}" for v in scores), f"{milliseconds:.1f}"])
        for name, (*scores, milliseconds) in means.items()
    ]
    return [about, line("", head), *rows]


def main() -> None:
    """Trains the rows and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("-o", "--output", type=Path, default=Path("ppd-table"), help="folder")
    parser.add_argument(
        "--samples", type=int, default=30_000, help="training pictures per row (30000)"
    )
    parser.add_argument("--shards", type=int, default=200, help="shards of 64 scenes (200)")
    parser.add_argument("--scenes", type=int, default=200, help="scenes to score (200)")
    parser.add_argument("--threads", type=int, help="CPU threads (PyTorch's choice)")
    parser.add_argument("--checkpoint", type=Path, help="ppd-tiny with the encoder to use")
    given = parser.parse_args()
    if given.threads:
        torch.set_num_threads(given.threads)
    encoder = frozen_encoder(given.checkpoint)
    render_scenes(given.output / "scenes", given.shards)
    trained = {
        row.name: sampler(row, train_row(row, encoder, given.samples, given.output), encoder)
        for row in ROWS
    }
    print("\n".join(table(*score(trained, given.scenes), given.samples)))


if __name__ == "__main__":
    main()
