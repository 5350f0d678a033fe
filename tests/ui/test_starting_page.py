"""The page that is there while a first start embeds the works."""

import re

import httpx
import pytest
from app_process import free_port
from served import settings_of

from artsim.errors import ArtsimError
from artsim.messages.strings import languages, load_strings
from artsim.ui.http.address import check_address
from artsim.ui.starting_page import starting_page


def test_the_page_shows_the_progress_and_leaves_its_port_to_the_app() -> None:
    port = free_port()
    with (
        starting_page(settings_of("--port", str(port))) as progress,
        httpx.Client(base_url=f"http://127.0.0.1:{port}") as web,
    ):
        page = web.get("/?sort=year")
        assert (page.status_code, page.headers["retry-after"]) == (503, "5")
        assert "script-src 'self'" in page.headers["content-security-policy"]
        for address in re.findall(r'(?:src|href)="(art/[^"]+)"', page.text):
            assert web.get(f"/{address}").content
        assert (web.get("/healthz").status_code, web.get("/readyz").status_code) == (200, 503)
        progress(7, 174)
        assert web.get("/starting").json() == {"done": 7, "total": 174}
        progress(8, None)
        assert web.get("/starting").json() == {"done": 8, "total": 0}
        assert (web.head("/").status_code, web.head("/").content, web.post("/").status_code) == (503, b"", 501)
    check_address(None, port)


@pytest.mark.parametrize("language", languages())
def test_the_page_is_in_the_language_of_the_visitor(language: str) -> None:
    port = free_port()
    with starting_page(settings_of("--port", str(port))):
        page = httpx.get(f"http://127.0.0.1:{port}/", headers={"Accept-Language": language}).text
    assert f'lang="{language}"' in page
    assert f"<h1>{load_strings(language)('starting.title')}</h1>" in page


def test_other_sites_cannot_read_the_page_of_an_app_that_is_open_on_its_own_machine_only() -> None:
    port = free_port()
    with starting_page(settings_of("--port", str(port))):
        assert httpx.get(f"http://127.0.0.1:{port}/", headers={"Host": "site.example"}).status_code == 421


def test_a_port_that_is_taken_meanwhile_is_named() -> None:
    port = free_port()
    with (
        starting_page(settings_of("--port", str(port))),
        pytest.raises(ArtsimError, match="No port is free"),
        starting_page(settings_of("--port", str(port))),
    ):
        pass
