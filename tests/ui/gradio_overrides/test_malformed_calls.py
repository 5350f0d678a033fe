"""Calls that Gradio cannot read. That they are answered: tests/ui/api/test_endpoints.py."""

import gradio as gr
import httpx
from tiny_apps import app_of, launched, still_needed


def test_gradio_still_fails_on_unknown_endpoints_and_parameters() -> None:
    with launched(app_of(text=(str, [gr.Textbox()], gr.Textbox()))) as address:
        statuses = [
            httpx.post(f"{address}gradio_api/call/v2/{name}", json={"colour": 1}).status_code
            for name in ("nothing", "text")
        ]
    still_needed(500 in statuses, "malformed_calls")
