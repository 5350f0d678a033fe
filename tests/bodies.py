"""Request bodies without a server: what a client sends, an app that reads all of it, and the layers between them."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from artsim.ui.http.routes import middleware

CHUNK = 64 * 1024


class Body:
    """What a client sends, in chunks, and how much of it was taken."""

    def __init__(self, size: int) -> None:
        self.size, self.taken = size, 0

    async def receive(self) -> Message:
        if self.taken == self.size:
            return {"type": "http.request", "body": b"", "more_body": False}
        chunk = bytes(min(CHUNK, self.size - self.taken))
        self.taken += len(chunk)
        return {"type": "http.request", "body": chunk, "more_body": self.taken < self.size}


class Greedy:
    """An app that reads whatever comes, as Gradio does, and answers with how much that was."""

    def __init__(self) -> None:
        self.read = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        ended = False
        while not ended:
            message = await receive()
            ended = message["type"] != "http.request" or not message.get("more_body", False)
            self.read += len(message.get("body", b""))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(self.read).encode()})


def guarded(app: ASGIApp) -> ASGIApp:
    for layer in reversed(middleware()):
        app = layer.cls(app, *layer.args, **layer.kwargs)
    return app


def ask(app: ASGIApp, method: str, path: str, body: Body, headers: dict[str, str], root: str = "") -> tuple[int, str]:
    """Status and text of the answer: what a server would put on the wire."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http", "http_version": "1.1", "method": method, "path": path, "raw_path": path.encode(),
        "root_path": root, "query_string": b"name=a.jpg", "scheme": "http",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items() if value],
        "server": ("127.0.0.1", 7860), "client": ("127.0.0.1", 5000),
    }  # fmt: skip
    asyncio.run(app(scope, body.receive, send))
    assert [message["type"] for message in sent].count("http.response.start") == 1
    assert not sent[-1].get("more_body")
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent).decode()
