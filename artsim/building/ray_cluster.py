"""Ray clusters: one of its own on this machine, which nobody else can reach, or one that runs already."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from artsim.encoders.runtime import usable_cores
from artsim.errors import CollectionError

_ROOT = Path(__file__).resolve().parents[2]  # where the package artsim is
_TIMEOUT_S = 10.0  # for an address to answer
_STORE_BYTES = 1_000_000_000  # of pictures that wait for a worker; what is more goes to disk
AUTO = "auto"

_SILENT = {"RAY_USAGE_STATS_ENABLED": "0"}
"""Nothing is reported to Ray's makers."""


def check_ray(address: str | None) -> None:
    """`CollectionError` if Ray is not installed, or `address` is neither None, "auto" nor HOST:PORT."""
    if find_spec("ray") is None:
        raise CollectionError("Ray is not installed. Run: pip install -r requirements-scale.txt")
    if address in (None, AUTO):
        return
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise CollectionError(
            f"{address!r} is no address of a Ray cluster; write ray for this machine, ray:auto or ray:HOST:PORT."
        )


@contextmanager
def connected(address: str | None, *, cores: int | None = None) -> Iterator[Any]:
    """The module `ray`, connected to the cluster at `address`, or, if None, to one that lives as long as this block.

    A program that is connected already stays so. `cores`: how many a cluster of its own has (default: those of this process).
    Raises `CollectionError`.
    """
    check_ray(address)
    with _environment(_SILENT if address else {**_SILENT, **_own()}):
        import ray  # reads the environment

        if ray.is_initialized():
            yield ray
            return
        with tempfile.TemporaryDirectory(prefix="artsim-ray-", ignore_cleanup_errors=True) as folder:
            options: dict[str, Any] = {"address": address}
            if address is None:
                options = {
                    "address": "local",
                    "num_cpus": cores or usable_cores(),
                    "include_dashboard": False,
                    "object_store_memory": _STORE_BYTES,
                    "_temp_dir": folder,
                }
            _connect(ray, address, options)
            try:
                yield ray
            finally:
                ray.shutdown()


def _connect(ray: Any, address: str | None, options: Mapping[str, Any]) -> None:
    if address not in (None, AUTO):
        _check_answers(str(address))
    try:
        ray.init(**options, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # of any kind: versions that differ, no cluster, no memory
        reason = " ".join(str(error).split())[:300]
        where = "on this machine" if address is None else f"at {address}"
        raise CollectionError(f"Ray does not start {where} ({reason}).") from error


def _check_answers(address: str) -> None:
    """`CollectionError` if nothing listens at `address`: Ray itself would try for minutes, and then end the process."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_TIMEOUT_S).close()
    except OSError as error:
        raise CollectionError(
            f"No Ray cluster answers at {address} ({error.strerror or error}). Start one there: ray start --head"
        ) from error


@cache  # Ray reads it once in a process
def _own() -> dict[str, str]:
    """The environment of a cluster of its own: on the loopback interface, with a secret, as who reaches it runs code there."""
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    secret = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    return {
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # Ray listens on 127.0.0.1 then, on every system
        "PYTHONPATH": os.pathsep.join(paths),  # a clone is not installed
        **({} if "ray" in sys.modules else secret),  # a program that has imported Ray without a secret stays without
    }


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Environment variables of this block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
