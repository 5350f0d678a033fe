"""A refusal of a request, as a sentence without quotes, and without a traceback in the log.

Gradio: tried with 6.31.0.
Reason: `str` of a `gr.Error` is the `repr` of its message, so that MCP clients read the sentence in quotes, with escapes
    (gradio-app/gradio#6058, closed without a change).
Remove when: `str(gr.Error("a"))` is `a`.
"""

from __future__ import annotations

import gradio as gr


class Refusal(gr.Error):
    """Shown to the caller as `sentence`, with the code of the error as its title; not logged: nothing is wrong with the app."""

    def __init__(self, sentence: str, *, code: str = "query") -> None:
        super().__init__(sentence, title=code, print_exception=False)

    def __str__(self) -> str:
        return str(self.message)
