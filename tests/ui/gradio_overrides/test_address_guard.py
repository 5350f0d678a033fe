"""Addresses in place of uploads, sent to inputs that take no files at all."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import gradio as gr
import pytest
from tiny_apps import Endpoint, app_of, ask, ask_queued, launched, still_needed

from artsim.ui.gradio_overrides.address_guard import GuardedBlocks

REFUSAL = "This app does not fetch addresses."
ENDPOINTS = ["textbox", "number", "json", "radio"]


def file_at(host: str) -> dict[str, Any]:
    return {"path": f"http://{host}/a.jpg", "meta": {"_type": "gradio.FileData"}}


def endpoint(kind: type[gr.Component]) -> Endpoint:
    return str, [kind()], gr.Textbox()


@pytest.fixture(scope="module")
def guarded(looked_up: list[str]) -> Iterator[str]:
    kinds = {"textbox": gr.Textbox, "number": gr.Number, "json": gr.JSON, "radio": gr.Radio}
    blocks = app_of(partial(GuardedBlocks, refusal=REFUSAL), **{name: endpoint(kind) for name, kind in kinds.items()})
    with launched(blocks) as address:
        yield address


@pytest.mark.parametrize("name", ENDPOINTS)
def test_an_address_is_refused_and_never_fetched(guarded: str, looked_up: list[str], name: str) -> None:
    file = file_at("guarded.invalid")
    for given in (file, [file], {"a": [{"b": file}]}):
        assert ask(guarded, name, given)["error"] == REFUSAL
        assert REFUSAL in ask_queued(guarded, name, given)
    assert "guarded.invalid" not in looked_up


def test_other_values_pass(guarded: str) -> None:
    for given in ({"path": "http://guarded.invalid/a.jpg"}, ["http://guarded.invalid/"], 7, None):
        assert ask(guarded, "json", given)["data"] == [str(given)]


def test_gradio_still_fetches_an_address_from_any_input(looked_up: list[str]) -> None:
    with launched(app_of(textbox=endpoint(gr.Textbox))) as address:
        ask(address, "textbox", file_at("plain.invalid"))
    still_needed("plain.invalid" in looked_up, "address_guard")
