"""Blocks that keep no configuration per visitor.

Gradio: tried with 6.31.0.
Reason: at the first event of each visitor, Gradio computes the configuration of every component on every page: a quarter of
    a second of processor time with six languages, in which nobody else is answered. It is read again only by `gr.render` and
    deep links, which artsim does not use (gradio-app/gradio#8030, #10834).
Remove when: Gradio computes the configuration of a session when something reads it.
"""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.blocks import BlocksConfig


class LeanBlocks(gr.Blocks):
    """`gr.Blocks` whose sessions start with an empty configuration."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.default_config: BlocksConfig = _LeanConfig(self)  # nothing is in the other one yet


class _LeanConfig(BlocksConfig):
    def __copy__(self) -> Any:
        """The copy that a new session gets."""
        copied = super().__copy__()
        copied.config_for_block = _empty
        return copied


def _empty(*_: Any) -> dict[str, Any]:
    return {}
