"""The MCP tools, with the real client of the protocol over HTTP."""

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from served import in_session, listening

pytestmark = pytest.mark.slow  # the file takes more than a few seconds

Call = Callable[..., Any]


@pytest.fixture(scope="module")
def call(address: str) -> Call:
    return lambda tool, **given: in_session(address, lambda session: session.call_tool(tool, given))


@pytest.fixture
def encoded(paintings: Path) -> str:
    return base64.b64encode((paintings / "05.jpg").read_bytes()).decode()


def ids_of(answer: Any) -> list[str]:
    assert not answer.isError, answer.content
    [text] = answer.content
    return [match["id"] for match in json.loads(text.text)]


def test_only_the_endpoints_are_tools_and_every_parameter_is_described(address: str) -> None:
    tools = in_session(address, lambda session: session.list_tools()).tools
    assert [tool.name for tool in tools] == [
        "search_by_image", "search_by_text", "suggest", "search_by_work", "search_combined", "recognize", "classify",
        "describe_work", "describe_collection",
    ]  # fmt: skip
    for tool in tools:
        assert len(tool.description) > 60
        for name, schema in tool.inputSchema["properties"].items():
            assert schema["description"].endswith((".", ")")), (tool.name, name)


@pytest.mark.parametrize("start", ["", "data:image/jpeg;base64,"])
def test_a_picture_in_base64_finds_its_work(call: Call, encoded: str, start: str) -> None:
    assert ids_of(call("search_by_image", image=start + encoded, k=3))[0] == "05.jpg"


def test_an_upload_is_accepted_by_address_and_by_path(call: Call, address: str, paintings: Path) -> None:
    with (paintings / "05.jpg").open("rb") as file:
        [path] = httpx.post(f"{address}gradio_api/upload", files={"files": file}).json()
    assert ids_of(call("search_by_image", image=path, k=1)) == ["05.jpg"]
    assert ids_of(call("search_by_image", image=f"{address}gradio_api/file={path}", k=1)) == ["05.jpg"]


def test_a_picture_is_recognised(call: Call, address: str, encoded: str) -> None:
    [text] = call("recognize", image=encoded).content
    answer = json.loads(text.text)
    assert answer["id"] == "05.jpg" and answer["thumbnail"].startswith(f"{address}thumbnails/400/")
    buffer = io.BytesIO()
    Image.new("RGB", (90, 60)).save(buffer, "PNG")
    [text] = call("recognize", image=base64.b64encode(buffer.getvalue()).decode()).content
    answer = json.loads(text.text)
    assert (answer["recognized"], answer["thumbnail"]) == (False, None)


def test_a_text_a_work_and_all_of_it_together_find_works(call: Call, encoded: str, collection: Any) -> None:
    assert len(ids_of(call("search_by_text", text="a storm at sea", k=4))) == 4
    assert len(ids_of(call("search_by_work", work="05.jpg"))) == 10
    found = ids_of(call("search_combined", image=encoded, text="a storm", where={"year": {"to": 1600}}, preset="style"))
    assert found and all(collection.work(identity)["year"] <= 1600 for identity in found)


def test_the_collection_is_described_and_a_work_with_its_picture(call: Call, address: str) -> None:
    text, picture = call("describe_work", work="05.jpg").content
    work = json.loads(text.text)
    assert work["id"] == "05.jpg" and work["thumbnail"].startswith(f"{address}thumbnails/400/")
    assert Image.open(io.BytesIO(base64.b64decode(picture.data))).format == "WEBP"
    [text] = call("describe_collection").content
    assert json.loads(text.text)["works"] == 40


def test_an_address_is_refused_and_never_fetched(call: Call) -> None:
    with listening() as (elsewhere, requests):
        for given in (f"{elsewhere}a.jpg", f"{elsewhere}gradio_api/file=/a.jpg", f"data:{elsewhere}a.jpg"):
            answer = call("search_by_image", image=given)
            assert answer.isError and answer.content[0].text.endswith(".")
        assert requests == []


def test_no_file_of_the_server_is_accepted_as_a_picture(call: Call, paintings: Path) -> None:
    inside = str(paintings / "05.jpg")
    for given in (
        inside,
        f"http://app/gradio_api/file={inside}",
        {"path": inside, "meta": {"_type": "gradio.FileData"}},
    ):
        answer = call("search_by_image", image=given)
        assert answer.isError and "05.jpg" not in answer.content[0].text.replace(inside, "")
    hidden = {"artist": {"path": inside, "meta": {"_type": "gradio.FileData"}}}
    assert call("search_combined", work="05.jpg", where=hidden).isError


@pytest.mark.parametrize(
    ("tool", "given", "message"),
    [
        ("search_by_image", {"image": "not base64!"}, "The picture is not base64."),
        ("search_by_image", {"image": base64.b64encode(b"Dear museum,").decode()}, "The picture is not an image"),
        ("search_by_work", {"work": "05.jpg", "k": 0}, "0 is less than the minimum of 1"),
        ("search_by_text", {"text": " "}, "The text to search for is empty."),
        ("search", {"text": "x"}, "Unknown tool"),
    ],
)
def test_invalid_input_gives_one_message(call: Call, tool: str, given: dict[str, Any], message: str) -> None:
    answer = call(tool, **given)
    assert answer.isError
    assert message in answer.content[0].text and "Traceback" not in answer.content[0].text
