"""Gradio's routes that fetch an address for whoever asks."""

import httpx
from starlette.middleware import Middleware
from tiny_apps import app_of, launched, still_needed

from artsim.ui.gradio_overrides.no_fetching import NoFetching


def test_the_routes_are_closed(looked_up: list[str]) -> None:
    with launched(app_of(), app_kwargs={"middleware": [Middleware(NoFetching)]}) as address:
        for route in ("file=http", "file=HTTPS", "file/http", "file/HTTPS", "proxy=http", "proxy=HTTPS"):
            answer = httpx.get(f"{address}gradio_api/{route}://closed.invalid/a.jpg")
            assert (answer.status_code, answer.text) == (403, "This app does not fetch addresses."), route
    assert "closed.invalid" not in looked_up


def test_gradio_still_fetches_addresses_for_whoever_asks_and_has_a_proxy(looked_up: list[str]) -> None:
    """The proxy refuses what was not loaded with `gr.load`, so nothing is fetched here; artsim does without the route."""
    with launched(app_of()) as address:
        for route, host in (("file=", "equals.invalid"), ("file/", "slash.invalid")):
            httpx.get(f"{address}gradio_api/{route}http://{host}/a.jpg")
            still_needed(host in looked_up, f"{route} in no_fetching")
        status = httpx.get(f"{address}gradio_api/proxy=http://proxy.invalid/a.jpg").status_code
        still_needed(status != 404, "proxy= in no_fetching")
