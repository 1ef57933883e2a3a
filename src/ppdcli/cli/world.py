"""``ppd pointcloud --world``: many photos, one cloud."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from ppdcli.announce import silent
from ppdcli.cli.engines import run_job
from ppdcli.cli.exits import SOME_FAILED, say
from ppdcli.cloud_options import CloudOptions
from ppdcli.errors import UsageError

if TYPE_CHECKING:
    from ppdcli.cli.job_options import JobOptions
    from ppdcli.cli.options import InputOptions, ModelOptions, OutputOptions
    from ppdcli.cli.scale_options import CameraOptions, MetricOptions
    from ppdcli.files.cameras.camera_file import CameraFile
    from ppdcli.files.cameras.world_model import WorldModel, WorldPoints
    from ppdcli.jobs.work import Result

CACHE = ".ppd-world"  # in the output folder: the depth maps that are merged


def merge_into(
    target: Path,
    refused: Sequence[str],
    source: InputOptions,
    model: ModelOptions,
    metres: MetricOptions,
    camera: CameraOptions,
    out: OutputOptions,
    job: JobOptions,
    edge_clean: bool,
    snap: bool,
    voxel: float | None,
) -> int:
    """Predicts all photos, then merges them; returns the exit code.

    Args:
        target: the file to write.
        refused: options that were given and do not go with ``--world``.
        source, model, metres, camera, out, job, edge_clean, snap, voxel: as the user gave them.

    Raises:
        UsageError: options do not go together.
        InputError: the poses or the cameras cannot be read.
        PpdError: nothing can be merged.
    """
    _check(target, refused, metres, camera, out, job)
    if snap and not edge_clean:
        raise UsageError("--snap moves what --edge-clean finds; leave out --no-edge-clean")
    if voxel is not None and not 0 < voxel < inf:
        raise UsageError(f"--voxel {voxel:g}: give a length above 0, in the unit of the poses")
    model.check()
    world, points, cameras = _world(metres, camera)
    unit = "m" if points is None else f"arbitrary, that of {world.name}"
    if not out.quiet:
        _tell(world, points)
    from ppdcli.commands.world import WORLD, WorldRequest
    from ppdcli.files.world_cache import ENDING
    from ppdcli.jobs.plan import Format

    request = WorldRequest(
        model=model.request(metres.metric),
        sampling=model.sampling(),
        formats=(Format(WORLD, ENDING),),
        overwrite=out.overwrite,
        batch=job.photos,
        devices=tuple(job.places(model.device)),
        announce=silent if out.quiet else say,
        intrinsics=camera.intrinsics,
        cameras=cameras,
        world=world,
        points=points,
        keep_sky=metres.keep_sky,
        options=CloudOptions(edge_clean=edge_clean, snap=snap),
    )
    made: list[Path] = []

    def remember(result: Result) -> None:
        if result.status != "failed":
            made.extend(map(Path, result.outputs))

    cache = replace(out, output=str(Path(out.output) / CACHE))
    code = run_job(request, source, cache, job, seen=remember)
    if job.share is not None:
        say(f"{target}: is not merged yet; run it again without --shard when all shares are done")
        return code
    failures = _merge(made, target, voxel, unit, world, out)
    for line in failures:
        say(f"failed: {line}")
    return SOME_FAILED if failures else code


def _check(
    target: Path,
    refused: Sequence[str],
    metres: MetricOptions,
    camera: CameraOptions,
    out: OutputOptions,
    job: JobOptions,
) -> None:
    from ppdcli.files.source import is_dir
    from ppdcli.files.world_files import check_name
    from ppdcli.jobs.plan import FILE_SUFFIXES

    check_name(target)
    if is_dir(target):
        raise UsageError(f"--world {target}: is a folder; name a file")
    metres.source()  # finds mistakes in these options
    refused = [*refused]
    refused += ["--near-far"] if metres.near_far is not None else []
    refused += ["--depth-scale"] if metres.depth_scale is not None else []
    refused += ["--fov"] if camera.fov is not None else []
    refused += ["--watch"] if job.watch else []
    if refused:
        raise UsageError(f"{refused[0]} does not go with --world; leave it out")
    folder = out.path
    if folder is None or (folder.suffix.lower() in FILE_SUFFIXES and not is_dir(folder)):
        raise UsageError(
            f"--output {out.output}: with --world it is a folder, for the depth maps that are "
            "merged; --world names the file"
        )
    if "://" in out.output:
        raise UsageError(f"--output {out.output}: --world needs a folder of this machine")


def _world(
    metres: MetricOptions, camera: CameraOptions
) -> tuple[WorldModel, WorldPoints | None, CameraFile]:
    """Where the photos were taken, the points that fix their scales, and their cameras."""
    from ppdcli.files.cameras.camera_file import given_cameras
    from ppdcli.files.cameras.nerfstudio_poses import points_of_ply
    from ppdcli.files.cameras.poses import read_poses, require_one_world

    named = camera.intrinsics
    typed = named is None or ("," in named and not Path(named).exists())
    by_camera = None if typed else read_poses(Path(str(named)))
    aligned = by_align = None
    if metres.align is not None:
        if metres.align.suffix.lower() == ".ply":
            aligned = points_of_ply(metres.align)
        else:
            by_align = read_poses(metres.align)
            if by_align is None:
                raise UsageError(
                    f"--align {metres.align}: with --world, give a COLMAP model, a transforms.json "
                    "that names its points, or a PLY of points in the coordinates of the poses"
                )
    world = by_align or by_camera
    if world is None:
        raise UsageError(
            "--world needs to know where the photos were taken; give --intrinsics a COLMAP model, "
            "such as sparse/0, or a transforms.json"
        )
    if by_align is not None and by_camera is not None:
        require_one_world(by_camera, by_align)
    cameras = given_cameras(world.name if named is None else named)
    points = aligned or world.points
    if metres.metric:
        if points is not None:
            raise UsageError(
                f"{world.name}: has points, which fix the scale of each photo; leave out --metric"
            )
    elif points is None:
        raise UsageError(
            f"{world.name}: has no points to fix the scale of the photos by; give --align a PLY of "
            "points in the coordinates of its poses, or --metric if its unit is the metre"
        )
    return world, points, cameras


def _tell(world: WorldModel, points: WorldPoints | None) -> None:
    for note in world.notes:
        say(note)
    if points is None:
        say(f"{world.name}: its unit is taken for the metre; scale of each photo by MoGe-2")
    else:
        say(
            f"{world.name}: {len(world.images)} images; scale of each photo by {points.source}; "
            "its unit is arbitrary unless the model was scaled"
        )


def _merge(
    made: Sequence[Path],
    target: Path,
    voxel: float | None,
    unit: str,
    world: WorldModel,
    out: OutputOptions,
) -> tuple[str, ...]:
    from ppdcli.cli.report import may_draw
    from ppdcli.commands.world_merge import merge_photos
    from ppdcli.progress import Progress, progress

    if may_draw(out):
        with progress("items", len(made)) as bar:
            summary = merge_photos(made, target, voxel, unit, world.name, bar.set)
    else:
        quiet = Progress(0, lambda _done, _label: None)
        summary = merge_photos(made, target, voxel, unit, world.name, quiet.set)
    if not out.quiet:
        say(summary.line)
    return summary.failures
