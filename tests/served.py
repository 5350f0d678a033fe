"""The app served in this process on a free port, over a small collection, for tests of its HTTP interfaces."""

from __future__ import annotations

import asyncio
import dataclasses
import http.server
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app_process import free_port
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client


@contextmanager
def served(collection: Any, folder: Path, **changed: Any) -> Iterator[tuple[str, Any]]:
    """Serve `collection` until the block ends; yield the base URL and the context.

    `changed`: settings that differ from the defaults; metrics are on by default.
    """
    before = os.environ.get("GRADIO_TEMP_DIR")
    os.environ["GRADIO_TEMP_DIR"] = str(folder / "uploads")
    from artsim.messages.strings import load_strings
    from artsim.ui.context import Context
    from artsim.ui.interface import launch_interface
    from artsim.ui.readiness import Readiness
    from artsim.ui.settings import read_settings
    from artsim.ui.thumbnail_cache import Thumbnails

    settings = read_settings(["--port", str(free_port()), "--host", "127.0.0.1"], {"ARTSIM_CACHE": str(folder)})
    context = Context(
        collection=collection,
        thumbnails=Thumbnails(collection, folder),
        readiness=Readiness(collection),
        strings=load_strings(),
        encoder="tiny-clip",
        encoder_reason="as asked",
    )
    interface = launch_interface(context, dataclasses.replace(settings, **{"metrics": True, **changed}))
    try:
        yield interface.local_url, context
    finally:
        interface.close(verbose=False)
        if before is None:
            del os.environ["GRADIO_TEMP_DIR"]
        else:
            os.environ["GRADIO_TEMP_DIR"] = before


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
