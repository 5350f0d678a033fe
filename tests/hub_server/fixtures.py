"""Pytest plugin: one loopback Hub for the whole session, used by every Hub client of this process and its children.

huggingface_hub and datasets read HF_ENDPOINT when they are imported. So this module, which conftest.py lists in
`pytest_plugins`, starts the server and sets the environment at import, before any test module imports a client.
"""

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub_server import HubServer

__all__ = ["hub"]

# Variables that could direct a client elsewhere, or to a cache with other content.
_FOREIGN = ("HF_", "HUGGINGFACE_", "HUGGING_FACE_", "TRANSFORMERS_", "HUB_")


def _start() -> tuple[HubServer, Path]:
    if clients := {"huggingface_hub", "datasets", "transformers"} & set(sys.modules):
        raise RuntimeError(f"{clients} was imported before hub_server.fixtures, so it does not use the loopback Hub.")
    server = HubServer()
    home = Path(tempfile.mkdtemp(prefix="artsim-hub-"))
    for variable in [name for name in os.environ if name.startswith(_FOREIGN)]:
        del os.environ[variable]
    os.environ |= {
        "HF_ENDPOINT": server.url,
        "HF_TOKEN": server.token,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
        "HF_UPDATE_DOWNLOAD_COUNTS": "0",  # else datasets calls s3.amazonaws.com
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }
    return server, home


_SERVER, _HOME = _start()


@atexit.register
def _stop() -> None:
    _SERVER.stop()
    shutil.rmtree(_HOME, ignore_errors=True)


def _clear() -> None:
    """Clear the server, the clients' caches on disk, and the repository cache of the file system client."""
    _SERVER.clear()
    shutil.rmtree(_HOME, ignore_errors=True)
    _HOME.mkdir(exist_ok=True)
    if "huggingface_hub.hf_file_system" in sys.modules:
        sys.modules["huggingface_hub.hf_file_system"].HfFileSystem.clear_instance_cache()


@pytest.fixture
def hub() -> Iterator[HubServer]:
    """An empty loopback Hub. Clients in this process use it with a write token and empty caches."""
    _clear()
    yield _SERVER
    bugs = list(_SERVER.bugs)
    _clear()
    assert not bugs, "The loopback Hub itself failed:\n" + "\n".join(bugs)
