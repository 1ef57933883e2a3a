"""Names of the sets for help pages. This module imports nothing."""

SETS = {
    "nyuv2": "NYUv2, 654 labelled indoor images of a Kinect",
    "kitti": "KITTI, 652 street images of the Eigen test split with annotated LiDAR",
    "eth3d": "ETH3D, 454 photos of a camera with laser scans, indoors and outdoors",
    "scannet": "ScanNet, 800 sampled indoor images of a depth camera",
    "diode": "DIODE, 771 validation images with laser scans, indoors and outdoors",
    "hypersim": "Hypersim, rendered rooms with exact depth and a camera",
}
"""Name on the command line: one line of description, in the order of the paper's table."""
