"""JSON with a schema, as an input and as an output."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import jsonschema
import pytest
from tiny_apps import app_of, ask, call_tool, components_of, launched, still_needed, tool_schemas

from artsim.ui.gradio_overrides.json_component import Typed
from artsim.ui.gradio_overrides.no_stubs import WithoutStub
from artsim.ui.gradio_overrides.uploads import file_json, save_upload

SCHEMA = {"type": "string", "maxLength": 5}


class Named(gr.JSON, metaclass=WithoutStub):
    """`gr.JSON` under another name."""


def same(value: Any) -> Any:
    return value


@pytest.fixture(scope="module")
def ours(uploads: Path) -> Iterator[str]:
    with launched(app_of(same=(same, [Typed(SCHEMA, "hm")], Typed({}))), mcp_server=True) as address:
        yield address


def is_json_schema(schema: dict[str, Any]) -> bool:
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError:
        return False
    return True


def test_clients_read_the_schema_and_tools_can_be_called(ours: str) -> None:
    assert components_of(ours)[0]["type"] == "json"
    [parameter] = httpx.get(f"{ours}gradio_api/info").json()["named_endpoints"]["/same"]["parameters"]
    assert parameter["type"] == SCHEMA and parameter["example_input"] == "hm"
    assert is_json_schema(tool_schemas(ours)["same"]["inputSchema"])
    assert call_tool(ours, "same", value="rain").content[0].text == "rain"
    assert "too long" in call_tool(ours, "same", value="a storm").content[0].text


def test_every_value_comes_in_and_goes_out_as_it_is(ours: str) -> None:
    for value in ("[1] a storm", "7", 7, 0.5, True, None, ["a"], {"a": [1]}):
        assert ask(ours, "same", value)["data"] == [value]


def test_gradio_still_does_none_of_it(uploads: Path) -> None:
    with launched(app_of(same=(same, [Named()], gr.JSON())), mcp_server=True) as plain:
        schema = tool_schemas(plain)["same"]["inputSchema"]
        parsed = ask(plain, "same", "7").get("data")
        found = ask(plain, "same", {"artist": [file_json(save_upload(b"mine"))]})
        drawn = components_of(plain)[0]["type"]
    still_needed(not is_json_schema(schema), "Typed.api_info in json_component")
    still_needed(parsed != ["7"], "Typed.postprocess in json_component")
    still_needed("/gradio_api/file=" in json.dumps(found), "Typed.move_resource_to_block_cache in json_component")
    still_needed(drawn != "json", "Typed.get_block_name in json_component")
