"""Refusals as callers and the log see them."""

import gradio as gr
import pytest
from tiny_apps import app_of, ask, call_tool, launched, still_needed

from artsim.ui.gradio_overrides.refusal import Refusal

SENTENCE = "There is no 'such' work."


def refuse(name: str) -> str:
    raise Refusal(SENTENCE, code="hub")


def test_a_refusal_is_its_sentence_for_every_caller_and_nothing_in_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    with launched(app_of(refuse=(refuse, [gr.Textbox()], gr.Textbox())), mcp_server=True) as address:
        answer = ask(address, "refuse", "x")
        assert (answer["error"], answer["title"]) == (SENTENCE, "hub")
        [text] = call_tool(address, "refuse", name="x").content
        assert text.text == SENTENCE
    assert "Traceback" not in capfd.readouterr().err


def test_gradio_still_puts_its_errors_into_quotes() -> None:
    still_needed(str(gr.Error(SENTENCE)) != SENTENCE, "refusal")
