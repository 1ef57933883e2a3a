"""Depth of a video, frame by frame, as a video of previews.

    python examples/video_frames.py VIDEO OUTPUT.avi

Each frame is predicted by itself, so depth may flicker a little.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

import ppdcli


def frames(video: cv2.VideoCapture) -> Iterator[np.ndarray]:
    while True:
        there, bgr = video.read()
        if not there:
            return
        yield bgr[..., ::-1]  # RGB


def main(source: Path, output: Path) -> None:
    video = cv2.VideoCapture(str(source))
    rate = video.get(cv2.CAP_PROP_FPS) or 25.0
    writer: cv2.VideoWriter | None = None
    model = ppdcli.load("ppd-tiny")
    count = 0
    # The frames are read ahead in bounded memory, however long the video is.
    for depth in model.predict_many(frames(video), lambda depth: depth.full_size()):
        picture = depth.preview(value_range=(0, 1))  # the same colours for all frames
        if writer is None:
            height, width = depth.shape
            code = cv2.VideoWriter.fourcc(*"MJPG")
            writer = cv2.VideoWriter(str(output), code, rate, (width, height))
        writer.write(np.ascontiguousarray(picture[..., ::-1]))
        count += 1
    if writer is None:
        sys.exit(f"{source}: OpenCV reads no frame of it")
    writer.release()
    print(f"{count} frames -> {output}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
