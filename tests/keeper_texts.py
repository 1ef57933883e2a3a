"""Sound texts of the kinds that ppd keeps or is given."""

from __future__ import annotations

MOGE2 = {
    "encoder": {"backbone": "dinov2_vits14", "intermediate_layers": 4, "dim_out": 32},
    "neck": {
        "dim_in": [34, 2, 2, 2, 2],
        "dim_res_blocks": [32, 32, 32, 32, 32],
        "dim_out": [32, 32, 32, 32, 32],
        "resamplers": ["bilinear"] * 4,
    },
    "points_head": {
        "dim_in": [32] * 5,
        "dim_res_blocks": [32] * 5,
        "dim_out": [None, None, None, None, 3],
        "resamplers": "bilinear",
    },
    "scale_head": {"dims": [384, 1]},
    "remap_output": "exp",
    "num_tokens_range": [1200, 2500],
}
CATALOGUE = """
[files.mine]
repository = "owner/name"
file = "sub/mine.safetensors"
license = "MIT"
terms = "for everybody"
bytes = 1000
sha256 = "{}"
revision = "{}"
[files.other]
get = "https://example.org/other"
file = "other.pth"
license = "CC-BY-NC-4.0"
[models.mine-da2]
summary = "a model"
family = "da2"
area = [640, 480]
steps = 4
draft = 2
network = "mine"
encoder = "other"
needs = "a card"
""".format("a" * 64, "b" * 40)
RECIPE = """
seed = 3
minutes = 5
scenes = { primitives = 0.5, furnished = 0.5 }
encoder = { lateral = 8, context = 8 }
diffusion = { hidden_size = 32, depth = 2, num_heads = 2, patch_size = 4, predicts = "x0" }
[card]
note = "a text"
[rates]
pyramid = { highest = 1e-3 }
diffusion = { highest = 1e-3, warmup = 5, ema = 0.9 }
[[phases]]
share = 0.5
trains = ["pyramid"]
batch = 4
gpu_batch = 8
areas = [1024, 2048]
gradient_weight = 0.5
[[phases]]
share = 0.5
trains = ["diffusion"]
batch = 4
gpu_batch = 8
areas = [1024]
"""
