"""What a launch asks of its own app."""

import os

import gradio as gr
import httpx
import pytest
from app_process import free_port
from tiny_apps import app_of, launched, still_needed

from artsim.ui.gradio_overrides.self_check import reaching_itself


@pytest.fixture
def proxy_of_the_house(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy for other sites that does not reach this machine, as in many offices."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")


def started() -> bool:
    """Whether an app starts, and answers."""
    with launched(app_of()) as address:
        return httpx.get(address, trust_env=False).status_code == 200


def test_an_app_starts_where_a_proxy_is_set_and_where_its_page_is_slow(
    proxy_of_the_house: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gr.networking, "url_ok", lambda url: False)  # as after 3 s
    with reaching_itself():
        assert started()
    assert "no_proxy" not in os.environ and not gr.networking.url_ok("")


def test_gradio_still_asks_its_own_app_through_the_proxy(proxy_of_the_house: None) -> None:
    with pytest.raises(httpx.ConnectError):
        still_needed(not started(), "self_check")
