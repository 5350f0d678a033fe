"""Headers of every answer, frames of other sites, and names of the host."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from owners import HERE, context_of
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from artsim.ui.auth import Owner
from artsim.ui.http.errors import error_handlers
from artsim.ui.http.host_check import HostCheck
from artsim.ui.http.response_headers import ResponseHeaders
from artsim.ui.http.routes import extra_routes


def policy_of(answer: httpx.Response) -> dict[str, str]:
    """The content policy of an answer, by directive, with what every answer has beside it."""
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    parts = [part.strip().partition(" ") for part in answer.headers["content-security-policy"].split(";")]
    return {name: value for name, _, value in parts}


@pytest.mark.parametrize(
    ("path", "scripts"),
    [
        ("", "'self' 'unsafe-inline' 'unsafe-eval'"),
        ("de", "'self' 'unsafe-inline' 'unsafe-eval'"),
        ("how", "'self'"),
        ("nothing", "'self'"),
        *((path, None) for path in (
            "config", "healthz", "art/style.css", "thumbnails/400/03.jpg", "gradio_api/info", "gradio_api/file=/etc/passwd",
            "gradio_api/file=http://elsewhere.example/", "gradio_api/call/suggest/nothing", "gradio_api/nothing",
        )),
    ],
)  # fmt: skip
def test_every_answer_has_a_policy_and_only_pages_run_scripts(address: str, path: str, scripts: str | None) -> None:
    accept = "*/*" if scripts is None else "text/html"
    policy = policy_of(httpx.get(f"{address}{path}", headers={"Accept": accept}, timeout=60))
    assert policy.get("script-src") == scripts
    assert policy["default-src"] == "'none'" or scripts is not None
    assert policy["frame-ancestors"] == "'self'"


def test_answers_to_requests_that_are_refused_have_them_too(address: str) -> None:
    for answer in (
        httpx.post(f"{address}nowhere", content=bytes(300_000)),
        httpx.post(f"{address}gradio_api/run/nothing", json={"data": []}),
        httpx.post(f"{address}gradio_api/run/suggest", content="{"),
        httpx.get(address, headers={"Host": "evil.example"}),
    ):
        assert 400 <= answer.status_code < 500
        assert policy_of(answer)["default-src"] == "'none'"


def test_an_exception_has_them_too(context: Any) -> None:
    def broken(request: Request) -> Response:
        raise RuntimeError("broken")

    app = Starlette(routes=[Route("/", broken)], exception_handlers=error_handlers(context))  # type: ignore[arg-type]
    for accept in ("text/html", "*/*"):
        answer = TestClient(app, raise_server_exceptions=False).get("/", headers={"Accept": accept})
        assert answer.status_code == 500 and policy_of(answer)["frame-ancestors"] == "'none'"


def test_sites_of_the_setting_may_frame_visitors_pages_and_none_the_owners(copy: Path, tmp_path: Path) -> None:
    context = context_of(copy, tmp_path, Owner(None))
    headers = Middleware(ResponseHeaders, framed_by=["https://museum.example"])
    for root in ("", "/art"):
        app = Starlette(routes=extra_routes(context), middleware=[headers])
        client = TestClient(app, base_url=HERE, root_path=root)

        def ancestors(path: str, client: TestClient = client) -> str:
            return policy_of(client.get(path))["frame-ancestors"]

        assert {ancestors(f"{root}{path}") for path in ("/how", "/healthz", "/collections")} == {
            "'self' https://museum.example"
        }
        owners = ("/collection", "/collection?work=03.jpg", "/collection/state", "/collection/nothing")
        assert {ancestors(f"{root}{path}") for path in owners} == {"'none'"}


def test_on_this_machine_the_app_answers_under_names_of_this_machine_only(address: str) -> None:
    port = httpx.URL(address).port
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}", f"LOCALHOST:{port}"):
        assert httpx.get(f"{address}healthz", headers={"Host": host}).status_code == 200, host
    for host in (f"evil.example:{port}", "127.0.0.1.evil.example", "192.168.1.5", ""):
        for path in ("", "gradio_api/info", "thumbnails/400/03.jpg", "gradio_api/mcp/schema"):
            answer = httpx.get(f"{address}{path}", headers={"Host": host, "X-Forwarded-For": "127.0.0.1"})
            assert answer.status_code == 421 and "ARTSIM_HOSTS" in answer.text, (host, path)


def test_other_names_can_be_allowed() -> None:
    routes = [Route("/", lambda request: Response("here"))]
    client = TestClient(Starlette(routes=routes, middleware=[Middleware(HostCheck, names=["art.museum.example"])]))
    assert client.get("/", headers={"Host": "art.museum.example"}).text == "here"
    assert client.get("/", headers={"Host": "museum.example"}).status_code == 421
