"""A user's program: mypy checks it strictly, and nobody runs it."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Literal, assert_type

import numpy as np
import torch
from PIL import Image

import ppdcli


def use(path: Path, image: Image.Image, pixels: np.ndarray, tensor: torch.Tensor) -> None:
    model = ppdcli.load("ppd-tiny", device="cpu", metric=True)
    assert_type(model, ppdcli.Predictor)
    assert_type(model.predict(str(path), steps=4), ppdcli.DepthMap)
    model.predict(path)
    model.predict(path.read_bytes())
    with path.open("rb") as stream:
        model.predict(stream)
    model.predict(image)
    model.predict(pixels)
    model.predict(tensor)
    assert_type(model.predict_batch([path, image, pixels, tensor]), list[ppdcli.DepthMap])
    model.predict_batch(tensor)
    photo = ppdcli.load_photo(tensor)
    assert_type(photo, ppdcli.Photo)
    depth = model.predict(photo)
    assert_type(depth.shape, tuple[int, int])
    assert_type(depth.unit, Literal["m", "relative"])
    assert_type(np.asarray(depth).ndim, int)
    for metric in (
        depth.to_metric(near_far=(0.5, 20)),
        depth.to_metric(known=[(1, 2, 3.0), (4, 5, 6.0), (7, 8, 9.0)]),
        depth.to_metric(known=path, scale="mm"),
        depth.to_metric(moge2=model),
    ):
        assert_type(metric, ppdcli.DepthMap)
        metric.full_size().save("depth.exr")
    camera = ppdcli.Camera.from_fov(60, 640, 480)
    cloud = depth.to_pointcloud(camera=camera, edge_clean=True)
    assert_type(cloud, ppdcli.PointCloud)
    depth.to_pointcloud(camera=(500, 500, 319.5, 239.5))
    depth.to_pointcloud(pixels, path)
    depth.to_pointcloud(fov=60, normals=True)
    assert_type(cloud.normals, np.ndarray | None)
    cloud.save(path.with_suffix(".ply"))
    cloud.to_open3d()
    assert_type(ppdcli.read_depth("depth.png", scale="mm"), ppdcli.DepthMap)


def use_many(model: ppdcli.Predictor, paths: list[Path]) -> None:
    depths = model.predict_many(paths, seed=1)
    assert_type(depths, Generator[ppdcli.DepthMap, None, None])
    names = model.predict_many(paths, lambda depth: depth.unit, metric=True)
    assert_type(names, Generator[Literal["m", "relative"], None, None])
    for result in model.predict_many(paths, on_error="yield"):
        if isinstance(result, ppdcli.PpdError):
            print(result)
        else:
            assert_type(result, ppdcli.DepthMap)
    model.predict_many((path.read_bytes() for path in paths), on_error="raise")


def mistakes(model: ppdcli.Predictor) -> None:
    model.predict(3)  # type: ignore[arg-type]
    model.predict("a.jpg").to_metric(near_far=3)  # type: ignore[arg-type]
    model.predict("a.jpg").to_pointcloud(camera=60)  # type: ignore[arg-type]
    ppdcli.read_depth("a.png", scale="inch")  # type: ignore[arg-type]
    model.predict_many(["a.jpg"], on_error="skip")  # type: ignore[call-overload]
