"""Files of Milvus Lite for tests, each closed when its test is over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("milvus_lite", reason="needs requirements-scale.txt")


@contextmanager
def lite_file(path: Path) -> Iterator[str]:
    """The path of a new file, which Milvus Lite serves from this process until the end."""
    from milvus_lite.server_manager import server_manager_instance

    try:
        yield str(path)
    finally:
        server_manager_instance.release_server(str(path))
