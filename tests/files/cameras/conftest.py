"""What all tests of camera files need."""

import json
from pathlib import Path

import pytest


@pytest.fixture
def write(tmp_path: Path):
    """Writes a file, by default under a name that says nothing, and gives its path."""

    def put(content: str | bytes | dict, name: str = "file") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        text = json.dumps(content) if isinstance(content, dict) else content
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return put
