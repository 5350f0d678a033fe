"""Addresses in place of uploads, sent to inputs that take no files at all."""

from functools import partial
from typing import Any

import gradio as gr
import httpx
import pytest
from tiny_apps import app_of, ask, ask_queued, launched, still_needed

from artsim.ui.gradio_overrides.address_guard import NO_FIT, NO_TEXT, GuardedBlocks

JSON = {"Content-Type": "application/json"}
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


def test_values_that_do_not_fit_are_refused_with_a_sentence_and_are_not_logged(
    capfd: pytest.CaptureFixture[str],
) -> None:
    guarded = partial(GuardedBlocks, refusal=REFUSAL)
    blocks = app_of(guarded, image=(str, [gr.Image()], gr.Textbox()), text=(str, [gr.Textbox()], gr.Textbox()))
    with launched(blocks) as address:
        assert ask(address, "image", "my secret")["error"] == NO_FIT
        assert ask(address, "text")["error"] == NO_FIT
        for given in ('"\\ud800"', '[{"\\ud800": 1}]'):
            answer = httpx.post(f"{address}gradio_api/run/text", content=f'{{"data": [{given}]}}', headers=JSON)
            assert answer.json()["error"] == NO_TEXT
        assert NO_FIT in ask_queued(address, "image", "my secret")
    assert "secret" not in capfd.readouterr().err


def test_gradio_still_gives_no_reason_and_logs_the_values(capfd: pytest.CaptureFixture[str]) -> None:
    with launched(app_of(image=(str, [gr.Image()], gr.Textbox()))) as address:
        answer = ask(address, "image", "my secret")
    logged = "secret" in capfd.readouterr().err
    still_needed(answer["error"] is None or logged, "NO_FIT in address_guard")
