"""Descriptions of parameters that take several lines."""

from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest
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


@pytest.fixture(scope="module")
def tools() -> Iterator[dict[str, Any]]:
    """The tools `plain`, with the docstring as it is, and `ours`, with the same one on one line per parameter."""
    ours.__doc__ = one_line_parameters(plain.__doc__ or "")
    blocks = app_of(
        plain=(plain, [gr.Textbox(), gr.Number()], gr.Textbox()), ours=(ours, [gr.Textbox(), gr.Number()], gr.Textbox())
    )
    with launched(blocks, mcp_server=True) as address:
        yield tool_schemas(address)


def description_of_work(tool: dict[str, Any]) -> str:
    return str(tool["inputSchema"]["properties"]["work"]["description"])


def test_a_description_of_several_lines_is_read_as_a_whole(tools: dict[str, Any]) -> None:
    assert tools["ours"]["description"] == "Describe a work, in two lines. Returns: A text of two lines."
    assert description_of_work(tools["ours"]) == WHOLE
    assert tools["ours"]["inputSchema"]["properties"]["k"]["description"] == "How many."


def test_gradio_still_reads_the_first_line_of_a_description_only(tools: dict[str, Any]) -> None:
    still_needed(description_of_work(tools["plain"]) != WHOLE, "tool_docstrings")
