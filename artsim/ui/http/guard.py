"""What no caller may make the server do: fetch an address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from artsim.ui.gradio_overrides.lean_sessions import LeanBlocks


class GuardedBlocks(LeanBlocks):
    """Blocks that never fetch: an address in place of an upload is refused, whichever input it is sent to.

    Gradio looks for files in the value of every input, those of numbers and texts too, and downloads addresses there.
    All calls come through here: queued, direct, and those of MCP tools.
    """

    def __init__(self, *, refusal: str, **more: Any) -> None:
        super().__init__(**more)
        self._refusal = refusal

    async def preprocess_data(self, block_fn: Any, inputs: list[Any], *more: Any, **options: Any) -> list[Any]:
        if any("://" in path for path in _paths_in(inputs)):
            raise gr.Error(self._refusal, print_exception=False)
        return await super().preprocess_data(block_fn, inputs, *more, **options)


def _paths_in(value: Any) -> Iterator[str]:
    """The paths of what Gradio takes for files in a JSON value, at any depth."""
    if isinstance(value, dict):
        meta, path = value.get("meta"), value.get("path")
        if isinstance(path, str) and isinstance(meta, dict) and meta.get("_type") == "gradio.FileData":
            yield path
        for item in value.values():
            yield from _paths_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _paths_in(item)
