"""What Gradio keeps for every visitor, without what nothing reads."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.blocks import BlocksConfig


class LeanBlocks(gr.Blocks):
    """Blocks whose visitors wait for no configuration.

    At the first event of each visitor Gradio works out the configuration of every component in every language anew: a
    quarter of a second of processor time, in which no one else is answered either. It is read again only where
    components are made while the app runs (`gr.render`), which happens nowhere here.
    """

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.default_config: BlocksConfig = _LeanConfig(self)  # nothing is in the other one yet


class _LeanConfig(BlocksConfig):
    def __copy__(self) -> Any:
        """What a new visitor is given."""
        given = super().__copy__()
        given.config_for_block = _nothing
        return given


def _nothing(*_: Any) -> dict[str, Any]:
    return {}
