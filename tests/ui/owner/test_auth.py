"""Owner authentication: every route, for requests of every origin."""

import re
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from owners import HERE, context_of, headers_of, visitor
from starlette.applications import Starlette
from starlette.testclient import TestClient

from artsim.ui.auth import COOKIE, PAGE_HEADER, SESSION, Owner
from artsim.ui.http.routes import extra_routes
from artsim.ui.pages.masthead import masthead

MUSEUM = "https://art.museum.example"
SECRET = "a secret of more than sixteen letters"
POSTS = "begin complete cancel include edit remove describe undo save publish open".split()


@pytest.fixture
def local(copy: Path, tmp_path: Path) -> TestClient:
    """A client on the machine of the app."""
    return visitor(context_of(copy, tmp_path, Owner(None)), HERE)


@pytest.fixture
def remote(copy: Path, tmp_path: Path) -> TestClient:
    """A remote client of an app whose owner logs in."""
    return visitor(context_of(copy, tmp_path, Owner(SECRET)), MUSEUM)


def all_forbidden(client: TestClient, headers: dict[str, str]) -> bool:
    answers = [client.post(f"/collection/{name}", json={}, headers=headers) for name in POSTS]
    answers.append(client.put("/collection/file?name=a.jpg&size=1", content=b"x", headers=headers))
    return {answer.status_code for answer in answers} == {403}


def test_without_permission_there_is_no_page_no_route_and_no_link(copy: Path, tmp_path: Path) -> None:
    context = context_of(copy, tmp_path, None)
    client = visitor(context, HERE)
    assert client.get("/collection").status_code == 404
    assert client.post("/collection/remove", json={"ids": ["03.jpg"]}).status_code == 404
    assert "./collection" not in masthead(context, "search")
    asks = masthead(context_of(copy, tmp_path, Owner(SECRET)), "search")
    assert "data-owner hidden>My collection" in asks, "until the page knows the visitor"
    assert "./collection" not in masthead(context_of(copy, tmp_path, Owner(SECRET)), "how")


def test_the_owner_alone_sees_the_owners_tools_on_a_page_and_their_addresses_work_for_all(
    copy: Path, tmp_path: Path
) -> None:
    context = context_of(copy, tmp_path, Owner(SECRET))
    client = TestClient(Starlette(routes=extra_routes(context)), base_url=MUSEUM)
    assert "./collection" not in client.get("/evaluation").text
    assert client.get("/encoder").json()["owner"] is False
    log_in(client, SECRET)
    page = client.get("/evaluation").text
    assert '<a href="./collection" aria-current="true">' in page
    assert '<a href="./evaluation" aria-current="page">' in page
    assert "./duplicates" in page and "./encoders" not in page, "there is but one encoder"
    assert client.get("/encoder").json()["owner"] is True


# --- On this machine ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "[::1]:7860", "localhost", "127.1.2.3"])
def test_a_request_to_a_loopback_name_gets_the_page(local: TestClient, host: str) -> None:
    assert local.get("/collection", headers={"Host": host}).status_code == 200
    assert local.get("/collection/state", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},  # DNS rebinding: a foreign name that resolves to this machine
        {"Host": "127.0.0.1.evil.example:7860"},
        {"Host": "localhost.evil.example"},
        {"Host": "192.168.1.5:7860"},
        {"Host": "0.0.0.0:7860"},
        {"Host": ""},
        {"Host": "[::1"},
        {"X-Forwarded-For": "203.0.113.9"},  # a proxy on this machine forwards everyone's requests
        {"X-Forwarded-Host": "art.museum.example"},
        {"Forwarded": "for=203.0.113.9"},
        {"X-Real-IP": "203.0.113.9"},
        {"Via": "1.1 proxy"},
    ],
)
def test_a_request_to_another_host_or_through_a_proxy_is_refused(local: TestClient, headers: dict[str, str]) -> None:
    good = headers_of(local)
    page = local.get("/collection", headers=headers)
    assert page.status_code == 403
    assert "pageKey" not in page.text
    assert local.get("/collection/state", headers=headers).status_code == 403
    assert all_forbidden(local, {**good, **headers})


def test_a_change_from_the_page_is_accepted(local: TestClient) -> None:
    answer = local.post("/collection/remove", json={"ids": ["03.jpg"]}, headers=headers_of(local))
    assert answer.status_code == 200
    assert answer.json()["works"] == 39
    modern = {PAGE_HEADER: headers_of(local)[PAGE_HEADER], "Sec-Fetch-Site": "same-origin"}
    assert local.post("/collection/undo", json={}, headers=modern).json()["works"] == 40


@pytest.mark.parametrize(
    "change",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:8888"},  # another program on this machine
        {"Origin": "null"},
        {"Origin": None},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {PAGE_HEADER: None},
        {PAGE_HEADER: "0" * 64},
    ],
)
def test_a_change_from_another_page_is_refused(local: TestClient, change: dict[str, str | None]) -> None:
    headers = {name: value for name, value in {**headers_of(local), **change}.items() if value is not None}
    assert all_forbidden(local, headers)
    assert local.get("/collection/state").json()["works"] == 40


# --- Remote, with a token ----------------------------------------------------------------------------------------------


def test_visitors_see_only_the_log_in_form(remote: TestClient) -> None:
    page = remote.get("/collection")
    assert page.status_code == 200
    assert 'type="password"' in page.text
    assert "pageKey" not in page.text
    assert "03.jpg" not in page.text
    asked = remote.get("/collection?work=03.jpg").text
    assert "03.jpg" not in re.sub(r'<meta property="og:url"[^>]*>', "", asked), "but for the address that was asked for"
    assert remote.get("/collection/state").status_code == 403
    assert all_forbidden(remote, {"Origin": MUSEUM, PAGE_HEADER: "0" * 64})


def log_in(client: TestClient, secret: str, **headers: str) -> Any:
    return client.post("/collection/login", data={"secret": secret}, headers={"Origin": MUSEUM, **headers})


def test_the_owner_logs_in_changes_and_logs_out(remote: TestClient) -> None:
    answer = log_in(remote, SECRET)
    assert (answer.status_code, answer.headers["location"]) == (303, "../collection")
    cookie = answer.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=none", "Secure", "Partitioned"))
    assert SECRET not in cookie
    headers = headers_of(remote)
    assert remote.post("/collection/remove", json={"ids": ["03.jpg"]}, headers=headers).json()["works"] == 39
    assert (
        remote.post("/collection/undo", json={}, headers={**headers, "Origin": "https://evil.example"}).status_code
        == 403
    )
    remote.post("/collection/logout", headers={"Origin": MUSEUM})
    assert all_forbidden(remote, headers)


@pytest.mark.parametrize("secret", ["", "wrong", SECRET + "x", SECRET[:-1], "ключ"])
def test_a_wrong_secret_is_refused(remote: TestClient, secret: str) -> None:
    answer = log_in(remote, secret)
    assert answer.status_code == 403
    assert "That is not the secret." in answer.text
    assert "set-cookie" not in answer.headers


def test_a_log_in_from_another_page_is_refused(remote: TestClient) -> None:
    assert log_in(remote, SECRET, Origin="https://evil.example").status_code == 403
    assert COOKIE not in remote.cookies


def test_a_foreign_or_expired_cookie_is_refused(
    remote: TestClient, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(remote, SECRET)
    good = remote.cookies[COOKIE]
    assert remote.get("/collection/state").status_code == 200
    other = visitor(context_of(copy, tmp_path, Owner(SECRET)), MUSEUM)
    for cookie in (good, "", "x"):  # `good`: of another start
        other.cookies.set(COOKIE, cookie)
        assert other.get("/collection/state").status_code == 403, cookie
        other.cookies.clear()
    later = monotonic() + SESSION
    monkeypatch.setattr("artsim.ui.auth.monotonic", lambda: later)
    assert remote.get("/collection/state").status_code == 403


def test_a_log_out_ends_the_session_also_for_who_has_a_copy_of_its_cookie(remote: TestClient) -> None:
    log_in(remote, SECRET)
    kept = remote.cookies[COOKIE]
    remote.post("/collection/logout", headers={"Origin": "https://evil.example"})
    remote.cookies.set(COOKIE, kept)
    assert remote.get("/collection/state").status_code == 200
    remote.post("/collection/logout", headers={"Origin": MUSEUM})
    remote.cookies.clear()
    remote.cookies.set(COOKIE, kept)
    assert remote.get("/collection/state").status_code == 403


def test_guesses_are_slowed_and_even_the_right_secret_has_to_wait(
    remote: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("artsim.ui.login_pace.monotonic", lambda: now)
    assert [log_in(remote, "wrong").status_code for _ in range(6)] == [403] * 5 + [429]
    answer = log_in(remote, SECRET)
    assert answer.status_code == 429 and "Try again in" in answer.text and COOKIE not in remote.cookies
    now += int(answer.headers["retry-after"])
    assert log_in(remote, "wrong").status_code == 403
    longer = int(log_in(remote, SECRET).headers["retry-after"])
    assert longer > int(answer.headers["retry-after"])
    now += 60
    assert log_in(remote, SECRET).status_code == 303
    assert log_in(remote, "wrong").status_code == 403, "the count starts again"


def test_the_page_of_a_wrong_secret_finds_its_styles_and_its_form(remote: TestClient) -> None:
    """Its address has one more level than those of other pages."""
    page = log_in(remote, "wrong").text
    assert '<base href="/">' in page and 'action="./collection/login"' in page
    assert "<base" not in remote.get("/collection").text
