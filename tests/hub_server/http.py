"""The HTTP/1.1 server of the loopback Hub and of the museum of the NGA tests, with keep-alive."""

import sys
import threading
from collections.abc import Callable
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from hub_server.calls import Answer

# method, target, headers, body -> the answer (None: hang up) and how many bytes of its body to send
Respond = Callable[[str, str, Message, bytes], tuple[Answer | None, int]]


class LoopbackHttp(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, respond: Respond, host: str = "127.0.0.1"):
        self.respond = respond
        super().__init__((host, 0), Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore lost connections, as tests cut them on purpose; print any other error."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # sends headers and body together
    disable_nagle_algorithm = True
    server: LoopbackHttp

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer, sent = self.server.respond(self.command, self.path, self.headers, body)
        if answer is None:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if answer.pause and self.command != "HEAD":
            for byte in answer.body[:sent]:
                self.wfile.flush()
                threading.Event().wait(answer.pause)  # time.sleep is shortened by some tests
                self.wfile.write(bytes([byte]))
        else:
            self.wfile.write(answer.body[:sent])
        self.wfile.flush()
        if sent < len(answer.body) and self.command != "HEAD":
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _serve

    def log_message(self, format: str, *args: Any) -> None:
        """Disabled: requests are recorded, not printed."""
