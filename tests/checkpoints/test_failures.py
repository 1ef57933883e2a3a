"""What is said when a file cannot be had: the file, what it is for, and the way on."""

import pytest

from ppdcli.checkpoints import catalog, hub
from ppdcli.errors import CheckpointError

pytest_plugins = ["hub_fixtures"]
pytestmark = pytest.mark.usefixtures("folders")


def test_without_the_file_for_metres_the_way_on_is_to_do_without_metric() -> None:
    metric = catalog.model("ppd-da2").metric
    assert metric is not None
    for name in ("ppd-da2", "ppd-tiny"):
        with pytest.raises(CheckpointError) as error:
            hub.fetch(catalog.model(name), metric, True, lambda line: None)
        assert str(error.value) == (
            "Ruicheng/moge-2-vitl-normal/model.pt for metres: not on this machine, and offline "
            "is set; get it by hand and run `ppd weights import FILE --as moge2-vitl`, or "
            "do without metres"
        )
    model = catalog.model("ppd-moge2")
    line = r"model\.pt of ppd-moge2: .*, or use the model ppd-tiny"
    with pytest.raises(CheckpointError, match=line):
        hub.fetch(model, metric, True, lambda line: None)  # there it is the encoder, too
