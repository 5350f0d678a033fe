"""The app served in this process on a free port, over a small collection, for tests of its HTTP interfaces."""

import argparse
import asyncio
import dataclasses
import http.server
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from app_process import free_port
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from artsim.ui.settings import Settings, add_arguments, settings_from


def settings_of(*arguments: str, **environ: str) -> Settings:
    """The settings that the command line and the environment give."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return settings_from(parser.parse_args(arguments), environ)


def context_over(collection: Any, folder: Path) -> Any:
    """The context of an app over `collection`, with its thumbnails in `folder`."""
    from artsim.messages.strings import load_strings
    from artsim.ui.context import Context
    from artsim.ui.readiness import Readiness
    from artsim.ui.thumbnail_cache import Thumbnails

    thumbnails, readiness = Thumbnails(collection, folder), Readiness(collection)
    return Context(collection, thumbnails, readiness, load_strings(), "tiny-clip", "as asked")


@contextmanager
def served(collection: Any, folder: Path, **changed: Any) -> Iterator[tuple[str, Any]]:
    """Serve `collection` until the block ends; yield the base URL and the context.

    `changed`: settings that differ from the defaults; metrics are on by default.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder / "uploads"))
        from artsim.ui.interface import launch_interface

        settings = settings_of("--port", str(free_port()), "--host", "127.0.0.1", ARTSIM_CACHE=str(folder))
        context = context_over(collection, folder)
        interface = launch_interface(context, dataclasses.replace(settings, **{"metrics": True, **changed}))
        try:
            yield interface.local_url, context
        finally:
            interface.close(verbose=False)


def in_session(address: str, use: Callable[[ClientSession], Any]) -> Any:
    """What `use` returns in a session of the real MCP client with the app at `address`."""

    async def run() -> Any:
        server = streamable_http_client(f"{address}gradio_api/mcp/")
        async with server as (read, write, *_), ClientSession(read, write) as session:
            await session.initialize()
            return await use(session)

    return asyncio.run(run())


@contextmanager
def listening() -> Iterator[tuple[str, Sequence[str]]]:
    """A server that answers every request with 404; yield its base URL and the list of requested paths."""
    paths: list[str] = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_error(404)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", paths
    finally:
        server.shutdown()
        server.server_close()
