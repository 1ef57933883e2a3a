"""``ppd view``: clouds, meshes and depth maps in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ppdcli.cli.exits import INTERRUPTED, SOME_FAILED, say
from ppdcli.cli.groups import takes
from ppdcli.cli.server_options import ServerOptions


@takes(server=ServerOptions)
def view(
    server: ServerOptions,
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Clouds (PLY), meshes (GLB), depth maps (PNG, EXR, NPY), or folders of them.",
        ),
    ],
    fov: Annotated[
        float | None,
        typer.Option(metavar="DEGREES", help="Horizontal field of view of depth maps."),
    ] = None,
    depth_scale: Annotated[
        str | None,
        typer.Option(
            metavar="SCALE",
            help="What a whole number in a depth map is: mm, kitti, tum, or metres per step.",
        ),
    ] = None,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Print tracebacks.")] = False,
) -> int:
    """Show clouds, meshes and depth maps in the browser, until Ctrl-C."""
    from ppdcli.commands.view import Gallery, found_files, serve
    from ppdcli.commands.view_scenes import ViewOptions
    from ppdcli.geometry.camera import Camera

    if fov is not None:
        Camera.from_fov(fov, 1, 1)  # whatever the size: a mistake shows at once
    scale = None
    if depth_scale is not None:
        from ppdcli.files.depth_scale import parse_depth_scale

        scale = parse_depth_scale(depth_scale, "--depth-scale")
    gallery = Gallery(found_files(files, say), ViewOptions(fov, scale), say)
    gallery.check()
    if not gallery.files:
        return SOME_FAILED
    try:
        serve(gallery, server.host, server.port, say, server.browser)
    except KeyboardInterrupt:
        say("stopped")
    return INTERRUPTED
