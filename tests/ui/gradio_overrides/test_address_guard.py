"""Addresses in place of uploads, sent to inputs that take no files at all."""

from functools import partial
from typing import Any

import gradio as gr
from tiny_apps import app_of, ask, ask_queued, launched, still_needed

from artsim.ui.gradio_overrides.address_guard import GuardedBlocks

REFUSAL = "This app does not fetch addresses."


def file_at(host: str) -> dict[str, Any]:
    return {"path": f"http://{host}/a.jpg", "meta": {"_type": "gradio.FileData"}}


def test_an_address_is_refused_and_never_fetched_and_other_values_pass(looked_up: list[str]) -> None:
    guarded = partial(GuardedBlocks, refusal=REFUSAL)
    kinds = {"textbox": gr.Textbox, "json": gr.JSON}
    blocks = app_of(guarded, **{name: (str, [kind()], gr.Textbox()) for name, kind in kinds.items()})
    file = file_at("guarded.invalid")
    with launched(blocks) as address:
        for name in kinds:
            for given in (file, [file], {"a": [{"b": file}]}):
                assert ask(address, name, given)["error"] == REFUSAL
        assert REFUSAL in ask_queued(address, "json", file)
        assert "guarded.invalid" not in looked_up
        for other in ({"path": "http://guarded.invalid/a.jpg"}, ["http://guarded.invalid/"], 7, None):
            assert ask(address, "json", other)["data"] == [str(other)]


def test_gradio_still_fetches_an_address_from_any_input(looked_up: list[str]) -> None:
    with launched(app_of(textbox=(str, [gr.Textbox()], gr.Textbox()))) as address:
        ask(address, "textbox", file_at("plain.invalid"))
    still_needed("plain.invalid" in looked_up, "address_guard")
