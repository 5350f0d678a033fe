"""A function as an endpoint of the HTTP API and an MCP tool, never queued.

Gradio: tried with 6.31.0.
Reason: Gradio calls a queued tool through an HTTP client of its own, which uploads what looks like a file in the arguments:
    a stranger names a path of this machine, and the tool gets that file as an upload. A tool that is not queued is called in
    this process, without that client. No issue known.
Remove when: Gradio calls queued tools without reading files that a caller names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from artsim.ui.gradio_overrides.tool_docstrings import one_line_parameters


def add_endpoint(function: Callable[..., Any], inputs: Sequence[Any], output: Any) -> None:
    """Connect `function` as an endpoint with its name; call inside `gr.Blocks`. Its docstring is what callers read."""
    function.__doc__ = one_line_parameters(function.__doc__ or "")
    gr.Button().click(function, list(inputs), output, api_name=function.__name__, queue=False, concurrency_limit=None)
