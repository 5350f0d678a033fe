"""Tiny Gradio apps, launched in this process: to see what plain Gradio does, and what it does with an override of artsim."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import gradio as gr
import httpx
from app_process import free_port
from served import in_session

Endpoint = tuple[Callable[..., Any], Sequence[gr.Component], gr.Component]


def app_of(kind: Callable[[], Any] = gr.Blocks, /, **endpoints: Endpoint) -> Any:
    """Blocks of `kind` with these endpoints: name -> function, inputs, output. Not queued."""
    with kind() as blocks:
        for name, (function, inputs, output) in endpoints.items():
            for component in (*inputs, output):
                component.render()
            gr.Button().click(function, list(inputs), output, api_name=name, queue=False)
    return blocks


@contextmanager
def launched(blocks: gr.Blocks, **options: Any) -> Iterator[str]:
    """The address of `blocks`, while they answer."""
    blocks.analytics_enabled = False
    blocks.launch(server_name="127.0.0.1", server_port=free_port(), prevent_thread_lock=True, quiet=True, **options)
    try:
        yield blocks.local_url
    finally:
        blocks.close(verbose=False)


def ask(address: str, endpoint: str, *data: Any) -> dict[str, Any]:
    """The answer of an endpoint, asked directly: `data` or `error`."""
    return httpx.post(f"{address}gradio_api/run/{endpoint}", json={"data": data}, timeout=60).json()


def ask_queued(address: str, endpoint: str, *data: Any) -> str:
    """The events of an endpoint, asked in two requests, as Gradio's clients do."""
    asked = httpx.post(f"{address}gradio_api/call/{endpoint}", json={"data": data}, timeout=60).json()
    return httpx.get(f"{address}gradio_api/call/{endpoint}/{asked['event_id']}", timeout=60).text


def call_tool(address: str, tool: str, **arguments: Any) -> Any:
    """The answer of an MCP tool."""
    return in_session(address, lambda session: session.call_tool(tool, arguments))


def tool_schemas(address: str) -> dict[str, Any]:
    """MCP tools by their name, as clients see them."""
    return {tool["name"]: tool for tool in httpx.get(f"{address}gradio_api/mcp/schema", timeout=60).json()}


def components_of(address: str) -> list[dict[str, Any]]:
    """What a page is told of the components of `app_of`, in their order: inputs, output, button, of each endpoint."""
    return httpx.get(f"{address}config", timeout=60).json()["components"]


def still_needed(misbehaves: bool, override: str) -> None:
    """Fails once plain Gradio does by itself what `override` is there for."""
    assert misbehaves, f"Gradio {gr.__version__} does this itself now; {override} is no longer needed: remove it."
