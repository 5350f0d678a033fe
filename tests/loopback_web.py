"""A web server on loopback that answers what a test says."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import Message

from hub_server.calls import Answer
from hub_server.http import LoopbackHttp


@contextmanager
def serving(answer: Callable[[str], Answer], host: str = "127.0.0.1") -> Iterator[tuple[str, list[str]]]:
    """Serve `answer(path)`; yields the address of the server, and the paths that it is asked for, in order."""
    asked: list[str] = []

    def respond(method: str, target: str, headers: Message, body: bytes) -> tuple[Answer, int]:
        asked.append(target)
        said = answer(target)
        return said, len(said.body)

    server = LoopbackHttp(respond, host)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://{host}:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
