"""A launch that prints nothing.

Gradio: tried with 6.31.0.
Reason: `launch(quiet=True)` still prints where the MCP server is, between the lines of our log (related:
    gradio-app/gradio#7892, which silenced the other address).
Remove when: `quiet=True` silences that, too.
"""

from __future__ import annotations

from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import gradio as gr


def launch_quietly(blocks: gr.Blocks, **options: Any) -> None:
    """`blocks.launch(**options)` without a word on stdout."""
    with redirect_stdout(StringIO()):
        blocks.launch(quiet=True, **options)
