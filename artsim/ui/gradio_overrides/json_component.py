"""A JSON value with a schema of its own, which is never a file.

Gradio: tried with 6.31.0.
Reason: the schema of `gr.JSON` is `{"type": {}}`, which is not JSON Schema: MCP refuses every call of a tool with such an
    input. As an output `gr.JSON` parses strings, and on both ways it fetches or copies what looks like a file anywhere in a
    value. No issue known.
Remove when: `gr.JSON` takes a schema, passes strings on as they are, and leaves files alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from artsim.ui.gradio_overrides.no_stubs import WithoutStub
from artsim.ui.gradio_overrides.refusal import Refusal

Schema = Mapping[str, Any]


class Typed(gr.JSON, metaclass=WithoutStub):
    """A JSON value with a schema, which the API's description and its MCP tools show. Never a file."""

    def __init__(self, schema: Schema, value: Any = None, **more: Any) -> None:
        self.schema = dict(schema)
        super().__init__(value=value, **more)

    def get_block_name(self) -> str:
        """The component that the page draws: by default Gradio looks for one with the name of this class."""
        return "json"

    def postprocess(self, value: Any) -> Any:
        return value

    def api_info(self) -> dict[str, Any]:
        return self.schema

    def example_payload(self) -> Any:
        return self.value

    async def async_move_resource_to_block_cache(self, url_or_file_path: str | Path | None) -> str | None:
        return self.move_resource_to_block_cache(url_or_file_path)

    def move_resource_to_block_cache(self, url_or_file_path: str | Path | None) -> str | None:
        """Gradio would fetch or copy what looks like a file anywhere in the JSON."""
        raise Refusal("This parameter takes no file.")
