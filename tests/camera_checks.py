"""What tests of camera files compare."""

from ppdcli.files.cameras.camera_file import ImageCamera


def pinhole(found: ImageCamera) -> tuple[float, float, float, float]:
    assert found.distortion is None
    return found.camera.fx, found.camera.fy, found.camera.cx, found.camera.cy
