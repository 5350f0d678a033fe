"""The page of a first start: it shows how far the works are embedded, at the address where the search then opens.

Python's own server serves it, as Gradio takes seconds to import and needs a collection to show.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request

from artsim.messages.progress import Progress
from artsim.messages.strings import load_strings
from artsim.ui.assets import assets
from artsim.ui.auth import host_name, is_loopback
from artsim.ui.http.address import AddressError
from artsim.ui.http.response_headers import protect
from artsim.ui.language import language_of
from artsim.ui.settings import Settings, is_space
from artsim.ui.templates import render
from artsim.version import VERSION

_GRADIOS_PORTS = range(7860, 7960)  # Gradio takes the first free one, too
_READ_SECONDS = 10.0  # for a request
_RETRY_SECONDS = 5  # in the answer to what is no browser
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'"
)

log = logging.getLogger(__name__)


@contextmanager
def starting_page(settings: Settings) -> Iterator[Progress]:
    """Serve the page until the block ends; call what it yields with the progress. `AddressError` if no port is free.

    The page answers 503, so that programs wait for the app; it reloads itself when the app answers in its place.
    """
    server = _listen(settings)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="starting", daemon=True)
    thread.start()
    host, port = server.server_address[:2]
    log.info("The page shows the progress: http://%s:%s/", "localhost" if host == "0.0.0.0" else host, port)
    try:
        yield server.report
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    done, total = 0, 0

    def __init__(self, family: socket.AddressFamily, host: str, port: int, settings: Settings) -> None:
        self.address_family, self.settings = family, settings
        super().__init__((host, port), _Handler)

    def report(self, done: int, total: int | None) -> None:
        self.done, self.total = done, total or 0


def _listen(settings: Settings) -> _Server:
    host = (settings.host or ("0.0.0.0" if is_space(os.environ) else "127.0.0.1")).strip("[]")
    family = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0][0]
    for port in _GRADIOS_PORTS if settings.port is None else [settings.port]:
        try:
            return _Server(family, host, port, settings)
        except OSError as error:
            log.debug("The page of the start cannot listen on %s:%s: %s", host, port, error)
    raise AddressError(f"No port is free on {host}; choose one with --port.")


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _READ_SECONDS

    def do_GET(self) -> None:
        """`starting`: the progress as JSON; `healthz`, `readyz`: as of the app; `art/NAME`: scripts and styles; else the page."""
        hosts = self.server.settings.hosts
        name = host_name(f"//{self.headers.get('Host', '')}")
        *_, folder, file = f"/{urlsplit(self.path).path}".split("/")
        if hosts is not None and not is_loopback(name) and name not in hosts:  # as `HostCheck` does for the app
            self._send(421, "text/plain", b"")
        elif file == "starting":
            progress = {"done": self.server.done, "total": self.server.total}
            self._send(200, "application/json", json.dumps(progress).encode())
        elif file in ("healthz", "readyz"):
            status = {"status": "starting", "works": 0, "encoder": "loading", "version": VERSION}
            self._send(200 if file == "healthz" else 503, "application/json", json.dumps(status).encode())
        elif folder == "art" and file in assets():
            self._send(200, assets()[file].media_type, assets()[file].data)
        else:
            self._send(503, "text/html", self._page())

    do_HEAD = do_GET

    def _page(self) -> bytes:
        pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()]
        query = urlsplit(self.path).query.encode("latin-1")
        language = language_of(Request({"type": "http", "headers": pairs, "query_string": query}))
        return render("starting_page.html", load_strings(language)).encode()

    def _send(self, status: int, kind: str, body: bytes) -> None:
        headers = MutableHeaders({"Content-Type": f"{kind}; charset=utf-8", "Content-Length": str(len(body))})
        headers["Cache-Control"] = "no-store"
        protect(headers, _POLICY, " ".join(("'self'", *sorted(self.server.settings.framed_by))))
        if status == 503:
            headers["Retry-After"] = str(_RETRY_SECONDS)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def version_string(self) -> str:
        return "artsim"

    def log_message(self, format: str, *args: object) -> None:
        log.debug(format, *args)
