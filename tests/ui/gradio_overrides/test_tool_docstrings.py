"""Descriptions of parameters that take several lines."""

import gradio as gr
from tiny_apps import app_of, launched, still_needed, tool_schemas

from artsim.ui.gradio_overrides.tool_docstrings import one_line_parameters

WHOLE = "The id of a work, as the answers of the searches have it."


def plain(work: str, k: int = 3) -> str:
    """Describe a work,
    in two lines.

    Args:
        work: The id of a work,
            as the answers of the searches
            have it.
        k: How many.

    Returns:
        A text of
            two lines.
    """
    return work


def ours(work: str, k: int = 3) -> str:
    return work


def test_a_description_of_several_lines_is_read_as_a_whole_and_gradio_still_reads_its_first_line_only() -> None:
    ours.__doc__ = one_line_parameters(plain.__doc__ or "")
    functions = {"plain": plain, "ours": ours}
    endpoints = {name: (tool, [gr.Textbox(), gr.Number()], gr.Textbox()) for name, tool in functions.items()}
    with launched(app_of(**endpoints), mcp_server=True) as address:
        tools = tool_schemas(address)
    described = {name: tool["inputSchema"]["properties"] for name, tool in tools.items()}
    assert tools["ours"]["description"] == "Describe a work, in two lines. Returns: A text of two lines."
    assert described["ours"]["work"]["description"] == WHOLE
    assert described["ours"]["k"]["description"] == "How many."
    still_needed(described["plain"]["work"]["description"] != WHOLE, "tool_docstrings")
