"""Bodies that are slow, never end, or are too many at the same time."""

import asyncio
import time

import pytest
from bodies import CHUNK, Body, Greedy, ask, guarded
from starlette.types import Message

from artsim.ui.http import arrivals
from artsim.ui.http.request_bodies import IN_MEMORY, SMALL

TOOLS = 4 * 2**20
MULTIPART = "multipart/form-data; boundary=x"
JSON = "application/json"
WAYS = [
    ("POST", "/gradio_api/run/suggest", JSON),
    ("POST", "/gradio_api/upload", MULTIPART),
    ("PUT", "/collection/file", "image/jpeg"),
    ("POST", "/gradio_api/mcp/", JSON),
]


class Slow(Body):
    """A body whose chunks take so many seconds each, and that never ends."""

    def __init__(self, chunk: int, seconds: float) -> None:
        super().__init__(10**9)
        self.chunk, self.seconds = chunk, seconds

    async def receive(self) -> Message:
        await asyncio.sleep(self.seconds if self.taken else 0)
        self.taken += self.chunk
        return {"type": "http.request", "body": bytes(self.chunk), "more_body": True}


@pytest.mark.parametrize(("method", "path", "kind"), WAYS)
@pytest.mark.parametrize("seconds", [9, 0.02], ids=["stops", "trickles"])
def test_a_body_that_takes_too_long_is_given_up(
    method: str, path: str, kind: str, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "PAUSE", 0.2)
    started = time.monotonic()
    answer = ask(guarded(Greedy()), method, path, Slow(1, seconds), {"Content-Type": kind})
    assert answer == (408, "The request took too long to arrive.")
    assert time.monotonic() - started < 8


def test_a_large_body_may_take_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "PAUSE", 1.5)
    monkeypatch.setattr(arrivals, "SLOWEST", CHUNK)  # four chunks in 1.8 s are faster
    body = Slow(CHUNK, 0.6)

    async def four() -> Message:
        message = await Slow.receive(body)
        return {**message, "more_body": body.taken < 4 * CHUNK}

    monkeypatch.setattr(body, "receive", four)
    assert ask(guarded(Greedy()), "POST", "/gradio_api/upload", body, {"Content-Type": MULTIPART})[0] == 200


@pytest.mark.parametrize(("path", "kind"), [("/gradio_api/mcp/", JSON), ("/gradio_api/run/suggest", JSON)])
def test_unfinished_bodies_have_a_limit_together_and_a_flood_hits_its_own_visitor(path: str, kind: str) -> None:
    app, most = guarded(Greedy()), IN_MEMORY
    size = (SMALL if "run" in path else TOOLS) - 1
    taken: list[int] = []

    async def flood(address: str, ends: asyncio.Event | None) -> int:
        given = 0

        async def receive() -> Message:
            nonlocal given
            given += 1
            if given == 1:
                return {"type": "http.request", "body": bytes(size), "more_body": True}
            await (asyncio.Event() if ends is None else ends).wait()
            return {"type": "http.request", "body": b"", "more_body": False}

        statuses: list[int] = []

        async def send(message: Message) -> None:
            statuses.append(message.get("status", 0))

        scope = {"type": "http", "http_version": "1.1", "method": "POST", "path": path, "raw_path": path.encode(),
                 "query_string": b"", "headers": [(b"content-type", kind.encode()), (b"transfer-encoding", b"chunked")],
                 "client": (address, 1)}  # fmt: skip
        await app(scope, receive, send)
        return statuses[0]

    async def run() -> None:
        ends = asyncio.Event()
        patient = asyncio.create_task(flood("1.1.1.1", ends))
        await asyncio.sleep(0.01)
        others = [asyncio.create_task(flood("2.2.2.2", None)) for _ in range(2 * most // size)]
        await asyncio.sleep(0.5)
        done = [task for task in others if task.done()]
        taken.append((len(others) - len(done)) * size)
        assert {task.result() for task in done} == {503}
        assert not patient.done()
        ends.set()
        assert await patient == 200
        for task in others:
            task.cancel()

    asyncio.run(run())
    assert most / 2 < taken[0] <= most
