"""A Milvus server, or a file of Milvus Lite: its address, and calls that wait for it and fail in one sentence.

pymilvus sends a call again, after growing pauses, if it could not be sent; artsim does if the deadline has passed.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from artsim.errors import CollectionError
from artsim.web.retries import retrying

URI = "ARTSIM_MILVUS_URI"
"""Variable: the server of collections that name one. A collection may be a stranger's, so what it names is not used by itself."""
TOKEN = "ARTSIM_MILVUS_TOKEN"
"""Variable: `user:password`, or a token, for the server in `URI` alone."""
T = TypeVar("T")
_OLDEST = (2, 5)  # of servers: fields may be empty
ANSWER_S = 5.0  # of an attempt
LONG_S = 600.0  # for what takes a server minutes: loading, flushing
_RETRIES, _FIRST_WAIT_S = 2, 0.5
_named: set[str] = set()


def check_uri(uri: str) -> str:
    """`uri`, if it is an address of a server, `http://HOST:PORT` or https, or a path that ends with .db.

    Raises `CollectionError` otherwise, and if a password is in it.
    """
    if is_file(uri):
        return uri
    try:
        address = urlsplit(uri)
        valid = address.scheme in ("http", "https") and bool(address.hostname) and (address.port or 1) > 0
    except ValueError:
        valid = False
    if not valid:
        raise CollectionError(
            f"{uri!r} is no address of Milvus: give http://HOST:19530, https://HOST, or a file of Milvus Lite, FILE.db."
        )
    if address.username is not None:
        raise CollectionError(
            f"The address of Milvus must hold no password, as the collection keeps it: give it as {TOKEN}=user:password, "
            f"and the address without it as {URI}."
        )
    return uri


def name_server(uri: str) -> None:
    """Let this process use `uri`, as its user has named it, see `check_uri`."""
    _named.add(check_uri(uri))


def is_file(uri: str) -> bool:
    """Whether `uri` is a file of Milvus Lite."""
    return "://" not in uri and uri.endswith(".db") and uri != ".db"


def stored_uri(uri: str, folder: Path) -> str:
    """`uri` as the manifest in `folder` keeps it: a file by its path from there, so that both may be moved together."""
    return Path(os.path.relpath(Path(uri).expanduser().resolve(), folder)).as_posix() if is_file(uri) else uri


def located_uri(uri: str, folder: Path) -> str:
    """`uri` of the manifest in `folder`, as this process reaches it. `CollectionError` for a server that nobody named."""
    if is_file(uri):
        return str((folder / uri).resolve())
    chosen = os.environ.get(URI, "").strip() or (uri if uri in _named else "")
    if not chosen:
        raise CollectionError(
            f"{folder} is searched on the Milvus server {uri}. If you know that server, set {URI}={uri}."
        )
    return check_uri(chosen)


class MilvusServer:
    """Calls of pymilvus's client, which connects with the first. Every call raises `CollectionError` if it fails."""

    def __init__(self, uri: str) -> None:
        self.uri = uri

    def call(self, method: str, *arguments: Any, timeout: float = ANSWER_S, **options: Any) -> Any:
        """`MilvusClient.method(...)`, tried again while the server cannot be reached; an attempt takes `timeout` seconds at most.

        Milvus Lite has `LONG_S` always: it runs in this process, so it is never lost, and the first call reads the whole file.
        Only for calls that may be repeated.
        """
        call, limit = getattr(self._client, method), LONG_S if is_file(self.uri) else timeout
        return self._tried(lambda: call(*arguments, timeout=limit, **options))

    def _tried(self, call: Callable[[], T]) -> T:
        import grpc
        from pymilvus import MilvusException

        try:
            return retrying(_is_lost, retries=_RETRIES, first_wait=_FIRST_WAIT_S)(call)
        except (MilvusException, grpc.RpcError, grpc.FutureTimeoutError) as error:
            raise self._failed(error) from error

    @cached_property
    def _client(self) -> Any:
        try:
            import grpc  # noqa: F401
            import pymilvus

            if is_file(self.uri):
                import milvus_lite  # noqa: F401  # pymilvus starts it
        except ImportError as error:
            raise CollectionError(
                f"Milvus needs packages that are not installed ({error.name}): pip install -r requirements-scale.txt, or "
                "pip install artsim[scale]."
            ) from error
        for name in ("pymilvus", "milvus_lite", "grpc"):  # they log with a traceback what they raise
            logging.getLogger(name).setLevel(logging.CRITICAL)
        token = os.environ.get(TOKEN, "") if self.uri == os.environ.get(URI, "").strip() else ""
        client = self._tried(lambda: pymilvus.MilvusClient(self.uri, token=token, timeout=ANSWER_S))
        version = str(self._tried(lambda: client.get_server_version(timeout=ANSWER_S)))
        numbers = re.match(r"v?(\d+)\.(\d+)", version)
        if numbers is not None and tuple(map(int, numbers.groups())) < _OLDEST:
            raise CollectionError(
                f"The Milvus server at {self.uri} is version {version}; artsim needs {'.'.join(map(str, _OLDEST))} or newer."
            )
        return client

    def _failed(self, error: Exception) -> CollectionError:
        reason = " ".join(str(getattr(error, "message", "") or error).split())
        if is_file(self.uri):
            return CollectionError(
                f"{self.uri} cannot be used by Milvus Lite ({reason}). It serves one process at a time: close the other, or "
                "use a server. A file that is of something else, or damaged, is made anew by: python -m artsim build."
            )
        if _status(error) in ("UNAUTHENTICATED", "PERMISSION_DENIED") or "auth check failure" in reason:
            return CollectionError(
                f"The Milvus server at {self.uri} refuses access: set {URI}={self.uri} and {TOKEN}=user:password."
            )
        return CollectionError(
            f"The Milvus server at {self.uri} does not answer as it should ({reason[:300]}). Start it, or correct the "
            f"address: --index milvus:URI, or {URI}=URI."
        )


def _status(error: BaseException) -> str:
    """The name of the gRPC status of an error; "" if it has none."""
    code = getattr(error, "code", None)
    return getattr(code() if callable(code) else code, "name", "")


def _is_lost(error: BaseException) -> bool:
    return _status(error) in ("UNAVAILABLE", "DEADLINE_EXCEEDED") or "Fail connecting" in str(error)


@cache
def server_at(uri: str) -> MilvusServer:
    """The one connection of this process to `uri`."""
    return MilvusServer(uri)
