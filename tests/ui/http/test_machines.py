"""The examples of docs/http.md, each run unchanged against the real app, and the JSON log of that app."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from app_process import ROOT, RunningApp, run_app

pytestmark = pytest.mark.slow

EXAMPLES = ROOT / "docs" / "examples"
_NAME = "a-name-nobody-should-log.jpg"


@pytest.fixture(scope="module")
def picture(met_works: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / _NAME
    path.write_bytes(met_works[50]["image"]["bytes"])
    return path


def output_of(command: list[str], app: RunningApp, picture: Path) -> str:
    arguments = [*command, app.url, str(picture)]
    run = subprocess.run(arguments, cwd=EXAMPLES, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


def find_program(*names: str) -> str:
    path = next((candidate for candidate in map(shutil.which, names) if candidate), None)
    if path is None:
        pytest.skip(f"there is no {names[0]} here")
    return path


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*client*")), ids=lambda path: path.name)
def test_the_docs_quote_the_example_files(example: Path) -> None:
    quoted = re.findall(r"^```\w+\n(.*?)\n```$", (ROOT / "docs" / "http.md").read_text(encoding="utf-8"), re.M | re.S)
    assert example.read_text(encoding="utf-8").rstrip("\n") in quoted


@pytest.mark.parametrize("example", ["client.py", "client.mjs"])
def test_the_examples_in_python_and_javascript(
    app: RunningApp, picture: Path, met_works: list[dict[str, Any]], example: str
) -> None:
    program, work = sys.executable if example.endswith(".py") else find_program("node", "nodejs"), met_works[50]
    lines = output_of([program, example], app, picture).splitlines()
    assert lines[0].startswith(f"1. {work['title']} ({work['artist']}")
    assert lines[3].startswith("Works like the first: ") and work["title"] not in lines[3]
    assert lines[4].startswith("In style, from 1800 on: ")
    assert "CC0" in lines[5] and "/thumbnails/400/" in lines[5]
    assert len(lines[6]) > len(f"By {work['artist']}: ") and lines[6].startswith(f"By {work['artist']}: ")
    assert f"{work['artist']} (" in lines[7]


def test_the_curl_example(app: RunningApp, picture: Path, met_works: list[dict[str, Any]]) -> None:
    find_program("curl")
    output = output_of([find_program("bash"), "client.sh"], app, picture)
    assert output.startswith("event: complete\n")
    assert json.loads(output.split("data: ")[1])[0][0]["id"] == met_works[50]["id"]


def test_the_mcp_example(app: RunningApp, picture: Path, met_works: list[dict[str, Any]]) -> None:
    lines = output_of([sys.executable, "mcp_client.py"], app, picture).splitlines()
    assert lines[0].startswith("Tools: search_by_image, search_by_text")
    assert lines[1].startswith(f"1. {met_works[50]['title']}")
    assert "image/webp" in lines[4]
    assert lines[5].startswith(f"By {met_works[50]['artist']}: ")


def test_every_line_of_the_log_is_an_object_without_names_of_uploads_or_visitors(
    app: RunningApp, picture: Path
) -> None:
    answer = httpx.get(f"{app.url}healthz")
    with picture.open("rb") as file:
        httpx.post(f"{app.url}gradio_api/upload", files={"files": file}).raise_for_status()
    httpx.post(f"{app.url}gradio_api/call/v2/nothing", json={})  # fails inside Gradio
    lines = [json.loads(line) for line in app.said().splitlines()]
    [request] = [line for line in lines if line.get("request_id") == answer.headers["x-request-id"]]
    assert (request["method"], request["route"], request["status"]) == ("GET", "/healthz", 200)
    assert request["milliseconds"] > 0
    assert "Encoder: embedded (openai/clip-vit-base-patch16 is not in the local cache" in app.said()
    assert _NAME not in app.said()
    assert not any("127.0.0.1" in line["message"] and line["logger"] == "artsim.ui.http.traffic" for line in lines)


def test_an_error_at_the_start_is_logged_as_an_object(tmp_path: Path) -> None:
    run = run_app(tmp_path, "--collection", "no/such/folder", "--log-format", "json")
    [line] = [json.loads(line) for line in run.stderr.splitlines()]
    assert run.returncode == 2 and line["level"] == "error" and "no/such/folder" in line["message"]
