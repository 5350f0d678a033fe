"""Blocks that never fetch an address, whichever input it is sent to.

Gradio: tried with 6.31.0.
Reason: Gradio looks for files in the value of every input, those of numbers and texts too, and downloads the addresses that
    it finds there. Private addresses are refused, but a caller can still make the server fetch any public one
    (gradio-app/gradio#5768, #9589).
Remove when: Gradio has a setting that turns off downloads for callers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from artsim.ui.gradio_overrides.refusal import Refusal
from artsim.ui.gradio_overrides.uploads import FILE_MARK


class GuardedBlocks(gr.Blocks):
    """`gr.Blocks` that answers an address in place of an upload with `refusal`.

    All calls pass `preprocess_data`: queued, direct, and those of MCP tools.
    """

    def __init__(self, *, refusal: str, **more: Any) -> None:
        super().__init__(**more)
        self._refusal = refusal

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], *more: Any, **options: Any) -> list[Any]:
        if any("://" in path for path in _paths_in(inputs)):
            raise Refusal(self._refusal)
        return await super().preprocess_data(block_fn, inputs, *more, **options)


def _paths_in(value: Any) -> Iterator[str]:
    """The paths of what Gradio takes for files in a JSON value, at any depth."""
    if isinstance(value, dict):
        meta, path = value.get("meta"), value.get("path")
        if isinstance(path, str) and isinstance(meta, dict) and meta.get("_type") == FILE_MARK["_type"]:
            yield path
        for item in value.values():
            yield from _paths_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _paths_in(item)
