"""What Gradio computes at the first event of a visitor."""

import gradio as gr
from gradio.state_holder import SessionState
from tiny_apps import app_of, ask, components_of, launched, still_needed

from artsim.ui.gradio_overrides.lean_sessions import LeanBlocks


def test_no_configuration_is_computed_for_a_new_visitor_and_the_page_has_its_own() -> None:
    box = gr.Textbox("hello", label="Name")
    blocks = app_of(LeanBlocks, upper=(str.upper, [box], gr.Textbox()))
    session = SessionState(blocks)
    assert set(session.config_values) == set(blocks.blocks)
    assert not any(session.config_values.values())
    assert session[box._id] is box
    with launched(blocks) as address:
        assert components_of(address)[0]["props"]["label"] == "Name"
        assert ask(address, "upper", "hello")["data"] == ["HELLO"]


def test_gradio_still_computes_the_configuration_of_every_component_for_every_visitor() -> None:
    blocks = app_of(upper=(str.upper, [gr.Textbox()], gr.Textbox()))
    still_needed(all(SessionState(blocks).config_values.values()), "lean_sessions")
