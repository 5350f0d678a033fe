"""Blocks that make their web app, and the configuration of their pages, when they are launched.

Gradio: tried with 6.31.0.
Reason: Gradio makes a whole web app and the configuration of all pages when Blocks are made, and again at the end of every page,
    and throws both away: a second and a half of a start with six pages.
Remove when: `Blocks.__exit__` leaves both to `launch`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr
from gradio import blocks as gradio_blocks


class LateBlocks(gr.Blocks):
    """`gr.Blocks` with no `app` and an empty `config` before the launch."""

    _ends_page = False

    def __init__(self, **more: Any) -> None:
        with _without_app():
            super().__init__(**more)

    def __exit__(self, *raised: Any) -> None:
        self._ends_page = True
        try:
            with _without_app():
                super().__exit__(*raised)
        finally:
            self._ends_page = False

    def get_config_file(self) -> Any:
        return {} if self._ends_page else super().get_config_file()


class _NoApp:
    @staticmethod
    def create_app(*_: Any, **__: Any) -> None:
        """No app."""


@contextmanager
def _without_app() -> Iterator[None]:
    made = gradio_blocks.App
    gradio_blocks.App = _NoApp  # launch takes it from another module
    try:
        yield
    finally:
        gradio_blocks.App = made
