"""No one makes the server hold a long body: asked of every way in, with a length, without one, and with a wrong one."""

import json
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from bodies import CHUNK, Body, Greedy, ask, guarded
from gradio.utils import get_upload_folder
from owners import HERE, context_of, headers_of
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from artsim.ui.auth import Owner
from artsim.ui.http.routes import extra_routes, middleware

MEGABYTE = 2**20
SMALL = 256 * 1024
UPLOAD = 30 * MEGABYTE
FORM = 64 * 1024  # around an upload
TOOLS = 4 * MEGABYTE
FAR_TOO_MUCH = 64 * MEGABYTE
MULTIPART = "multipart/form-data; boundary=x"
JSON = "application/json"

FIELDS = "application/x-www-form-urlencoded"

SMALL_ONES = [  # in every way almost one of the large ones, or read as a whole by Gradio or Starlette
    ("POST", "/gradio_api/run/search_by_work", JSON),
    ("POST", "/gradio_api/queue/join", "Application/JSON; charset=utf-8"),
    ("POST", "/gradio_api/component_server", JSON),
    ("POST", "/gradio_api/upload/", JSON),
    ("POST", "/gradio_api/Upload", JSON),
    ("POST", "/gradio_api/upload/../queue/join", JSON),
    ("POST", "/gradio_api/x/gradio_api/upload", JSON),
    ("POST", "/gradio_api/mcp/sse", JSON),
    ("POST", "/collection/file", JSON),
    ("POST", "/collection/login", FIELDS),
    ("POST", "/download.csv", FIELDS),
]
NO_BODY = [
    ("PUT", "/gradio_api/upload", MULTIPART),
    ("POST", "//gradio_api/upload", MULTIPART),
    ("PUT", "/collection/file/", ""),
    ("POST", "/collection/file/", JSON),
    ("POST", "/nowhere", JSON),
    ("GET", "/", MULTIPART),
    ("WHATEVER", "/gradio_api/queue/join", JSON),
]
OTHER_KINDS = [
    ("POST", "/gradio_api/run/search_by_work", MULTIPART),
    ("POST", "/gradio_api/queue/join", ""),
    ("POST", "/gradio_api/upload", JSON),
    ("POST", "/gradio_api/upload", "multipart/form-data-not"),
    ("POST", "/gradio_api/mcp/", MULTIPART),
    ("POST", "/collection/login", MULTIPART),
    ("POST", "/collection/remove", "text/plain"),
    ("POST", "/download.csv", JSON),
]
LARGE_ONES = [
    ("POST", "/gradio_api/upload", MULTIPART, UPLOAD + FORM),
    ("POST", "/gradio_api/upload", "Multipart/Form-Data; boundary=x", UPLOAD + FORM),
    ("PUT", "/collection/file", "image/jpeg", UPLOAD),
    ("PUT", "/collection/file", "", UPLOAD),
    ("POST", "/gradio_api/mcp/", JSON, TOOLS),
    ("POST", "/gradio_api/mcp", JSON + "; charset=utf-8", TOOLS),
    ("POST", "/gradio_api/mcp/messages/", JSON, TOOLS),
]
lengths = pytest.mark.parametrize("length", ["declared", "chunked", "wrong"])


def headers_for(kind: str, length: str, size: int) -> dict[str, str]:
    said = {"declared": str(size), "chunked": "", "wrong": "10"}[length]
    framing = {"Content-Length": said} if said else {"Transfer-Encoding": "chunked"}
    return {"Content-Type": kind, "Host": "127.0.0.1:7860", **framing}


# --- The limits --------------------------------------------------------------------------------------------------------


@lengths
@pytest.mark.parametrize(("method", "path", "kind", "most"), [
    *((*way, SMALL) for way in SMALL_ONES), *((*way, 0) for way in NO_BODY), *LARGE_ONES,
])  # fmt: skip
def test_what_is_longer_than_the_limit_is_refused_on_every_path_and_the_rest_arrives(
    method: str, path: str, kind: str, most: int, length: str
) -> None:
    app, body = Greedy(), Body(FAR_TOO_MUCH if most <= SMALL else most + 1)
    status, said = ask(guarded(app), method, path, body, headers_for(kind, length, body.size))
    assert (status, said) == (413, f"The request is longer than {most} bytes.")
    assert body.taken <= (0 if length == "declared" else most + CHUNK)
    assert app.read <= (0 if most <= SMALL else most)
    if most or length != "wrong":
        headers = headers_for(kind, length, most)
        assert ask(guarded(Greedy()), method, path, Body(most), headers) == (200, str(most))


@pytest.mark.parametrize("length", ["declared", "chunked"])
def test_a_body_of_another_type_or_a_compressed_one_is_refused_unread(length: str) -> None:
    refused = [(way, {}) for way in OTHER_KINDS]
    refused += [(way[:3], {"Content-Encoding": "gzip"}) for way in (*SMALL_ONES, *LARGE_ONES)]
    for (method, path, kind), more in refused:
        body = Body(1000)
        status, said = ask(guarded(Greedy()), method, path, body, headers_for(kind, length, 1000) | more)
        assert status == 415 and said.startswith("The body of "), (path, kind)
        assert body.taken == 0


def test_the_limits_are_documented() -> None:
    documented = (Path(__file__).parents[3] / "docs" / "http.md").read_text(encoding="utf-8")
    assert [most for most in (SMALL, UPLOAD, UPLOAD + FORM, TOOLS) if f"| {most:,}" not in documented] == []


def test_below_a_path_of_a_proxy_the_limits_are_the_same() -> None:
    headers = headers_for(MULTIPART, "chunked", 0)
    for path in ("/art/gradio_api/upload", "/gradio_api/upload"):  # as routing takes both
        assert ask(guarded(Greedy()), "POST", path, Body(MEGABYTE), headers, root="/art")[0] == 200
    for path, status in (("/art/gradio_api/queue/join", 415), ("/art/art/gradio_api/upload", 413), ("/art", 413)):
        assert ask(guarded(Greedy()), "POST", path, Body(MEGABYTE), headers, root="/art")[0] == status


@pytest.mark.parametrize("begun", [False, True])
def test_an_app_that_tells_its_own_story_of_the_end_is_not_heard(begun: bool) -> None:
    async def story(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            while True:
                await receive()
        except ClientDisconnect:
            await send({"type": "http.response.start", "status": 400, "headers": []})
            await send({"type": "http.response.body", "body": b"broken"})
        if begun:
            raise RuntimeError("and then some")

    body = Body(FAR_TOO_MUCH)
    assert ask(guarded(story), "POST", "/gradio_api/mcp/", body, {"Content-Type": JSON})[0] == 413
    assert body.taken <= TOOLS + CHUNK


def test_what_goes_wrong_for_another_reason_is_still_heard_of() -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        ask(guarded(broken), "PUT", "/collection/file", Body(1), {})


# --- The owner's files -------------------------------------------------------------------------------------------------


@pytest.fixture
def owned(copy: Path, tmp_path: Path, clip: Any) -> Starlette:
    """The app with the owner's page, whose owner is at this machine."""
    context = context_of(copy, tmp_path / "cache", Owner(None))
    context.collection.encoders.given[str(clip.id)] = clip
    return Starlette(routes=extra_routes(context), middleware=middleware())


@pytest.mark.parametrize("size", [1000, FAR_TOO_MUCH])
@lengths
def test_a_file_that_is_not_the_owners_is_refused_unread(owned: Starlette, size: int, length: str) -> None:
    body = Body(size)
    headers = {**headers_for("image/jpeg", length, size), "Host": "evil.example"}
    status, _ = ask(owned, "PUT", "/collection/file", body, headers)
    assert status == (413 if length == "declared" and size > UPLOAD else 403)
    assert body.taken == 0


def test_a_file_of_the_owners_arrives_at_its_full_size_and_no_longer(owned: Starlette) -> None:
    client = TestClient(owned, base_url=HERE)
    client.headers.update(headers_of(client))
    assert client.post("/collection/begin", json={}).status_code == 200
    address = "/collection/file?name=large.jpg&size=1"
    answer = client.put(address, content=bytes(UPLOAD + 1))
    assert (answer.status_code, answer.text) == (413, f"The request is longer than {UPLOAD} bytes.")
    assert client.put(address, content=bytes(UPLOAD)).status_code == 200
    assert client.get("/collection/state").json()["intake"]["received"] == 1
    assert client.post("/collection/cancel", json={"more": "x" * SMALL}).status_code == 413
    assert client.post("/collection/cancel", json={"more": "x" * 200_000}).status_code == 200


# --- The app as it is served -------------------------------------------------------------------------------------------


def talk(address: str, path: str, framing: str, *pieces: bytes, kind: str) -> tuple[str, int]:
    """What the app answers over a socket, as far as it came, and how many bytes it took before it stopped taking any."""
    at = urlsplit(address)
    head = f"POST {path} HTTP/1.1\r\nHost: {at.netloc}\r\nContent-Type: {kind}\r\n{framing}\r\n\r\n"
    sent, heard = 0, b""
    with socket.create_connection((at.hostname, at.port), timeout=20) as line:
        with suppress(ConnectionError):  # it was told to stop
            line.sendall(head.encode())
            for piece in pieces:
                line.sendall(piece)
                sent += len(piece)
        with suppress(ConnectionError):
            while b"bytes." not in heard and (more := line.recv(CHUNK)):
                heard += more
    return heard.decode(), sent


@pytest.mark.parametrize(("path", "most"), [("/gradio_api/%71ueue/join", SMALL), ("/nowhere", 0)])
def test_the_app_takes_no_long_body_and_waits_for_none(address: str, path: str, most: int) -> None:
    answer, _ = talk(address, path, "Content-Length: 300000000", kind=JSON)
    assert answer.startswith("HTTP/1.1 413 ")
    assert answer.endswith(f"The request is longer than {most} bytes.")
    start = b'--x\r\nContent-Disposition: form-data; name="data"\r\n\r\n'
    endless = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (start, *[bytes(CHUNK)] * (FAR_TOO_MUCH // CHUNK))]
    answer, sent = talk(address, path, "Transfer-Encoding: chunked", *endless, kind=JSON)
    assert answer.startswith("HTTP/1.1 413 ") or answer == ""  # it may be cut off before the client reads
    assert sent < 16 * MEGABYTE  # what fits into the buffers of two sockets is sent, and not taken


def test_an_upload_of_the_full_size_is_taken_and_a_longer_one_is_not_kept(address: str) -> None:
    def upload(*sizes: int) -> httpx.Response:
        files = [("files", (f"{number}.jpg", bytes(size))) for number, size in enumerate(sizes)]
        return httpx.post(f"{address}gradio_api/upload", files=files, timeout=60)

    [path] = upload(UPLOAD).json()
    assert Path(path).stat().st_size == UPLOAD
    Path(path).unlink()
    before = {*Path(get_upload_folder()).iterdir()}
    assert upload(UPLOAD + 1).status_code == 413  # Gradio's own limit
    assert upload(UPLOAD, UPLOAD).text == f"The request is longer than {UPLOAD + FORM} bytes."
    assert {*Path(get_upload_folder()).iterdir()} == before


def test_an_upload_is_files_alone_and_not_many(address: str) -> None:
    """A field is held in memory, with a copy of it for every chunk; a file is one that is open, however small."""
    upload, before = f"{address}gradio_api/upload", {*Path(get_upload_folder()).iterdir()}
    field = httpx.post(upload, data={"data": "x" * MEGABYTE}, files={"files": b"picture"}, timeout=60)
    many = httpx.post(upload, files=[("files", b"picture")] * 13, timeout=60)
    assert [answer.status_code for answer in (field, many)] == [400, 400]
    assert {*Path(get_upload_folder()).iterdir()} == before


def test_an_upload_that_breaks_off_leaves_nothing_on_disk(address: str) -> None:
    at, before = urlsplit(address), {*Path(get_upload_folder()).iterdir()}
    head = f"POST /gradio_api/upload HTTP/1.1\r\nHost: {at.netloc}\r\nContent-Type: {MULTIPART}\r\nContent-Length: 9999\r\n"
    start = '--x\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\nthe start of it'

    def there() -> set[Path]:
        return {*Path(get_upload_folder()).iterdir()} - before

    def comes_true(question: Callable[[], object]) -> bool:
        return any(question() or time.sleep(0.05) for _ in range(2400))

    with socket.create_connection((at.hostname, at.port), timeout=20) as line:
        line.sendall(f"{head}\r\n{start}".encode())
        assert comes_true(there)
    assert comes_true(lambda: not there())


def test_a_tool_takes_as_much_as_its_protocol_does(address: str) -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": "describe_collection", "arguments": {}}}  # fmt: skip
    headers = {"Content-Type": JSON, "Accept": f"{JSON}, text/event-stream"}
    for path in ("gradio_api/mcp/", "gradio_api/mcp", "gradio_api/mcp/http"):
        body = json.dumps(call).ljust(TOOLS)
        answer = httpx.post(f"{address}{path}", content=body, headers=headers, timeout=60, follow_redirects=True)
        assert answer.status_code == 200 and "reads_text" in answer.text, path
