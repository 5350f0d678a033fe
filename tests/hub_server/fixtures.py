"""Pytest plugin: one loopback Hub for the whole session, used by every Hub client of this process.

huggingface_hub and datasets read HF_ENDPOINT when they are imported. So this module, which conftest.py lists in
`pytest_plugins`, starts the server and sets the environment at import, before any test module imports a client.
Tests then call the real clients in this process (`hub`), which saves their start-up; tests of other settings
that are read at import, such as HF_HUB_OFFLINE, run a child process (`hub_env` and `run_python`).
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
from hub_server.client import client_environment, hub_variables, is_foreign, run_python

__all__ = ["hub", "hub_env", "run_python"]


def _start() -> tuple[HubServer, Path]:
    clients = [name for name in ("huggingface_hub", "datasets", "transformers") if name in sys.modules]
    if clients:
        raise RuntimeError(
            f"{', '.join(clients)} was imported before tests/hub_server/fixtures.py, so it reads the endpoint "
            f"{os.environ.get('HF_ENDPOINT', 'https://huggingface.co')} and not the loopback Hub. "
            "Keep Hub clients out of the top of conftest.py, and list hub_server.fixtures first in pytest_plugins."
        )
    server = HubServer().start()
    home = Path(tempfile.mkdtemp(prefix="artsim-hub-"))
    for variable in [name for name in os.environ if is_foreign(name)]:
        del os.environ[variable]
    os.environ.update(hub_variables(server, home))
    return server, home


_SERVER, _HOME = _start()


@atexit.register
def _stop() -> None:
    _SERVER.stop()
    shutil.rmtree(_HOME, ignore_errors=True)


def _clear() -> None:
    """Clear the server, the clients' caches on disk, and the repository cache of the file system client."""
    _SERVER.clear()
    for entry in _HOME.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
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


@pytest.fixture
def hub_env(hub: HubServer, tmp_path: Path) -> dict[str, str]:
    """The environment for a child process that talks to `hub`, with separate caches; for `run_python`."""
    return client_environment(hub, tmp_path / "hf_home")
