"""What Gradio's pages do with what they are given: see tests/ui/gradio_overrides/."""

from typing import Any

import gradio as gr
import pytest
from markupsafe import Markup
from tiny_apps import launched, still_needed

from artsim.ui.gradio_overrides.html_component import script_template

pytestmark = pytest.mark.browser


def test_text_in_our_markup_is_shown_as_it_is_and_gradio_still_runs_it(chromium: Any) -> None:
    odd = "${6 * 7} {{value}} `x` \\"
    with gr.Blocks() as blocks:
        gr.HTML("v", html_template=script_template(Markup('<p id="ours">{}</p>').format(odd)))
        gr.HTML("v", html_template='<p id="plain">${6 * 7} {{value}}</p>')
    page = chromium.new_page()
    try:
        with launched(blocks) as address:
            page.goto(address)
            assert page.locator("#ours").inner_text(timeout=60_000) == odd
            still_needed(page.locator("#plain").inner_text() == "42 v", "script_template in html_component")
    finally:
        page.close()
