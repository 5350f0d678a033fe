"""Gradio's routes that fetch an address for whoever asks. That they are closed: tests/ui/api/test_endpoints.py."""

import httpx
from tiny_apps import app_of, launched, still_needed


def test_gradio_still_fetches_addresses_for_whoever_asks_and_has_a_proxy(looked_up: list[str]) -> None:
    """The proxy refuses what was not loaded with `gr.load`, so nothing is fetched here; artsim does without the route."""
    with launched(app_of()) as address:
        for route, host in (("file=", "equals.invalid"), ("file/", "slash.invalid")):
            httpx.get(f"{address}gradio_api/{route}http://{host}/a.jpg")
            still_needed(host in looked_up, f"{route} in no_fetching")
        status = httpx.get(f"{address}gradio_api/proxy=http://proxy.invalid/a.jpg").status_code
        still_needed(status != 404, "proxy= in no_fetching")
