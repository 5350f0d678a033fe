"""Gradio's routes that fetch an address for whoever asks."""

from collections.abc import Iterator

import httpx
import pytest
from starlette.middleware import Middleware
from tiny_apps import app_of, launched, still_needed

from artsim.ui.gradio_overrides.no_fetching import NoFetching


@pytest.fixture(scope="module")
def closed(looked_up: list[str]) -> Iterator[str]:
    with launched(app_of(), app_kwargs={"middleware": [Middleware(NoFetching)]}) as address:
        yield address


@pytest.fixture(scope="module")
def plain(looked_up: list[str]) -> Iterator[str]:
    with launched(app_of()) as address:
        yield address


@pytest.mark.parametrize("route", ["file=", "file/", "proxy="])
@pytest.mark.parametrize("scheme", ["http", "HTTPS"])
def test_the_routes_are_closed(closed: str, looked_up: list[str], route: str, scheme: str) -> None:
    answer = httpx.get(f"{closed}gradio_api/{route}{scheme}://closed.invalid/a.jpg")
    assert (answer.status_code, answer.text) == (403, "This app does not fetch addresses.")
    assert "closed.invalid" not in looked_up


@pytest.mark.parametrize(("route", "host"), [("file=", "equals.invalid"), ("file/", "slash.invalid")])
def test_gradio_still_fetches_addresses_for_whoever_asks(
    plain: str, looked_up: list[str], route: str, host: str
) -> None:
    httpx.get(f"{plain}gradio_api/{route}http://{host}/a.jpg")
    still_needed(host in looked_up, f"{route} in no_fetching")


def test_gradio_still_has_a_proxy(plain: str) -> None:
    """It refuses what was not loaded with `gr.load`, so nothing is fetched here; artsim does without the route."""
    status = httpx.get(f"{plain}gradio_api/proxy=http://proxy.invalid/a.jpg").status_code
    still_needed(status != 404, "proxy= in no_fetching")
